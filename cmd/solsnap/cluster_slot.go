package main

import (
	"net/netip"
	"slices"

	"solsnap/gossip"
	"solsnap/gossip/wire"
	"solsnap/snapshot"
)

// How many say at least how high the cluster is, for it to be believed: one in
// believersOf, and never less than fewestBelievers.
const (
	believersOf     = 10
	fewestBelievers = 2
)

// clusterSlot is how far the cluster is, by what its nodes announce; nil when
// that cannot be known. Anybody may announce anything, and who is believed to be
// far ahead makes us unhealthy. So known validators are asked alone, if there are
// any; and else there is one vote for each IP address, and the slot is the
// highest that a tenth of them, and two at least, have reached. Lowering it takes
// nine tenths of the addresses.
func clusterSlot(peers []gossip.Peer, known []wire.Pubkey) *snapshot.Slot {
	if len(known) > 0 {
		return highest(peers, func(p *gossip.Peer) bool { return slices.Contains(known, p.Pubkey) })
	}
	votes := make(map[netip.AddrPort]uint64)
	for i := range peers {
		if p := &peers[i]; p.Snapshots != nil && p.Gossip.IsValid() {
			votes[voter(p)] = max(votes[voter(p)], p.Snapshots.Slot())
		}
	}
	believers := max(fewestBelievers, (len(votes)+believersOf-1)/believersOf)
	if len(votes) < believers {
		return nil
	}
	slots := make([]uint64, 0, len(votes))
	for _, slot := range votes {
		slots = append(slots, slot)
	}
	slices.Sort(slots)
	slot := snapshot.Slot(slots[len(slots)-believers])
	return &slot
}

// voter is the IP address of a node. In a cluster of one's own, where addresses
// are private, nodes may share one, and are not strangers.
func voter(p *gossip.Peer) netip.AddrPort {
	addr, port := p.Gossip.Addr(), uint16(0)
	if addr.IsPrivate() || addr.IsLoopback() {
		port = p.Gossip.Port()
	}
	return netip.AddrPortFrom(addr, port)
}

// highest is the highest slot that one of those peers announces.
func highest(peers []gossip.Peer, counts func(*gossip.Peer) bool) *snapshot.Slot {
	var slot *snapshot.Slot
	for i := range peers {
		if p := &peers[i]; p.Snapshots != nil && counts(p) {
			if s := snapshot.Slot(p.Snapshots.Slot()); slot == nil || s > *slot {
				slot = &s
			}
		}
	}
	return slot
}
