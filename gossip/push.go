package gossip

import (
	"net/netip"

	"solsnap/gossip/wire"
)

// parcel names values that go to a peer in one packet, if they fit.
type parcel struct {
	to netip.AddrPort
	// apart is for our own snapshot hashes: in a packet with a contact info that the
	// receiver has not seen before, they would be lost (§6.1, 5).
	apart bool
}

// push hands on what is new in the table (gossip/src/crds_gossip_push.rs,
// new_push_messages). What does not fit into one call is for the next.
func (e *engine) push(now uint64) {
	if e.joined == 0 {
		return
	}
	e.pushed = now
	pairs := 0
	for ordinal, v := range e.table.Since(e.cursor) {
		if pairs >= e.limits.PushBatch {
			break
		}
		e.cursor = ordinal
		if within(v.Wallclock(), now, millis(e.limits.PushWindow)) && v.Relayable() && e.stakes.relays(v, true) {
			pairs += e.hand(v)
		}
	}
	e.ship()
}

// ship sends the parcels, and empties them.
func (e *engine) ship() {
	for p, values := range e.parcels {
		for _, run := range wire.Pack(values) {
			e.outbox.add(p.to, &wire.Push{From: e.self, Values: run})
		}
		clear(values)
		e.parcels[p] = values[:0]
	}
}

// hand puts a value into the parcels of the peers it is for, and returns how many
// those are. While there is no peer, our own values go to the entrypoints.
func (e *engine) hand(v wire.Verified) (peers int) {
	own := v.Origin() == e.self
	apart := own && v.Kind() == wire.KindSnapshotHashes
	put := func(to netip.AddrPort) {
		if to.IsValid() {
			p := parcel{to, apart}
			e.parcels[p] = append(e.parcels[p], v)
		}
		peers++
	}
	for peer := range e.active.nodes(stakeBucket(min(e.stakes.of(e.self), e.stakes.of(v.Origin()))), v.Origin()) {
		put(e.address(peer))
	}
	if own && peers == 0 {
		for _, d := range e.doors {
			put(d.addr)
		}
	}
	return peers
}
