package gossip

import (
	"net/netip"
	"slices"

	"solsnap/gossip/crds"
	"solsnap/gossip/wire"
)

// never is how many relayers were faster with a value that is of no use any more.
const never = -1

// settle acts upon a batch that has been proved, in Agave's order (§6.1, 9).
func (e *engine) settle(b *inbox, now uint64) {
	for _, in := range b.pings {
		if e.proved(b, wire.ProtocolPing, in.check) {
			e.settlePing(in, now)
		}
	}
	for _, in := range b.prunes {
		if e.proved(b, wire.ProtocolPrune, in.check) {
			e.obey(in.prune)
		}
	}
	if len(b.pushes) > 0 {
		e.settlePushes(b, now)
	}
	for i := range b.answers {
		e.settleAnswer(b, &b.answers[i], now)
	}
	for _, in := range b.pongs {
		if e.proved(b, wire.ProtocolPong, in.check) {
			e.settlePong(in, now)
		}
	}
	e.answer(b, now)
}

// settlePing answers. Who pings has just dropped our contact info for want of a
// pong, and would have to wait for somebody to send it again: it comes behind the
// pong. Only an address that is proved gets more bytes than came from it.
func (e *engine) settlePing(in pingIn, now uint64) {
	e.outbox.add(in.from, wire.NewPong(e.key, in.ping.Token))
	if e.pings.rtt(in.ping.From, in.from, now) > 0 {
		e.introduce(in.from, now)
	}
}

// settlePong tells who has just proved its address who we are.
func (e *engine) settlePong(in pongIn, now uint64) {
	met := e.pings.rtt(in.pong.From, in.from, now) > 0
	if _, ok := e.pings.pong(in.pong, in.from, now); ok && !met {
		e.introduce(in.from, now)
	}
}

// proved counts a message by whether its signature is right.
func (e *engine) proved(b *inbox, p wire.Protocol, check int) bool {
	if b.checks[check].err != nil {
		e.count(p, Forged)
		return false
	}
	e.count(p, Accepted)
	return true
}

// forged drops a packet that has a value which its origin did not sign.
func (e *engine) forged(b *inbox, a *arrival, p wire.Protocol) bool {
	if !b.forged(a) {
		e.count(p, Accepted)
		return false
	}
	e.count(p, Forged)
	for _, in := range a.values {
		e.countValue(in.value.Kind(), Forged)
	}
	return true
}

// settlePushes takes what is new, remembers who was late with what is not, and
// asks those to stop (gossip/src/crds_gossip_push.rs, process_push_message).
func (e *engine) settlePushes(b *inbox, now uint64) {
	upserted := b.upserted
	for i := range b.pushes {
		a := &b.pushes[i]
		if e.forged(b, a, wire.ProtocolPush) {
			continue
		}
		for j := range a.values {
			in := &a.values[j]
			if before := e.settlePushed(b, in, a.addr, now); in.fate != returnOwn {
				e.received.record(in.value.Origin(), a.from, before)
				if before == 0 {
					upserted[in.value.Origin()] = struct{}{}
				}
			}
		}
	}
	e.prune(upserted, now)
}

// settlePushed returns how many relayers were faster, or never.
func (e *engine) settlePushed(b *inbox, in *incoming, from netip.AddrPort, now uint64) (before int) {
	kind := in.value.Kind()
	switch in.fate {
	case returnOwn:
		e.comeBack(in, from, now)
	case recount:
		outcome := e.table.Judge(in.value, in.hash)
		if outcome.Verdict == crds.Duplicate {
			e.countValue(kind, Duplicate)
			return e.table.Duplicate(in.value.Label())
		}
		e.countValue(kind, Stale)
		return never
	case insert:
		return e.insertPushed(b, in, now)
	}
	return never
}

// insertPushed puts a new value into the table, unless a copy in the same batch
// was there before.
func (e *engine) insertPushed(b *inbox, in *incoming, now uint64) (before int) {
	outcome := e.table.Insert(b.checks[in.check].verified, crds.Pushed, now)
	switch {
	case outcome.Upserted():
		e.countValue(in.value.Kind(), Accepted)
		return 0
	case outcome.Verdict == crds.Duplicate:
		e.countValue(in.value.Kind(), Duplicate)
		return outcome.Pushes
	}
	e.countValue(in.value.Kind(), Stale)
	return never
}

// settleAnswer takes what a pull response has that we lack. An old value counts
// only while its origin is known to live (gossip/src/crds_gossip_pull.rs,
// filter_pull_responses).
func (e *engine) settleAnswer(b *inbox, a *arrival, now uint64) {
	if e.forged(b, a, wire.ProtocolPullResponse) {
		return
	}
	for i := range a.values {
		in := &a.values[i]
		switch in.fate {
		case returnOwn:
			e.comeBack(in, a.addr, now)
		case insert:
			e.countValue(in.value.Kind(), e.insertPulled(b.checks[in.check].verified, now))
		}
	}
}

func (e *engine) insertPulled(v wire.Verified, now uint64) Verdict {
	switch outcome := e.table.InsertPulled(v, e.timeout(v.Origin()), now); outcome.Verdict {
	case crds.New, crds.Replaces:
		return Accepted
	case crds.Duplicate:
		return Duplicate
	case crds.Stale:
		return Stale
	default:
		return WrongTime
	}
}

// comeBack is for our own contact info, from another node. One of now that is of a
// later start is the work of a second node with our key, which signs every few
// seconds (§4.5). One of another time is our own, of a run whose clock was ahead,
// and has to be overruled.
func (e *engine) comeBack(in *incoming, from netip.AddrPort, now uint64) {
	switch later := in.value.Outset() > e.outset; {
	case later && within(in.value.Wallclock(), now, millis(e.limits.PushWindow)):
		e.failed = ErrDuplicateInstance
		return
	case later:
		e.log.Warn("gossip: others know us from a run whose clock was ahead; announcing anew")
		e.restart(in.value.Outset(), now)
		return
	}
	e.countValue(wire.KindContactInfo, Own)
	e.returned[from] = now
}

const (
	returnedFor = 60_000 // ms
	maxReturned = 16_384
)

// forgetReturned forgets those who have not known us for a while.
func (e *engine) forgetReturned(now uint64) {
	for from, at := range e.returned {
		if now-at > returnedFor || len(e.returned) > maxReturned {
			delete(e.returned, from)
		}
	}
}

// obey no longer sends a peer what comes from certain origins (§8.5).
func (e *engine) obey(m *wire.Prune) {
	for _, origin := range m.Origins {
		if origin != e.self {
			e.active.prune(m.From, origin, stakeBucket(min(e.stakes.of(e.self), e.stakes.of(origin))))
			e.stats.PrunesIn++
		}
	}
}

// prune asks relayers who are of no use for certain origins to stop (§8.4).
func (e *engine) prune(upserted map[wire.Pubkey]struct{}, now uint64) {
	surplus := make(map[wire.Pubkey][]wire.Pubkey) // by relayer
	for origin := range upserted {
		for _, relayer := range e.received.prune(e.self, origin, e.stakes.of(e.self), e.stakes.of) {
			surplus[relayer] = append(surplus[relayer], origin)
		}
	}
	for relayer, origins := range surplus {
		to := e.address(relayer)
		if !to.IsValid() {
			continue
		}
		for chunk := range slices.Chunk(origins, wire.MaxPruneOrigins) {
			e.outbox.add(to, wire.NewPrune(e.key, relayer, chunk, now))
			e.stats.PrunesOut += uint64(len(chunk))
		}
	}
}
