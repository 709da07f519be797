package gossip

import (
	"net/netip"
	"testing"
	"time"

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

// TestGossipOwnValuesWinAgainstEarlierOnes, of the same millisecond or of a clock
// that was slightly ahead: a server that withdraws must not be found by chance.
func TestGossipOwnValuesWinAgainstEarlierOnes(t *testing.T) {
	for _, back := range []uint64{0, 500} {
		n := newNetwork(t, 1)
		m := n.join(Light, Limits{})
		m.joined = n.clock - 2*joining
		m.announce(full(100), n.clock)
		m.setServing(false, n.clock-back)
		own, _ := m.table.ContactInfo(m.self)
		_, found := own.Info.Socket(wire.SocketRPC)
		same(t, "RPC is advertised", found, false)
		m.setServing(true, n.clock-back)
		m.announce(full(200), n.clock-back)
		hashes, _ := m.table.SnapshotHashes(m.self)
		same(t, "slot", hashes.Full.Slot, 200)
		own, _ = m.table.ContactInfo(m.self)
		_, found = own.Info.Socket(wire.SocketRPC)
		same(t, "RPC is advertised", found, true)
	}
}

// TestGossipRunWhoseClockWasAhead: what others have of it is overruled, and is not
// taken for a second node.
func TestGossipRunWhoseClockWasAhead(t *testing.T) {
	const hour = 3_600_000
	l := newLab(t, Light, Limits{})
	s := l.knows(newActor(1))
	past := l.contactInfo(l.clock + hour)
	past.Outset += 1000 * hour
	l.hears(s.addr, &wire.Push{Values: []wire.Value{signed(t, l.key, past).Value()}})
	same(t, "error", l.failed, nil)
	l.passes(time.Second)
	own, _ := l.table.ContactInfo(l.self)
	same(t, "our outset wins", own.Info.Outset > past.Outset, true)
	same(t, "our wallclock is now", own.Info.Wallclock <= l.clock, true)
}

// TestGossipPullRequestVouchesForNothing: who asks has proved the address that it
// asks from, not the one in its contact info (gossip-wire §6.2).
func TestGossipPullRequestVouchesForNothing(t *testing.T) {
	l := newLab(t, Light, Limits{})
	s := l.knows(newActor(1))
	moved := s.info(l.clock + 1)
	victim := placeOf(99)
	if err := moved.SetSockets(map[wire.SocketKey]netip.AddrPort{wire.SocketGossip: victim}); err != nil {
		t.Fatal(err)
	}
	value := signed(t, s.key, moved).Value()
	request := s.request(t, 0, l.clock)
	request.Caller = value
	l.hears(s.addr, request, &wire.Push{From: s.pubkey, Values: []wire.Value{value}})
	same(t, "address", l.address(s.pubkey), s.addr)
}
