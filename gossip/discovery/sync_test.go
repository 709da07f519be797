package discovery

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/gossip/wire"
)

func TestDC45TwoThatKnowTheSameSyncInOneRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, func(c *Config, w *WorkerConfig) {
			quiet(c, w)
			w.MaxNeighbours, w.Random = 1, func() float64 { return 0.99 }
		}).run(t)
		for n := range byte(10) {
			b := m.node(10+n, quiet)
			for s := range a.dir.Catalog().Replicated() {
				b.dir.Upsert(s)
			}
			b.run(t)
			known := a.knows()
			noError(t, a.SyncWith(t.Context(), b.target))
			want(t, "knows one more", a.knows(), known+1)
			want(t, "exchanges", m.count(a, b, Exchange), 0)
			time.Sleep(10 * time.Second)
			// Whether the loop hears first of the peer or of the end is chance.
			want(t, "DC-52: no automatic sync follows", m.count(a, b, Digest), 1)
		}
	})
}

func TestDC45ToDC48Sync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a, b := m.node(1, quiet).run(t), m.node(2, quiet).run(t)
		a.dir.Upsert(signedAs(t, 10, current(10)))
		b.dir.Upsert(signedAs(t, 11, current(11)))
		old, newer := current(12), current(12)
		newer.Version.Update++
		a.dir.Upsert(signedAs(t, 12, old))
		b.dir.Upsert(signedAs(t, 12, newer))
		noError(t, a.dir.Insert(current(13), Gossip))
		stale := current(14)
		stale.Version.Update -= 299_000
		a.dir.Upsert(signedAs(t, 14, stale))
		time.Sleep(2 * time.Second)
		pending(t, a.events)
		pending(t, b.events)

		noError(t, a.SyncWith(t.Context(), b.target))
		want(t, "a knows: 2, 10, 11, 12, and 13 unsigned", a.knows(), 5)
		want(t, "b knows: 1, 10, 11, 12", b.knows(), 4)
		p, _ := a.dir.Catalog().Get(peer(12))
		want(t, "the newer", p.Entry.Version, newer.Version)
		want(t, "digest", m.count(a, b, Digest), 1)
		want(t, "exchange: two round trips in all", m.count(a, b, Exchange), 1)
		inOrder := []EventKind{PeerDiscovered, PeerDiscovered, PeerUpdated} // DC-47: of the message, which is by key
		if k, l := peer(11), peer(12); slices.Compare(l[:], k[:]) < 0 {
			inOrder = []EventKind{PeerDiscovered, PeerUpdated, PeerDiscovered}
		}
		a.wantEvents(t, inOrder...)
		b.wantEvents(t, PeerDiscovered, PeerDiscovered)
		want(t, "DC-65: the round-trip time", a.dir.Estimate(peer(2), OverHTTP).SRTT, delay)

		time.Sleep(5 * time.Second) // what each now tells the other has arrived
		local, changed, exchanges := b.dir.Local(), b.dir.Changed(), m.count(a, b, Exchange)
		noError(t, a.SyncWith(t.Context(), b.target))
		want(t, "DC-W11: equal catalogs take one round trip", m.count(a, b, Exchange), exchanges)
		want(t, "DC-48: watchers are not told", isClosed(changed), false)
		want(t, "DC-46: our own entry", b.dir.Local(), local)
	})
}

func TestDC49AndDC50AutomaticSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		fails := true
		m.refuse = func(_, to wire.Pubkey, _ Kind) error {
			if fails && to == peer(2) {
				return errRefused
			}
			return nil
		}
		a := m.node(1, quiet).run(t)
		b := m.node(2, quiet).run(t)
		e := current(2)
		e.Addresses = b.target.Addresses
		announceTo(t, a, item{raw: signedAs(t, 2, e).raw})
		time.Sleep(30 * time.Second)
		tried := m.count(a, b, Digest)
		if tried < 3 || tried > 7 {
			t.Errorf("DC-50: tried %d times in 30 s, want it with back-off", tried)
		}
		m.mu.Lock()
		fails = false
		m.mu.Unlock()
		time.Sleep(time.Minute)
		want(t, "synced", a.Stats().Syncs, 1)
		synced := m.count(a, b, Digest)
		noError(t, b.dir.Touch())
		time.Sleep(time.Minute)
		want(t, "DC-49: not again", m.count(a, b, Digest), synced)

		f, err := b.dir.Farewell()
		noError(t, err)
		announceTo(t, a, item{departed: true, raw: f.raw})
		want(t, "departed", a.knows(), 0)
		noError(t, b.dir.Touch())
		announceTo(t, a, item{raw: b.dir.Local().raw})
		time.Sleep(time.Second)
		want(t, "DC-49: until it has departed", m.count(a, b, Digest), synced+1)
	})
}

func TestDC51AndDC52SyncWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a, b := m.node(1, quiet).run(t), m.node(2, quiet).run(t)
		m.silence(peer(2), true)
		errs := make(chan error, 3)
		for range 3 {
			go func() { errs <- a.SyncWith(t.Context(), b.target) }()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := a.SyncWith(ctx, b.target); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who gives up gets %v", err)
		}
		want(t, "one exchange for all", m.count(a, b, Digest), 1)
		for range 3 {
			if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the others wait for the end, and get %v", err)
			}
		}
		started := time.Now()
		ctx, cancelSoon := context.WithTimeout(t.Context(), time.Second)
		defer cancelSoon()
		_ = a.SyncWith(ctx, b.target)
		synctest.Wait()
		want(t, "the last to give up cancels", time.Since(started), time.Second)
		m.mu.Lock()
		running := m.now[Digest]
		m.mu.Unlock()
		want(t, "running", running, 0)

		m.silence(peer(2), false)
		noError(t, a.SyncWith(t.Context(), b.target))
		digests := m.count(a, b, Digest)
		time.Sleep(time.Minute)
		want(t, "no automatic one follows", m.count(a, b, Digest), digests)
		noError(t, a.SyncWith(t.Context(), Target{Peer: peer(2)})) // its address is known

		if err := a.SyncWith(t.Context(), Target{Peer: peer(9)}); !errors.Is(err, errNoAddress) {
			t.Errorf("no address: %v", err)
		}
		if err := a.SyncWith(t.Context(), a.target); !errors.Is(err, ErrLocal) {
			t.Errorf("with itself: %v", err)
		}
		if err := a.SyncWith(t.Context(), Target{peer(9), b.target.Addresses}); !errors.Is(err, ErrImpostor) {
			t.Errorf("another peer: %v", err)
		}
		m.silence(peer(2), true)
		go func() { errs <- a.SyncWith(t.Context(), b.target) }()
		synctest.Wait()
		a.stop()
		if err := <-errs; !errors.Is(err, ErrStopped) || !errors.Is(err, context.Canceled) {
			t.Errorf("stopped meanwhile: %v", err)
		}
		if err := a.SyncWith(t.Context(), b.target); !errors.Is(err, ErrStopped) {
			t.Errorf("stopped: %v", err)
		}
	})
}

func TestDC54Dial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a, b := m.node(1, quiet).run(t), m.node(2, quiet).run(t)
		started := time.Now()
		noError(t, a.Dial(t.Context(), b.target, a.target, Target{peer(9), []string{"http://nobody"}}))
		want(t, "returned at once", time.Since(started), 0)
		time.Sleep(time.Minute)
		want(t, "observed", m.count(a, b, Digest), 1)
		want(t, "joined", a.Stats().Neighbours, 1)
		reply := make(chan int, 1)
		noError(t, a.do(t.Context(), func(l *loop) { reply <- len(l.contacts) }))
		want(t, "who did not answer is forgotten", <-reply, 1)
		a.stop()
		if err := a.Dial(t.Context(), b.target); !errors.Is(err, ErrStopped) {
			t.Errorf("stopped: %v", err)
		}
	})
}

func TestDC62ToDC68Pings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, func(_ *Config, w *WorkerConfig) {
			w.AnnounceInterval, w.ProbeInterval, w.MaxPings = 24*time.Hour, 20*time.Second, 2
		}).run(t)
		var others []*member
		for n := range byte(6) {
			b := m.node(10+n, quiet).run(t)
			noError(t, a.SyncWith(t.Context(), b.target))
			others = append(others, b)
		}
		m.mu.Lock()
		m.asked = map[string]int{}
		m.mu.Unlock()
		time.Sleep(4 * time.Minute)
		for _, b := range others {
			if n := m.count(a, b, Ping); n < 8 || n > 24 {
				t.Errorf("DC-64: %d pings in 4 m, want one in 10 to 30 s", n)
			}
			want(t, "DC-62: the round-trip time", a.dir.Estimate(b.dir.self, OverHTTP).SRTT, delay)
			p, _ := a.dir.Catalog().Get(b.dir.self)
			want(t, "and the current entry", p.Entry.Version, b.dir.Local().Version())
		}
		for _, b := range others {
			m.silence(b.dir.self, true)
		}
		m.mu.Lock()
		m.peak[Ping] = 0
		m.mu.Unlock()
		time.Sleep(40 * time.Second)
		m.mu.Lock()
		want(t, "DC-68: at once", m.peak[Ping], 2)
		m.mu.Unlock()
		want(t, "DC-64: a failed one removes nobody", a.knows(), 6)
		want(t, "and is no sample", a.dir.Estimate(others[0].dir.self, OverHTTP).SRTT, delay)
	})
}

// TestImpostorsAreNotBelieved has an answer that is another node's.
func TestImpostorsAreNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a, b := m.node(1, quiet).run(t), m.node(2, quiet).run(t)
		if err := a.askPing(t.Context(), Target{peer(3), b.target.Addresses}); !errors.Is(err, ErrImpostor) {
			t.Errorf("another key: %v", err)
		}
		var recorded []byte
		m.answer = func(_ wire.Pubkey, _ Kind, b []byte) []byte { recorded = b; return b }
		noError(t, a.askPing(t.Context(), b.target))
		m.answer = func(wire.Pubkey, Kind, []byte) []byte { return recorded }
		if err := a.askPing(t.Context(), b.target); !errors.Is(err, ErrImpostor) {
			t.Errorf("an answer of before: %v", err)
		}
	})
}

// TestX1AndX6SilentPeers cancels in the middle of each blocking step.
func TestX1AndX6SilentPeers(t *testing.T) {
	for name, step := range map[string]func(a, b *member) error{
		"sync": func(a, b *member) error { return a.SyncWith(context.Background(), b.target) },
		"ping": func(a, b *member) error {
			return a.do(context.Background(), func(l *loop) { l.contact(b.dir.self); l.dial(b.target); l.pings.set(b.dir.self, time.Now()) })
		},
		"announce": func(a, _ *member) error { return a.dir.AddTags("x") },
		"idle":     func(*member, *member) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMesh(t)
				a, b, c := m.node(1, quiet).run(t), m.node(2, quiet).run(t), m.node(3, quiet).run(t)
				noError(t, a.SyncWith(t.Context(), b.target))
				time.Sleep(5 * time.Second)
				m.silence(peer(2), true)
				done := make(chan error, 1)
				go func() { done <- step(a, b) }()
				time.Sleep(2 * time.Second)
				noError(t, a.SyncWith(t.Context(), c.target)) // the loop goes on
				noError(t, a.dir.AddTags("y"))
				time.Sleep(2 * time.Second)
				p, _ := c.dir.Catalog().Get(peer(1))
				want(t, "what changed arrives elsewhere", len(p.Entry.Tags) > 0, true)
				started := time.Now()
				a.stop()
				if took := time.Since(started); took > 500*time.Millisecond {
					t.Errorf("stopping took %v", took)
				}
				<-done
			})
		})
	}
}

func TestX7Sizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a, b := m.node(1, quiet).run(t), m.node(2, quiet).run(t)
		for kind := Announce; kind < kinds; kind++ {
			long := make([]byte, kind.MaxRequest()+1)
			long[0], long[1] = formatVersion, byte(kind)
			if _, err := a.Handle(long); !errors.Is(err, ErrMessage) {
				t.Errorf("%v of %d bytes: %v", kind, len(long), err)
			}
		}
		m.answer = func(_ wire.Pubkey, kind Kind, b []byte) []byte { return append(b, make([]byte, kind.MaxResponse())...) }
		if err := a.SyncWith(t.Context(), b.target); !errors.Is(err, ErrMessage) {
			t.Errorf("a huge answer: %v", err)
		}
	})
}

// TestBudgetFullSync fills an empty member with a full catalog.
func TestBudgetFullSync(t *testing.T) {
	const peers = 1024 // signing 8,192 takes longer than what is tested
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a, b := m.node(1, quiet).run(t), m.node(2, quiet)
		for n := range peers {
			seed := wire.Hash{9, byte(n), byte(n >> 8)}
			key := keyOf(seed)
			e := made(1, Version{1, millis(time.Now())})
			e.Peer, e.Addresses = wire.PubkeyOf(key), nil
			s, err := SignEntry(key, e)
			noError(t, err)
			a.dir.Upsert(s)
		}
		b.run(t)
		noError(t, b.SyncWith(t.Context(), a.target))
		want(t, "knows", b.knows(), peers+1)
		want(t, "exchanges", m.count(b, a, Exchange), 1)
		perEntry := m.longest[Exchange] / peers
		t.Logf("%d bytes an entry: %.1f MiB for 8,192", perEntry, float64(perEntry)*8192/(1<<20))
	})
}

// TestSyncOfMoreThanAMessage takes several passes.
func TestSyncOfMoreThanAMessage(t *testing.T) {
	m, size := new(exchange), header
	raw := string(make([]byte, MaxEntry))
	for range maxMessage/MaxEntry + 10 {
		m.add(raw, &size)
	}
	want(t, "more", m.more, true)
	if b := encodeMessage(Exchange, network, m); len(b) > maxMessage {
		t.Errorf("%d bytes", len(b))
	}
}
