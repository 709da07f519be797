package discovery

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/gossip/wire"
)

func TestNewsOfOnePeerIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, quiet).run(t)
		told := uint64(0)
		flood := func(n byte, count int) {
			for range count {
				e := current(n)
				told++
				e.Version.Update += told
				announceTo(t, a, item{raw: signedAs(t, n, e).raw})
			}
		}
		flood(2, meterLimit+20)
		want(t, "limited", a.Stats().Limited, 20)
		forged := []byte(signedAs(t, 3, current(3)).raw)
		forged[0] ^= 1
		for range meterLimit {
			announceTo(t, a, item{raw: string(forged)})
		}
		flood(3, 1)
		want(t, "others are not, whoever speaks for them", a.knows(), 2)
		time.Sleep(meterWindow)
		flood(2, 1)
		want(t, "nor is that peer later", a.Stats().Limited, 20)
	})
}

func TestNeighboursAreFewAndChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, func(_ *Config, w *WorkerConfig) { w.MaxNeighbours = 3 }).run(t)
		for n := range byte(8) {
			m.node(10+n, func(_ *Config, w *WorkerConfig) { w.ProbeInterval = 24 * time.Hour }, a.target).run(t)
		}
		neighbours := func() map[wire.Pubkey]bool {
			found := make(chan map[wire.Pubkey]bool, 1)
			noError(t, a.do(t.Context(), func(l *loop) {
				keys := map[wire.Pubkey]bool{}
				for k := range l.neighbours {
					keys[k] = true
				}
				found <- keys
			}))
			return <-found
		}
		ever := map[wire.Pubkey]bool{}
		for range 50 {
			time.Sleep(30 * time.Second)
			now := neighbours()
			if len(now) > 3 {
				t.Fatalf("%d neighbours, want at most 3", len(now))
			}
			maps.Copy(ever, now)
		}
		if len(ever) < 6 {
			t.Errorf("%d peers have been neighbours, want most of 8", len(ever))
		}
	})
}

// TestX5TheWorkerLagsToo has more events than the loop can keep up with.
func TestX5TheWorkerLagsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, func(c *Config, w *WorkerConfig) {
			quiet(c, w)
			c.EventsBacklog, c.MaxSigned = 2, 50
			c.Trusted = func(k wire.Pubkey) bool { return k != peer(2) }
		}).run(t)
		contacts := func() (listed int) {
			found := make(chan int, 1)
			noError(t, a.do(t.Context(), func(l *loop) {
				n := 0
				for _, c := range l.contacts {
					if c.listed {
						n++
					}
				}
				found <- n
			}))
			return <-found
		}
		var all []SignedEntry
		for n := range byte(40) {
			all = append(all, signedAs(t, 2+n, current(2+n)))
		}
		// The loop is kept busy meanwhile, as by a slow machine.
		noError(t, a.do(t.Context(), func(*loop) {
			for _, s := range all {
				want(t, "upsert", a.dir.Upsert(s), New)
			}
		}))
		want(t, "contacts", contacts(), 40)
		time.Sleep(time.Second)
		noError(t, a.do(t.Context(), func(*loop) {
			for n := range byte(40) {
				s, err := SignDeparture(seeded(2+n), Departure{network, peer(2 + n), all[n].Version(), millis(time.Now())})
				noError(t, err)
				a.dir.Depart(s)
			}
		}))
		want(t, "contacts of those that left", contacts(), 0)
	})
}

func TestX2NewsBeyondTheQueueIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, quiet) // nothing takes from the queue yet
		for n := range cap(a.relays) + 7 {
			key := keyOf(wire.Hash{byte(n), byte(n >> 8), 3})
			s, err := SignEntry(key, Entry{Network: network, Peer: wire.PubkeyOf(key), Version: Version{1, millis(time.Now())}})
			noError(t, err)
			announceTo(t, a, item{hops: 255, raw: s.raw})
		}
		want(t, "dropped", a.Stats().Dropped, 7)
		want(t, "all are stored", a.knows(), cap(a.relays)+7)
		r := <-a.relays
		want(t, "hops are bounded", r.item.hops, 5)
	})
}

func TestDC50APurgedPeerIsUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a, b := m.node(1, quiet).run(t), m.node(2, quiet)
		announce := func() {
			noError(t, b.dir.Touch())
			announceTo(t, a, item{raw: b.dir.Local().raw})
			time.Sleep(time.Second)
		}
		announce()
		announce()
		want(t, "synced", m.count(a, b, Digest), 1)
		time.Sleep(6 * time.Minute)
		want(t, "purged", a.knows(), 0)
		announce()
		want(t, "synced again", m.count(a, b, Digest), 2)
	})
}

func TestDC15TheWorkerSurvivesItsDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, quiet).run(t)
		time.Sleep(time.Second)
		events := a.dir.Subscribe(EventID{})
		announceTo(t, a, item{hops: 3, raw: signedAs(t, 1, Entry{Network: network, Peer: peer(1), Version: Version{millis(time.Now()), millis(time.Now())}}).raw})
		wantEvents(t, events, SecondInstance)
		want(t, "is not handed on", len(a.relays), 0)
		want(t, "nor stored", a.dir.Local().Version().Start < millis(time.Now()), true)
	})
}

func TestDC24ManyInvalidEntriesEndAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t)
		a := m.node(1, func(c *Config, _ *WorkerConfig) { c.MaxSigned = 2 })
		good := func(n byte) string { return signedAs(t, n, current(n)).raw }
		bad := []byte(good(2))
		bad[0] ^= 1
		send := func(entries ...string) {
			_, err := a.Handle(encodeMessage(Exchange, network, &exchange{entries: entries}))
			noError(t, err)
		}
		send(append(slices.Repeat([]string{string(bad)}, maxInvalid-1), good(3))...)
		want(t, "what follows a few is taken", a.knows(), 1)
		send(append(slices.Repeat([]string{string(bad)}, maxInvalid), good(4))...)
		want(t, "what follows many is not", a.knows(), 1)
		send(good(4))
		invalid := a.Stats().Invalid
		send(good(5), string(bad))
		want(t, "where there is no room, nothing is verified", a.Stats().Invalid, invalid)
		want(t, "peers", a.knows(), 2)
	})
}
