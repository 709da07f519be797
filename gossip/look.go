package gossip

import (
	"net/netip"

	"solsnap/gossip/wire"
)

// look sorts a datagram into the batch, or drops it if that can be decided
// without a signature.
func (e *engine) look(b *inbox, from netip.AddrPort, data []byte, now uint64) {
	m, err := wire.Decode(data)
	if err != nil {
		e.count(0, Malformed)
		return
	}
	switch m := m.(type) {
	case *wire.Ping:
		e.lookPing(b, m, from, now)
	case *wire.Pong:
		e.lookPong(b, m, from, now)
	case *wire.Prune:
		e.lookPrune(b, m, now)
	case *wire.PullRequest:
		e.lookRequest(b, m, from, now)
	case *wire.Push:
		e.lookValues(b, wire.ProtocolPush, arrival{from: m.From, addr: from}, m.Values, now)
	case *wire.PullResponse:
		e.lookValues(b, wire.ProtocolPullResponse, arrival{from: m.From, addr: from}, m.Values, now)
	}
}

func (e *engine) count(p wire.Protocol, v Verdict) { e.stats.PacketsIn[p][v]++ }

func (e *engine) countValue(k wire.Kind, v Verdict) { e.stats.ValuesIn[k][v]++ }

// lookPing lets so many pings through for each IP address: a pong is a signature
// that anybody can have.
func (e *engine) lookPing(b *inbox, m *wire.Ping, from netip.AddrPort, now uint64) {
	switch {
	case m.From == e.self:
		e.count(wire.ProtocolPing, Own)
	case !e.pongs.take(from.Addr(), now):
		e.count(wire.ProtocolPing, Limited)
	default:
		b.pings = append(b.pings, pingIn{m, from, b.message(m)})
	}
}

// lookPong lets through what answers a ping of ours.
func (e *engine) lookPong(b *inbox, m *wire.Pong, from netip.AddrPort, now uint64) {
	if !e.pings.expects(m, from, now) {
		e.count(wire.ProtocolPong, Misdirected)
		return
	}
	b.pongs = append(b.pongs, pongIn{m, from, b.message(m)})
}

func (e *engine) lookPrune(b *inbox, m *wire.Prune, now uint64) {
	switch {
	case m.Destination != e.self:
		e.count(wire.ProtocolPrune, Misdirected)
	case now > m.Wallclock+millis(e.limits.PruneAge):
		e.count(wire.ProtocolPrune, WrongTime)
	case !e.table.Has(m.From):
		e.count(wire.ProtocolPrune, Unknown)
	default:
		b.prunes = append(b.prunes, pruneIn{m, b.message(m)})
	}
}

// lookRequest lets through who asks in time, of our cluster, from an address that
// has been proved: anything else would make us send megabytes to whom somebody
// else chose (gossip/src/cluster_info.rs, check_pull_request).
func (e *engine) lookRequest(b *inbox, m *wire.PullRequest, from netip.AddrPort, now uint64) {
	verdict := e.judgeRequest(m, from, now)
	if verdict == Accepted {
		b.requests = append(b.requests, requestIn{m, from, b.caller(m.Caller)})
		return
	}
	e.count(wire.ProtocolPullRequest, verdict)
}

func (e *engine) judgeRequest(m *wire.PullRequest, from netip.AddrPort, now uint64) Verdict {
	caller := m.Caller.ContactInfo()
	switch {
	case e.joined == 0 || caller == nil:
		return Unknown
	case caller.Pubkey == e.self:
		return Own
	case caller.ShredVersion != e.shredVersion:
		return WrongShredVersion
	case !within(caller.Wallclock, now, millis(e.limits.PullWindow)):
		return WrongTime
	case !allowedAddr(from, e.allowPrivate):
		return Misdirected
	case !e.gate(caller.Pubkey, from, now):
		return Unproved
	}
	return Accepted
}

// within reports whether two times are close together.
func within(a, b, window uint64) bool { return a <= b+window && b <= a+window }

// gate reports whether a node has shown that an address is its own, and pings it
// if it is time to.
func (e *engine) gate(node wire.Pubkey, addr netip.AddrPort, now uint64) bool {
	proved, token := e.pings.check(node, addr, now)
	if token != nil {
		e.outbox.add(addr, wire.NewPing(e.key, *token))
	}
	return proved
}

// lookValues sifts the values of a push or a pull response.
func (e *engine) lookValues(b *inbox, p wire.Protocol, a arrival, values []wire.Value, now uint64) {
	if e.joined == 0 {
		e.count(p, Unknown)
		return
	}
	verdict := Duplicate // of a packet without values
	start := len(b.values)
	for _, v := range values {
		var in incoming
		if in, verdict = e.sift(b, v, p == wire.ProtocolPush, now); verdict == Accepted {
			b.values = append(b.values, in)
			continue
		}
		e.countValue(v.Kind(), verdict)
	}
	a.values = b.values[start:len(b.values):len(b.values)]
	switch {
	case len(a.values) == 0:
		e.count(p, verdict)
	case p == wire.ProtocolPush:
		b.pushes = append(b.pushes, a)
	default:
		b.answers = append(b.answers, a)
	}
}
