package gossip

import (
	"testing"

	"solsnap/gossip/wire"
)

// TestGossipClockSetBack: what was signed by a clock that was ahead must not win
// against what is signed afterwards.
func TestGossipClockSetBack(t *testing.T) {
	const hour = 3_600_000
	n := newNetwork(t, 1)
	m := n.join(Light, Limits{})
	m.announce(full(100), n.clock)
	ahead := n.clock + hour
	m.joined = ahead - 2*joining
	m.round(ahead)
	before, _ := m.table.ContactInfo(m.self)
	m.round(ahead + 100 - 1000) // by a second is nothing
	same(t, "outset", m.outset, before.Info.Outset)

	m.joined = n.clock - 2*joining
	m.round(n.clock)
	after, ok := m.table.ContactInfo(m.self)
	same(t, "own contact info is there", ok, true)
	same(t, "its wallclock", after.Info.Wallclock, n.clock)
	same(t, "its outset wins", after.Info.Outset > before.Info.Outset, true)
	hashes, ok := m.table.SnapshotHashes(m.self)
	same(t, "own snapshot hashes are there", ok, true)
	same(t, "their wallclock", hashes.Wallclock, n.clock)
}

// TestGossipNothingToAnnounce: who announces nothing gives nothing to those who
// pull, either.
func TestGossipNothingToAnnounce(t *testing.T) {
	n := newNetwork(t, 1)
	m := n.join(Light, Limits{})
	m.joined = n.clock - 2*joining
	m.announce(full(100), n.clock)
	_, ok := m.table.SnapshotHashes(m.self)
	same(t, "announced", ok, true)
	m.announce(nil, n.clock)
	_, ok = m.table.SnapshotHashes(m.self)
	same(t, "announced", ok, false)
	m.announce(nil, n.clock)
}

// TestGossipRestoredNodesAreNoPeersYet: what a file says has to pong first.
func TestGossipRestoredNodesAreNoPeersYet(t *testing.T) {
	n := newNetwork(t, 1)
	m, other := n.join(Light, Limits{}), n.add(Light, Limits{})
	other.enter(n)
	info, _ := other.sign(other.contactInfo(n.clock))
	saved, err := wire.AppendValues(nil, []wire.Value{info.Value()})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.restore(saved, n.clock); err != nil {
		t.Fatal(err)
	}
	same(t, "peers", len(m.peers(n.clock)), 0)
	same(t, "known", m.status(nil).Peers, 1)
	m.meet(other, n.clock)
	same(t, "peers", len(m.peers(n.clock+1)), 1)
}
