package discovery

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"solsnap/gossip"
	"solsnap/gossip/wire"
)

// clustered is a node as gossip lists it.
func clustered(n byte, now time.Time) gossip.Peer {
	return gossip.Peer{
		Pubkey: peer(n),
		Info: &wire.ContactInfo{
			Pubkey: peer(n), Outset: uint64(epoch.UnixMicro()), Wallclock: millis(now),
			Version: wire.Version{Major: 4, Minor: 1, Client: 3},
		},
		RPC: netip.MustParseAddrPort("192.0.2.1:8899"),
		Snapshots: &gossip.Snapshots{
			Full:        wire.SlotHash{Slot: 100, Hash: wire.Hash{1}},
			Incremental: &wire.SlotHash{Slot: 200, Hash: wire.Hash{2}},
		},
	}
}

// stage feeds a source and a directory second by second.
type stage struct {
	t      testing.TB
	source *GossipSource
	dir    *Directory
	clock  *handClock
	events *Subscription
}

func newStage(t testing.TB) *stage {
	d, clock := newTestDirectory(t, nil)
	return &stage{t, NewGossipSource(GossipConfig{Network: network}), d, clock, d.Subscribe(EventID{})}
}

// pass lets seconds pass in which gossip lists what list says.
func (s *stage) pass(seconds int, list func(now time.Time) []gossip.Peer) {
	s.t.Helper()
	for range seconds {
		s.clock.step(time.Second)
		noError(s.t, s.source.Step(list(s.clock.now()), s.clock.now()).Apply(s.dir))
		s.dir.Purge()
	}
}

func one(now time.Time) []gossip.Peer { return []gossip.Peer{clustered(1, now)} }
func none(time.Time) []gossip.Peer    { return nil }

func TestGossipPeersBecomeEntries(t *testing.T) {
	s := newStage(t)
	now := s.clock.now()
	p := clustered(1, now)
	p.RTT = 30 * time.Millisecond
	noRPC, noSnapshots := clustered(2, now), clustered(3, now)
	noRPC.RPC, noSnapshots.Snapshots = netip.AddrPort{}, nil
	own, wrong := clustered(self, now), clustered(4, now)
	wrong.Snapshots.Incremental.Slot = 100
	noError(t, s.source.Step([]gossip.Peer{p, noRPC, noSnapshots, own, wrong}, now).Apply(s.dir))
	want(t, "peers", s.dir.Catalog().Len(), 2)
	got, ok := s.dir.Catalog().Get(peer(1))
	if !ok {
		t.Fatal("not there")
	}
	expected := Entry{
		Network: network, Peer: peer(1), Version: at(0), Addresses: []string{"http://192.0.2.1:8899"},
		Tags: []string{"client=Agave", "version=4.1.0"},
		Streams: []Stream{{
			Full: Archive{Slot: 100, Hash: wire.Hash{1}}, Incremental: &Archive{Slot: 200, Hash: wire.Hash{2}},
		}},
	}
	if !got.Entry.Same(&expected) || got.Entry.Version != expected.Version {
		t.Errorf("got %+v, want %+v", got.Entry, expected)
	}
	want(t, "source", got.Source, Gossip)
	want(t, "round-trip time over UDP", got.RTT, 30*time.Millisecond)
	bad, _ := s.dir.Catalog().Get(peer(4))
	want(t, "an incremental that is none is left out", bad.Entry.Streams[0].Incremental == nil, true)
}

func TestGossipPeersThatSayTheSameTellNothing(t *testing.T) {
	s := newStage(t)
	s.pass(3600, one)
	wantEvents(t, s.events, PeerDiscovered)
	want(t, "is there after an hour", s.dir.Catalog().Len(), 1)
	s.pass(2, func(now time.Time) []gossip.Peer {
		p := clustered(1, now)
		p.Snapshots = &gossip.Snapshots{Full: wire.SlotHash{Slot: 300}}
		return []gossip.Peer{p}
	})
	wantEvents(t, s.events, PeerUpdated)
}

func TestGossipPeersThatFlapStay(t *testing.T) {
	s := newStage(t)
	for range 20 {
		s.pass(10, one)
		s.pass(50, none)
	}
	wantEvents(t, s.events, PeerDiscovered)
	s.pass(59, none) // with the 50 before, longer than is held
	wantEvents(t, s.events, PeerDeparted)
	for range 20 {
		s.pass(29, one)
		s.pass(10, none)
	}
	wantEvents(t, s.events) // never there for long enough
	s.pass(31, one)
	wantEvents(t, s.events, PeerDiscovered)
}

func TestGossipPeersThatWithdrawAreRemovedAtOnce(t *testing.T) {
	s := newStage(t)
	s.pass(5, one)
	withdrawn := func(now time.Time) []gossip.Peer {
		p := clustered(1, now)
		p.RPC = netip.AddrPort{}
		return []gossip.Peer{p}
	}
	s.pass(1, withdrawn)
	wantEvents(t, s.events, PeerDiscovered, PeerDeparted)
	s.pass(1, one)
	wantEvents(t, s.events)
	s.pass(31, one)
	wantEvents(t, s.events, PeerDiscovered)
}

func TestGossipGivesWayToTheFleet(t *testing.T) {
	s := newStage(t)
	s.pass(5, one)
	s.dir.Upsert(signed(t, 1, at(0)))
	s.pass(120, one)
	p, _ := s.dir.Catalog().Get(peer(1))
	want(t, "signed", p.Source, Fleet)
	want(t, "left", s.dir.Depart(leaving(t, 1, at(0), s.clock.now())), true)
	s.pass(60, one)
	p, ok := s.dir.Catalog().Get(peer(1))
	want(t, "then gossip's is back", ok && p.Source == Gossip, true)
}

func TestGossipSourceForgets(t *testing.T) {
	s := newStage(t)
	s.pass(5, one)
	s.pass(599, none)
	want(t, "remembered", len(s.source.seen), 1)
	s.pass(2, none)
	want(t, "forgotten", len(s.source.seen), 0)
}

// TestGossipSourceKeepsItsRules has nodes that come and go as they like.
func TestGossipSourceKeepsItsRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewGossipSource(GossipConfig{Network: network, Hold: 5 * time.Second, Return: 4 * time.Second})
		listed, ever := map[wire.Pubkey]bool{}, map[wire.Pubkey]bool{}
		seen, streak := map[wire.Pubkey]int{}, map[wire.Pubkey]int{}
		for second := range 60 {
			var peers []gossip.Peer
			for n := range byte(3) {
				if rapid.Bool().Draw(t, "there") {
					peers = append(peers, clustered(n, epoch))
					seen[peer(n)] = second
					streak[peer(n)]++
				} else if !listed[peer(n)] {
					streak[peer(n)] = 0
				}
			}
			changes := g.Step(peers, epoch.Add(time.Duration(second)*time.Second))
			for _, k := range changes.Remove {
				if !listed[k] || second-seen[k] < 5 {
					t.Fatalf("second %d: removed %v, seen at %d", second, k, seen[k])
				}
				listed[k] = false
				streak[k] = 0
			}
			for _, e := range changes.Insert {
				if ever[e.Peer] && !listed[e.Peer] && streak[e.Peer] < 5 {
					t.Fatalf("second %d: back after %d s", second, streak[e.Peer]-1)
				}
				listed[e.Peer], ever[e.Peer] = true, true
			}
			for k := range ever {
				if there := second - seen[k]; listed[k] && there >= 5 {
					t.Fatalf("second %d: still listed, seen at %d", second, seen[k])
				}
			}
		}
	})
}
