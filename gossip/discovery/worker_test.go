package discovery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/gossip/wire"
)

// quiet keeps a node from doing anything of its own accord but announcing once.
func quiet(_ *Config, w *WorkerConfig) {
	w.AnnounceInterval, w.ProbeInterval = 24*time.Hour, 24*time.Hour
}

func current(n byte) Entry {
	return Entry{Network: network, Peer: peer(n), Version: Version{1, millis(time.Now())}}
}

// announceTo has a node hear of items.
func announceTo(t testing.TB, n *member, items ...item) {
	t.Helper()
	_, err := n.Handle(encodeMessage(Announce, network, &announcement{items}))
	noError(t, err)
	synctest.Wait()
}

func TestDC25ToDC28Announcements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a, b := m.node(1, quiet), m.node(2, quiet)
		for range 50 { // before there is anybody to tell
			noError(t, a.dir.Touch())
		}
		a.run(t)
		b.run(t)
		time.Sleep(time.Second)
		want(t, "DC-27: nobody is told", m.count(a, b, Announce), 0)
		noError(t, a.SyncWith(t.Context(), b.target))
		time.Sleep(5 * time.Second)
		joined := m.count(a, b, Announce)
		if joined == 0 || joined > 3 {
			t.Errorf("DC-25, DC-28: %d announcements on joining, want the latest entry only", joined)
		}
		p, _ := b.dir.Catalog().Get(peer(1))
		want(t, "the latest", p.Entry.Version, a.dir.Local().Version())

		for _, tag := range []string{"a", "b", "c", "d"} {
			noError(t, a.dir.AddTags(tag))
		}
		time.Sleep(3 * time.Second)
		p, _ = b.dir.Catalog().Get(peer(1))
		want(t, "DC-25: what changed arrives", len(p.Entry.Tags), 4)
		if n := m.count(a, b, Announce) - joined; n > 2 {
			t.Errorf("%d announcements of 4 changes at once", n)
		}
		before := m.count(a, b, Announce)
		for i := range uint32(40) {
			noError(t, a.dir.SetLoad(Load{FreeSlots: 1 + i}))
			time.Sleep(50 * time.Millisecond)
		}
		if n := m.count(a, b, Announce) - before; n > 3 {
			t.Errorf("%d announcements in 2 s, want one a second", n)
		}
		noError(t, a.dir.SetAddresses("http://elsewhere"))
		time.Sleep(3 * time.Second)
		p, _ = b.dir.Catalog().Get(peer(1))
		want(t, "DC-80: so does an address", p.Entry.Addresses[0], "http://elsewhere")
	})
}

func TestDC26ThePeriodicTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		next := []float64{0, 0.999, 0.5, 0, 0, 0}
		a := m.node(1, func(_ *Config, w *WorkerConfig) {
			w.AnnounceInterval, w.AnnounceJitter = 40*time.Second, 0.5
			w.Random = func() float64 { r := next[0]; next = append(next[1:], r); return r }
		})
		before, started := a.dir.Local().Version(), time.Now()
		a.run(t)
		var fired []time.Duration
		for len(fired) < 4 {
			changed := a.dir.Changed()
			if now := a.dir.Local().Version(); now.Compare(before) > 0 {
				fired, before = append(fired, time.Since(started).Round(time.Second)), now
				continue
			}
			<-changed
		}
		if want := []time.Duration{0, 20 * time.Second, 80 * time.Second, 120 * time.Second}; !slices.Equal(fired, want) {
			t.Errorf("fired at %v, want %v", fired, want)
		}
	})
}

func TestDC26JitterIsValidated(t *testing.T) {
	d, _ := newTestDirectory(t, nil)
	for name, cfg := range map[string]WorkerConfig{
		"jitter above 1":    {Directory: d, Transport: &cable{}, AnnounceJitter: 1.1},
		"negative jitter":   {Directory: d, Transport: &cable{}, AnnounceJitter: -0.1},
		"negative duration": {Directory: d, Transport: &cable{}, PingTimeout: -1},
		"X-8: no transport": {Directory: d},
		"X-8: no directory": {Transport: &cable{}},
	} {
		if _, err := NewWorker(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDC29ToDC34ReceivedAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, quiet).run(t)
		b := m.node(2, quiet)
		at := func(d time.Duration) item {
			e := current(2)
			e.Addresses = b.target.Addresses
			e.Version = Version{b.dir.Local().Version().Start, millis(time.Now().Add(d))}
			return item{raw: signedAs(t, 2, e).raw}
		}
		foreign := current(2)
		foreign.Network = wire.Hash{9}
		bad := []byte(at(0).raw)
		bad[0] ^= 1
		announceTo(t, a, at(-51*time.Second), at(51*time.Second), item{raw: signedAs(t, 2, foreign).raw}, item{raw: string(bad)}, item{raw: "x"})
		want(t, "DC-29, DC-33: nothing is stored", a.knows(), 0)
		want(t, "drifted", a.Stats().Drifted, 2)
		want(t, "DC-24: invalid ones are counted", a.Stats().Invalid, 2)
		a.wantEvents(t)
		want(t, "DC-34: and nobody is contacted", m.count(a, b, Digest)+m.count(a, b, Ping), 0)

		announceTo(t, a, at(-50*time.Second))
		time.Sleep(time.Second)
		want(t, "DC-31: a new one is synced with", m.count(a, b, Digest), 1)
		a.wantEvents(t, PeerDiscovered, PeerUpdated) // the sync brought its newest
		announceTo(t, a, at(time.Second))
		time.Sleep(10 * time.Second)
		want(t, "DC-32: an updated one is not", m.count(a, b, Digest), 1)
		a.wantEvents(t, PeerUpdated)
		announceTo(t, a, at(-30*time.Second))
		a.wantEvents(t)

		for _, garbage := range []string{"", "x", strings.Repeat("x", 100), string(encodeMessage(Announce, network, &announcement{})) + "x"} {
			if _, err := a.Handle([]byte(garbage)); !errors.Is(err, ErrMessage) {
				t.Errorf("DC-30: %.10q: %v", garbage, err)
			}
		}
		if _, err := a.Handle(encodeMessage(Ping, wire.Hash{9}, &ping{})); !errors.Is(err, ErrOtherNetwork) {
			t.Errorf("got %v, want ErrOtherNetwork", err)
		}
	})
}

// TestAnnouncementsHop has a line of nodes in which each knows the next alone.
func TestAnnouncementsHop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		order := map[wire.Pubkey]int{}
		m.refuse = func(from, to wire.Pubkey, _ Kind) error {
			if d := order[from] - order[to]; d*d > 1 {
				return errRefused
			}
			return nil
		}
		var line []*member
		for n := range byte(6) {
			node := m.node(n, func(_ *Config, w *WorkerConfig) { quiet(nil, w); w.MaxHops = 3 })
			order[peer(n)] = int(n)
			line = append(line, node)
		}
		for i, n := range line {
			n.run(t)
			if i > 0 {
				noError(t, n.SyncWith(t.Context(), line[i-1].target))
			}
		}
		time.Sleep(time.Second)
		noError(t, line[0].dir.AddTags("news"))
		time.Sleep(3 * time.Second)
		for i, n := range line[1:] {
			p, ok := n.dir.Catalog().Get(peer(0))
			want(t, "the news came", ok && len(p.Entry.Tags) == 1, i < 4)
		}
	})
}

func TestDC35LosingTheLastNeighbourRejoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a, b, c := m.node(1, quiet).run(t), m.node(2, quiet), m.node(3, quiet)
		for _, n := range []*member{b, c} {
			n.run(t)
			noError(t, a.SyncWith(t.Context(), n.target))
		}
		time.Sleep(time.Second)
		want(t, "neighbours", a.Stats().Neighbours, 2)
		m.setRefuse(func(from, _ wire.Pubkey, _ Kind) error {
			if from == peer(1) {
				return errRefused
			}
			return nil
		})
		noError(t, a.dir.AddTags("x"))
		time.Sleep(time.Second)
		want(t, "X-9: lost both", a.Stats().Neighbours, 0)
		want(t, "all are tried", m.count(a, b, Ping) > 0 && m.count(a, c, Ping) > 0, true)
		m.setRefuse(nil)
		noError(t, a.Dial(t.Context(), b.target, c.target))
		time.Sleep(3 * time.Second)
		want(t, "joined again", a.Stats().Neighbours, 2)
		p, _ := b.dir.Catalog().Get(peer(1))
		want(t, "DC-27: nothing is lost", len(p.Entry.Tags), 1)
	})
}

func TestDC35OverflowRejoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a, b := m.node(1, quiet).run(t), m.node(2, quiet).run(t)
		noError(t, a.SyncWith(t.Context(), b.target))
		time.Sleep(time.Minute)
		pings := m.count(a, b, Ping)
		a.overflowed.Store(true)
		noError(t, a.dir.Touch())
		time.Sleep(time.Second)
		want(t, "pinged", m.count(a, b, Ping) > pings, true)
	})
	c := &contact{}
	for n := range byte(maxItems) {
		want(t, "X-2: room", c.post(wire.Pubkey{n}, item{}), false)
	}
	want(t, "an item of the same peer replaces", c.post(wire.Pubkey{5}, item{hops: 9}), false)
	want(t, "the oldest goes", c.post(wire.Pubkey{200}, item{}), true)
	want(t, "room", len(c.collect().items), maxItems)
}

func TestDC36LearnedBySyncIsDialed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		b, c := m.node(2, quiet).run(t), m.node(3, quiet).run(t)
		noError(t, b.SyncWith(t.Context(), c.target))
		a := m.node(1, quiet).run(t)
		noError(t, a.SyncWith(t.Context(), b.target))
		time.Sleep(time.Second)
		want(t, "c is a neighbour", m.count(a, c, Announce) > 0, true)
		want(t, "neighbours", a.Stats().Neighbours, 2)
	})
}

func TestDC37Departure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		alone := m.node(1, quiet).run(t)
		time.Sleep(time.Second)
		started := time.Now()
		alone.stop()
		want(t, "not joined: stops at once", time.Since(started), 0)

		a, b := m.node(2, quiet).run(t), m.node(3, quiet).run(t)
		noError(t, a.SyncWith(t.Context(), b.target))
		time.Sleep(5 * time.Second)
		m.silence(peer(3), true)
		go a.stop()
		for range 2 { // while it leaves, and after
			time.Sleep(400 * time.Millisecond)
			if _, err := a.Handle(encodeMessage(Ping, network, &ping{})); !errors.Is(err, ErrStopped) {
				t.Errorf("DC-44: after its farewell it answers: %v", err)
			}
		}
		<-a.stopped
		a.stop()
		c := m.node(4, quiet).run(t)
		m.silence(peer(3), false)
		noError(t, c.SyncWith(t.Context(), b.target))
		time.Sleep(5 * time.Second)
		m.silence(peer(3), true)
		started = time.Now()
		c.stop()
		want(t, "the window is kept", time.Since(started), 500*time.Millisecond)
	})
}

func TestDC79RunWaitsForAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		b := m.node(2, quiet).run(t)
		a := m.node(1, func(c *Config, w *WorkerConfig) { c.Addresses = nil }, b.target).run(t)
		time.Sleep(time.Hour)
		want(t, "nothing is asked", m.count(a, b, Digest), 0)
		noError(t, a.dir.SetAddresses(a.target.Addresses...))
		time.Sleep(time.Second)
		want(t, "then it begins", b.knows(), 1)
		ctx, cancel := context.WithCancel(t.Context())
		c := m.node(3, func(c *Config, w *WorkerConfig) { c.Addresses = nil })
		cancel()
		noError(t, c.Run(ctx))
	})
}

func TestDC81AFailureEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, nil)
		local := *a.dir.current.Load()
		broken := *local.local.Entry
		broken.Tags = []string{"two words"}
		local.local = &Peer{Entry: &broken}
		a.dir.current.Store(&local)
		if err := a.Run(t.Context()); err == nil {
			t.Error("no error")
		}
		if err := a.Run(t.Context()); err == nil {
			t.Error("X-8: a second Run: no error")
		}
	})
}

func TestPartitionHeals(t *testing.T) {
	for name, apart := range map[string]time.Duration{"short": time.Minute, "longer than purge": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMesh(t)
				first := m.node(1, nil).run(t)
				all := []*member{first}
				for n := range byte(4) {
					all = append(all, m.node(2+n, nil, first.target).run(t))
				}
				time.Sleep(5 * time.Second)
				side := func(k wire.Pubkey) bool { return k == peer(1) || k == peer(2) }
				m.setRefuse(func(from, to wire.Pubkey, _ Kind) error {
					if side(from) != side(to) {
						return errRefused
					}
					return nil
				})
				time.Sleep(apart)
				if apart > 5*time.Minute {
					want(t, "each side knows its own", all[0].knows() == 1 && all[4].knows() == 2, true)
				}
				m.setRefuse(nil)
				time.Sleep(2 * time.Minute)
				for _, n := range all {
					want(t, "knows", n.knows(), 4)
				}
			})
		})
	}
}
