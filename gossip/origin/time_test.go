package origin

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/gossip/discovery"
)

// inTime runs a test with a Prober of one origin in time that passes at once.
func inTime(t *testing.T, w *world, edit func(*Config), test func(*testing.T, *running)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{URLs: []string{home}, Transport: w, Random: even}
		if edit != nil {
			edit(&cfg)
		}
		r := start(t, cfg)
		synctest.Wait()
		test(t, r)
		r.stop()
	})
}

func unmeasured(c *Config) { c.MeasureBytes = -1 }

func TestProbesRenewTheEntry(t *testing.T) {
	w := steady()
	inTime(t, w, unmeasured, func(t *testing.T, r *running) {
		events, first := r.dir.Subscribe(discovery.EventID{}), r.peer(t, home).Entry.Version
		w.pass(time.Hour)
		p := r.peer(t, home)
		if p == nil {
			t.Fatal("it was purged")
		}
		want(t, "start", p.Entry.Version.Start, first.Start)
		want(t, "update", p.Entry.Version.Update-first.Update, uint64(time.Hour.Milliseconds()))
		want(t, "probes", len(w.probes), 721)
		want(t, "advanced, which nobody saw", tag(p, "advanced"), "")
		w.pass(time.Second)
		w.incr = &incr200
		w.pass(5 * time.Second)
		want(t, "slot", slotOf(r.peer(t, home)), 200)
		e, err := events.Next(t.Context())
		noError(t, err)
		want(t, "the only event is of the change", e.Kind, discovery.PeerUpdated)
		want(t, "and of that", e.Entry.Streams[0].Slot(), 200)
		want(t, "advanced", tag(r.peer(t, home), "advanced"), "2000-01-01T01:00:05Z")
		w.pass(time.Minute)
		want(t, "advanced, later", tag(r.peer(t, home), "advanced"), "2000-01-01T01:00:05Z")
	})
}

// TestSlotsThatGoBack are shown as they are, but are no advance, and coming up again
// is none either.
func TestSlotsThatGoBack(t *testing.T) {
	w := steady()
	inTime(t, w, unmeasured, func(t *testing.T, r *running) {
		for range 3 {
			w.incr = nil
			w.pass(5 * time.Second)
			want(t, "back", slotOf(r.peer(t, home)), 100)
			w.incr = &incr150
			w.pass(5 * time.Second)
			want(t, "as before", slotOf(r.peer(t, home)), 150)
			want(t, "advanced", tag(r.peer(t, home), "advanced"), "")
		}
		w.full = full300
		w.pass(5 * time.Second)
		p := r.peer(t, home)
		want(t, "without incremental of another base", p.Entry.Streams[0].Incremental == nil, true)
		want(t, "slot", slotOf(p), 300)
		want(t, "advanced", tag(p, "advanced"), time.Now().UTC().Format(time.RFC3339))
	})
}

func TestIntervalsDiffer(t *testing.T) {
	for random, between := range map[float64]time.Duration{0: 4500 * time.Millisecond, 0.5: 5 * time.Second} {
		w := steady()
		inTime(t, w, func(c *Config) { c.MeasureBytes, c.Random = -1, func() float64 { return random } }, func(t *testing.T, _ *running) {
			w.pass(time.Minute)
			want(t, "between probes", w.probes[1].Sub(w.probes[0]), between)
		})
	}
}

func TestBackoff(t *testing.T) {
	for name, tt := range map[string]struct {
		random float64
		retry  string
		want   []float64 // seconds between probes
	}{
		"least":              {0, "", []float64{2.5, 5, 10, 20, 30, 30}},
		"middle":             {0.5, "", []float64{3.75, 7.5, 15, 30, 45, 45}},
		"asked":              {0, "20", []float64{20, 20, 20, 20, 30, 30}},
		"asked for too much": {0, "99999999999999999999", []float64{2.5, 5, 10, 20, 30, 30}},
		"asked for a day":    {0, "86400", []float64{60, 60, 60, 60, 60, 60}},
		"asked for a date":   {0, "Fri, 31 Dec 1999 23:59:59 GMT", []float64{2.5, 5, 10, 20, 30, 30}},
	} {
		t.Run(name, func(t *testing.T) {
			w := steady()
			w.status, w.retry = 503, tt.retry
			inTime(t, w, func(c *Config) { c.Random = func() float64 { return tt.random } }, func(t *testing.T, r *running) {
				w.pass(10 * time.Minute)
				var got []float64
				for i := range tt.want {
					got = append(got, w.probes[i+1].Sub(w.probes[i]).Seconds())
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("between probes: %v, want %v", got, tt.want)
				}
				w.status = 0
				w.pass(time.Minute)
				want(t, "found at last", slotOf(r.peer(t, home)), 150)
				n := len(w.probes)
				w.status, w.retry = 503, ""
				w.pass(20 * time.Second)
				if len(w.probes) < n+3 {
					t.Errorf("%d probes, want the back-off to begin anew", len(w.probes)-n)
				}
			})
		})
	}
}

func TestBackoffIsNoFasterThanTheInterval(t *testing.T) {
	c := Config{Interval: time.Hour, MaxRetry: time.Minute, Random: func() float64 { return 0.999 }}
	for failures := 1; failures < 100; failures++ {
		if got := c.backoff(failures, 0); got < 59*time.Minute || got > time.Hour {
			t.Fatalf("after %d failures: %v", failures, got)
		}
	}
}

// TestHold: the entry outlives a failure by a minute, to the instant, whatever the
// back-off, and is back with the next success.
func TestHold(t *testing.T) {
	w, l := steady(), newLog()
	inTime(t, w, func(c *Config) { c.MeasureBytes, c.Logger = -1, l.logger() }, func(t *testing.T, r *running) {
		events := r.dir.Subscribe(discovery.EventID{})
		w.down = errRefused
		w.pass(5 * time.Second) // the first failure
		w.pass(time.Minute - 1)
		want(t, "held", slotOf(r.peer(t, home)), 150)
		w.pass(1)
		want(t, "removed", r.peer(t, home) == nil, true)
		e, err := events.Next(t.Context())
		noError(t, err)
		want(t, "event", e.Kind, discovery.PeerDeparted)
		w.pass(time.Hour)
		w.down, w.incr = nil, &incr200
		w.pass(time.Minute)
		p := r.peer(t, home)
		want(t, "back", slotOf(p), 200)
		e, err = events.Next(t.Context())
		noError(t, err)
		want(t, "event", e.Kind, discovery.PeerDiscovered)
		want(t, "lines", strings.Count(l.String(), "\n"), 3)
		for _, line := range []string{
			`level=INFO msg="origin is reachable" url=http://o.example slot=150`,
			`level=WARN msg="origin is unreachable" url=http://o.example err="HEAD http://o.example/snapshot.tar.bz2: connection refused"`,
			`level=INFO msg="origin is reachable" url=http://o.example slot=200`,
		} {
			l.await(t, line)
		}
	})
}

func TestAShortFailureChangesNothing(t *testing.T) {
	w := steady()
	inTime(t, w, unmeasured, func(t *testing.T, r *running) {
		changed := r.dir.Changed()
		for range 20 {
			w.down = errRefused
			w.pass(30 * time.Second)
			w.down = nil
			w.pass(30 * time.Second)
		}
		select {
		case <-changed:
			t.Error("somebody was told")
		default:
		}
	})
}

// TestX7TheTimeoutCoversTheWholeProbe: each answer is in time, all of them are not.
func TestX7TheTimeoutCoversTheWholeProbe(t *testing.T) {
	w, l := steady(), newLog()
	w.latency = 1500 * time.Millisecond
	inTime(t, w, func(c *Config) { c.Logger = l.logger() }, func(t *testing.T, r *running) {
		w.pass(5*time.Second - 1)
		want(t, "log", l.String(), "")
		w.pass(1)
		l.await(t, "unreachable", "HEAD http://o.example/incremental-snapshot-100-150-", "no whole answer in 5s")
		want(t, "listed", r.dir.Catalog().Len(), 0)
	})
}

func TestRoundTripsAreThoseOfTheOrigin(t *testing.T) {
	w := steady()
	w.latency = 100 * time.Millisecond
	inTime(t, w, unmeasured, func(t *testing.T, r *running) {
		w.pass(time.Second)
		want(t, "round trip", r.peer(t, home).RTT, 100*time.Millisecond)
	})
}

func TestArchivesAreDescribedWhenNew(t *testing.T) {
	w := steady()
	inTime(t, w, unmeasured, func(t *testing.T, _ *running) {
		w.pass(time.Minute)
		w.incr = &incr200
		w.pass(time.Minute)
		for _, name := range []string{full100.String(), incr150.String(), incr200.String()} {
			want(t, name, count(w.asked, "HEAD /"+name), 1)
		}
	})
}

// TestDigestsAreAwaited, of a solsnap alone.
func TestDigestsAreAwaited(t *testing.T) {
	w := steady()
	w.server = "solsnap/1.0"
	inTime(t, w, unmeasured, func(t *testing.T, r *running) {
		w.pass(time.Minute)
		want(t, "unknown", r.peer(t, home).Entry.Streams[0].Full.SHA256, [32]byte{})
		w.digest = sum1
		w.pass(5 * time.Second)
		want(t, "known", r.peer(t, home).Entry.Streams[0].Full.SHA256, [32]byte{1})
		n := count(w.asked, "HEAD /"+full100.String())
		w.pass(time.Minute)
		want(t, "not asked again", count(w.asked, "HEAD /"+full100.String()), n)
	})
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

func TestReset(t *testing.T) {
	const other = "http://p.example/x"
	w := steady()
	inTime(t, w, unmeasured, func(t *testing.T, r *running) {
		events := r.dir.Subscribe(discovery.EventID{})
		noError(t, r.Reset([]string{home, other, home + "/", other}))
		synctest.Wait()
		// The world knows nothing below /x.
		want(t, "entries", r.dir.Catalog().Len(), 1)
		want(t, "asked", count(w.asked, "HEAD /x/snapshot.tar.bz2"), 1)
		if err := r.Reset([]string{other, "ftp://x"}); err == nil {
			t.Error("a bad URL: no error")
		}
		w.pass(time.Hour)
		want(t, "still there", slotOf(r.peer(t, home)), 150)
		noError(t, r.Reset([]string{"http://q.example"}))
		noError(t, r.Reset([]string{"http://r.example"}))
		synctest.Wait()
		want(t, "gone", r.peer(t, home) == nil, true)
		want(t, "there", slotOf(r.peer(t, "http://r.example")), 150)
		for _, kind := range []discovery.EventKind{discovery.PeerDeparted, discovery.PeerDiscovered} {
			e, err := events.Next(t.Context())
			noError(t, err)
			want(t, "event", e.Kind, kind)
		}
		n := len(w.asked)
		noError(t, r.Reset(nil))
		w.pass(time.Hour)
		want(t, "entries", r.dir.Catalog().Len(), 0)
		want(t, "nobody is asked", len(w.asked), n)
	})
}

func TestRunIsCalledOnce(t *testing.T) {
	inTime(t, steady(), nil, func(t *testing.T, r *running) {
		if err := r.Run(t.Context()); err == nil {
			t.Error("no error")
		}
	})
}

// TestADirectoryThatRefuses is a failure like any, with its reason.
func TestADirectoryThatRefuses(t *testing.T) {
	l := newLog()
	synctest.Test(t, func(t *testing.T) {
		w := steady()
		p, err := New(Config{Directory: newDirectory(t), URLs: []string{home}, Transport: w, Logger: l.logger()})
		noError(t, err)
		background(t, p.Run)
		w.pass(time.Second)
		l.await(t, "unreachable", "of another network")
	})
}
