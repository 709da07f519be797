package discovery

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/gossip/wire"
)

// TestUpstreamConvergeWithBootstrap has ten nodes that know one bootstrap member;
// upstream gives them 10 s.
func TestUpstreamConvergeWithBootstrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		first := m.node(1, nil).run(t)
		all := []*member{first}
		for n := range byte(10) {
			all = append(all, m.node(10+n, nil, first.target).run(t))
		}
		time.Sleep(2 * time.Second)
		for i, n := range all {
			want(t, fmt.Sprintf("node %d knows", i), n.knows(), 10)
			want(t, "discovered, all by events", len(pending(t, n.events)) >= 10, true)
		}
		if m.peak[Ping] > 8*len(all) {
			t.Errorf("%d pings at once", m.peak[Ping])
		}
	})
}

func TestUpstreamManualSyncTrigger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a, b := m.node(1, nil).run(t), m.node(2, nil).run(t)
		noError(t, a.dir.Insert(Entry{Network: network, Peer: peer(2), Version: Version{Update: millis(time.Now())}}, Origin))
		time.Sleep(time.Minute)
		want(t, "DC-12: the unsigned entry is local", b.knows(), 0)
		noError(t, a.SyncWith(t.Context(), b.target))
		for _, n := range []*member{a, b} {
			want(t, "knows", n.knows(), 1)
		}
		p, _ := a.dir.Catalog().Get(peer(2))
		want(t, "replaced by the signed one", p.Source, Fleet)
	})
}

func TestUpstreamDifferentNetworksAreIsolated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		var all []*member
		for n := range byte(6) {
			all = append(all, m.node(n, func(c *Config, _ *WorkerConfig) { c.Network = wire.Hash{n % 2} }).run(t))
		}
		for _, a := range all {
			for _, b := range all {
				if a != b {
					err := a.SyncWith(t.Context(), b.target)
					want(t, "synced", err == nil, a.network() == b.network())
				}
			}
		}
		time.Sleep(2 * time.Minute)
		for _, n := range all {
			want(t, "knows", n.knows(), 2)
			for p := range n.dir.Catalog().Peers() {
				want(t, "network", p.Entry.Network, n.network())
			}
		}
	})
}

func TestUpstreamStalePeersArePurged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		slow := func(c *Config, w *WorkerConfig) {
			w.AnnounceInterval, w.AnnounceJitter, w.ProbeInterval = 10*time.Second, 0.001, time.Hour
		}
		quick := func(c *Config, w *WorkerConfig) {
			c.PurgeAfter, w.ProbeInterval = 4*time.Second, time.Hour
			w.AnnounceInterval = 2 * time.Second
		}
		a := m.node(1, slow).run(t)
		b := m.node(2, quick, a.target).run(t)
		time.Sleep(time.Second)
		b.wantEvents(t, PeerDiscovered)
		time.Sleep(4 * time.Second) // at 4 s, and DC-59 allows one more
		want(t, "purged", b.knows(), 0)
		want(t, "the other side keeps its view, DC-61", a.knows(), 1)
		got := pending(t, b.events)
		want(t, "with an event", slices.Contains(got, PeerDeparted), true)
		time.Sleep(8 * time.Second)
		want(t, "discovered again, DC-60", slices.Contains(pending(t, b.events), PeerDiscovered), true)
		want(t, "the other side never lost it", slices.Contains(pending(t, a.events), PeerDeparted), false)
	})
}

func TestUpstreamGracefulDeparture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, nil).run(t)
		b, c := m.node(2, nil, a.target).run(t), m.node(3, nil, a.target).run(t)
		time.Sleep(5 * time.Second)
		for _, n := range []*member{a, b} {
			pending(t, n.events)
		}
		// Somebody has the newest of it by ping, which nobody was told of (DC-44).
		noError(t, c.dir.Touch())
		noError(t, a.askPing(t.Context(), c.target))
		left := time.Now()
		c.stop()
		if took := time.Since(left); took > 500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Second)
		for _, n := range []*member{a, b} {
			want(t, "knows", n.knows(), 1)
			departures := 0
			for _, kind := range pending(t, n.events) {
				if kind == PeerDeparted {
					departures++
				}
			}
			want(t, "departures", departures, 1)
		}
		time.Sleep(10 * time.Minute)
		want(t, "nobody brought it back, DC-43", a.knows()+b.knows(), 2)
	})
}

// TestUpstreamTamperedEntries has a member whose answers are changed on the way.
func TestUpstreamTamperedEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, nil).run(t)
		for n := range byte(5) {
			a.dir.Upsert(signedAs(t, 10+n, Entry{Network: network, Peer: peer(10 + n), Version: Version{1, millis(time.Now())}}))
		}
		m.answer = func(_ wire.Pubkey, kind Kind, b []byte) []byte {
			if kind != Exchange {
				return b
			}
			var e exchange
			noError(t, decodeMessage(string(b), kind.MaxResponse(), kind, network, &e))
			bad := []byte(e.entries[2])
			bad[len(bad)-1] ^= 1
			e.entries[2] = string(bad)
			e.entries = append(e.entries, "no entry at all")
			return encodeMessage(kind, network, &e)
		}
		b := m.node(2, func(_ *Config, w *WorkerConfig) { w.ProbeInterval = time.Hour }).run(t)
		noError(t, b.SyncWith(t.Context(), a.target))
		want(t, "DC-24: the others are used", b.knows(), 5)
		want(t, "invalid", b.Stats().Invalid, 2)
	})
}
