package gossip

import (
	"net/netip"

	"solsnap/gossip/wire"
)

// pull asks others for what we lack: each of a sample of all partitions somebody
// else (gossip/src/crds_gossip_pull.rs, new_pull_request).
func (e *engine) pull(now uint64) {
	caller, ok := e.sign(e.contactInfo(now))
	if !ok {
		return
	}
	candidates := e.candidates(now)
	door := e.knock(len(candidates) == 0, now)
	if len(candidates) == 0 && door == nil {
		return
	}
	filters := e.filters(caller, now)
	weights := make([]uint64, len(candidates))
	for i, c := range candidates {
		weights[i] = e.stakes.weight(c.pubkey, e.self)
	}
	shuffle := newWeightedShuffle(weights)
	for i := range filters {
		request := &wire.PullRequest{Filter: filters[i], Caller: caller.Value()}
		if chosen, ok := shuffle.first(e.random.Uint64); ok {
			e.outbox.add(e.address(candidates[chosen].pubkey), request)
		}
		if door != nil {
			e.outbox.add(door.addr, request)
		}
	}
}

// knock chooses an entrypoint to pull from: always while there is nobody else,
// and else now and then one that has not been met.
func (e *engine) knock(alone bool, now uint64) *door {
	if len(e.doors) == 0 {
		return nil
	}
	d := &e.doors[e.random.IntN(len(e.doors))]
	if !alone && (now-d.asked < millis(e.limits.EntrypointInterval) || e.met(d.addr, now)) {
		return nil
	}
	d.asked = now
	return d
}

// met reports whether a node at an address is in the table, and was heard of
// lately. Agave does not ask for the latter; but without stakes it is only by an
// entrypoint that the parts of a cluster come together again.
func (e *engine) met(addr netip.AddrPort, now uint64) bool {
	for node := range e.table.Nodes() {
		lately := node.Received+millis(e.limits.PeerActive) > now
		if lately && node.Info.Pubkey != e.self && allowedSocket(node.Info, wire.SocketGossip, e.allowPrivate) == addr {
			return true
		}
	}
	return false
}

// filters are those for one pull.
func (e *engine) filters(caller wire.Verified, now uint64) []wire.CrdsFilter {
	set, err := e.table.Filters(wire.FilterRoom(caller), e.pullShare(now), e.widen(), e.random.Uint64)
	if err != nil {
		e.log.Error("gossip: pull filters", "err", err)
		return nil
	}
	return set.Filters()
}

// widen gives how many requests to send at most: twice as many as last time while there is
// time for the responses, and half as many once some had to be dropped. A node
// with an empty table would else be sent the same values again and again, and more
// of them than it can verify.
func (e *engine) widen() int {
	const first = 8 // as many as Agave sends with an empty table
	switch {
	case e.width == 0:
		e.width = first
	case e.shed:
		e.width = max(e.width/2, 1)
	default:
		e.width *= 2
	}
	e.width, e.shed = min(e.width, e.limits.PullFilters), false
	return e.width
}

// response is a packet that a request may get.
type response struct {
	to     netip.AddrPort
	values []wire.Value
	score  uint64
}

// answer gives those who asked what they lack, as far as the budgets go. What
// does not fit, they will ask for again (gossip/src/cluster_info.rs,
// handle_pull_requests).
func (e *engine) answer(b *inbox, now uint64) {
	const (
		smallest = 161  // bytes of a pull response (Agave, PULL_RESPONSE_MIN_SERIALIZED_SIZE)
		jitter   = 3750 // ms; what is younger than that may be on its way by push
	)
	younger, most := e.random.Uint64N(jitter), int(e.bytes.left(now)/smallest)
	var responses []response
	for _, in := range b.requests {
		if e.proved(b, wire.ProtocolPullRequest, in.check) {
			values := e.lacking(in, younger, most, now)
			most -= len(values)
			responses = e.pack(responses, in.from, values, now)
		}
	}
	e.respond(responses, now)
}

// lacking are at most so many of the values that a request asks for. How far the
// table is searched depends on what the IP address has left.
func (e *engine) lacking(in requestIn, younger uint64, most int, now uint64) (values []wire.Verified) {
	keys := uint64(max(len(in.request.Filter.Bloom.Keys), 1))
	scan := int(e.scans.left(in.from.Addr(), now) / keys)
	work := scan
	for v := range e.table.Missing(&in.request.Filter, in.request.Caller.Wallclock()+younger, &work) {
		if len(values) >= most {
			break
		}
		if e.stakes.relays(v, false) {
			values = append(values, v)
		}
	}
	e.scans.spend(in.from.Addr(), uint64(scan-work)*keys, now)
	return values
}

func (e *engine) pack(responses []response, to netip.AddrPort, values []wire.Verified, now uint64) []response {
	rest := values
	for _, run := range wire.Pack(values) {
		r := response{to: to, values: run}
		for _, v := range rest[:len(run)] {
			r.score = max(r.score, e.score(v, now))
		}
		rest = rest[len(run):]
		responses = append(responses, r)
	}
	return responses
}

// score prefers what is new, staked nodes, and contact infos.
func (e *engine) score(v wire.Verified, now uint64) uint64 {
	const epoch, tick = 172_800_000, 15_000 // ms
	age := now - min(now, v.Wallclock())
	s := max(1, (epoch-min(epoch, age))/tick)
	if _, staked := e.stakes[v.Origin()]; staked {
		s *= 2
	}
	if v.Kind() == wire.KindContactInfo {
		s *= 2
	}
	return s
}

// respond sends packets in an order drawn by their scores, until one is more than
// the budget has left.
func (e *engine) respond(responses []response, now uint64) {
	weights := make([]uint64, len(responses))
	for i, r := range responses {
		weights[i] = r.score
	}
	for i := range newWeightedShuffle(weights).all(e.random.Uint64) {
		before := e.outbox.bytes
		if e.bytes.left(now) < wire.MaxPacket {
			return
		}
		e.outbox.add(responses[i].to, &wire.PullResponse{From: e.self, Values: responses[i].values})
		e.bytes.spend(e.outbox.bytes-before, now)
	}
}
