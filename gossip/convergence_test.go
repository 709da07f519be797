package gossip

import (
	"net/netip"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// snapshotsAt are snapshots at some slots, without an incremental if that is 0.
func snapshotsAt(full, incremental uint64) *Snapshots {
	s := &Snapshots{Full: wire.SlotHash{Slot: full, Hash: wire.Hash{1, byte(full)}}}
	if incremental > 0 {
		s.Incremental = &wire.SlotHash{Slot: incremental, Hash: wire.Hash{2, byte(incremental)}}
	}
	return s
}

// sees reports whether a node knows what another announces.
func (m *member) sees(origin *member, want *Snapshots) bool {
	got, ok := m.table.SnapshotHashes(origin.self)
	if !ok {
		return false
	}
	s := Snapshots{Full: got.Full}
	if highest, ok := got.Highest(); ok {
		s.Incremental = &highest
	}
	return s.Equal(want)
}

// count is of how many nodes something is so.
func (n *network) count(so func(*member) bool) (count int) {
	for _, m := range n.members {
		if so(m) {
			count++
		}
	}
	return count
}

func (n *network) all(so func(*member) bool) bool { return n.count(so) == len(n.members) }

// announced announces, and returns how many rounds it takes until a part of all
// nodes, in percent, knows of it.
func (n *network) announced(origin *member, s *Snapshots, percent, rounds int) int {
	n.t.Helper()
	origin.announce(s, origin.now(n))
	return n.until("the announcement is known", rounds, func() bool {
		return 100*n.count(func(m *member) bool { return m.sees(origin, s) }) >= percent*len(n.members)
	})
}

// TestGossipAnnouncementReachesEverybody is how fast what is new gets to everybody
// (gossip-wire §8.2): after one hop it is with 9 nodes, after two with 81, and
// after three with 729.
func TestGossipAnnouncementReachesEverybody(t *testing.T) {
	n := settled(t, 1, crowdSize, Light, Limits{})
	n.run(300 * time.Millisecond)
	origin := n.members[3]
	most := n.announced(origin, snapshotsAt(1000, 1100), 99, 10)
	t.Logf("99 %% of %d nodes after %d rounds of 100 ms", crowdSize, most)
	all := n.announced(origin, snapshotsAt(1000, 1200), 100, 30)
	t.Logf("all of them after %d rounds", all)
}

// TestGossipFollowsTheServedPair is what a server has to tell in its life
// (gossip-wire §13): a full snapshot, an incremental, another incremental, a full
// that takes the incremental's place, and that it is no server any more.
func TestGossipFollowsTheServedPair(t *testing.T) {
	n := settled(t, 2, 60/shrink, Light, Limits{})
	origin := n.members[0]
	for _, s := range []*Snapshots{snapshotsAt(1000, 0), snapshotsAt(1000, 1100), snapshotsAt(1000, 1200), snapshotsAt(2000, 0)} {
		rounds := n.announced(origin, s, 100, 20)
		t.Logf("slot %d after %d rounds", s.Slot(), rounds)
	}
	wallclock := func(m *member) uint64 {
		hashes, _ := m.table.SnapshotHashes(origin.self)
		return hashes.Wallclock
	}
	before := wallclock(n.members[1])
	n.until("refreshed", 110, func() bool { return wallclock(n.members[1]) > before })
	n.run(time.Second)

	origin.setServing(false, n.clock)
	withdrawn := n.clock
	rounds := n.until("nobody sees an RPC address", 20, func() bool {
		return n.all(func(m *member) bool { return !m.rpcOf(origin).IsValid() })
	})
	t.Logf("withdrawn after %d rounds", rounds)
	n.run(12 * time.Second)
	same(t, "nodes with hashes of after the withdrawal", n.count(func(m *member) bool { return wallclock(m) > withdrawn }), 0)

	origin.setServing(true, n.clock)
	n.until("back", 20, func() bool {
		return n.all(func(m *member) bool { return m.rpcOf(origin).IsValid() && wallclock(m) > withdrawn })
	})
}

// TestGossipEverybodyLearnsOfEverybody begins with nothing but the address of one
// node (gossip-wire §11.2).
func TestGossipEverybodyLearnsOfEverybody(t *testing.T) {
	const size = 60 / shrink
	n := newNetwork(t, 3)
	door := n.join(Full, Limits{})
	for range size - 1 {
		n.join(Light, Limits{}, door)
	}
	for i, m := range n.members {
		m.announce(snapshotsAt(1000, uint64(1001+i)), n.clock)
	}
	knowsAll := func(m *member) bool {
		for i, other := range n.members {
			if m != other && !m.sees(other, snapshotsAt(1000, uint64(1001+i))) {
				return false
			}
		}
		return m.table.Stats().Values[wire.KindContactInfo] == size
	}
	rounds := n.until("everybody knows everybody", 300, func() bool { return n.all(knowsAll) })
	t.Logf("%d nodes know each other after %d rounds, %d packets and %d bytes for each", size, rounds,
		n.total.packets/size, n.total.bytes/size)
	n.until("everybody is visible", 100, func() bool {
		return n.all(func(m *member) bool { return m.status(m.peers(n.clock)).Visible() })
	})
}

// rpcOf is where a node sees the RPC service of another.
func (m *member) rpcOf(origin *member) (addr netip.AddrPort) {
	if node, ok := m.table.ContactInfo(origin.self); ok {
		return allowedSocket(node.Info, wire.SocketRPC, m.allowPrivate)
	}
	return addr
}

// TestGossipIsDeterministic is what every number of these tests relies on.
func TestGossipIsDeterministic(t *testing.T) {
	var runs [2]traffic
	for i := range runs {
		n := newNetwork(t, 4)
		n.weather.loss, n.weather.twice = 0.1, 0.1
		door := n.join(Full, Limits{})
		for range 19 / shrink {
			n.join(Light, Limits{}, door).announce(snapshotsAt(1, 0), n.clock)
		}
		n.run(10 * time.Second)
		runs[i] = n.total
	}
	same(t, "traffic of the second run", runs[1], runs[0])
}
