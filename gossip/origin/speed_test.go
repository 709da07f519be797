package origin

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

func TestSpeedIsMeasuredNowAndThen(t *testing.T) {
	w := steady()
	inTime(t, w, nil, func(t *testing.T, r *running) {
		w.pass(time.Second)
		want(t, "4 MiB in half a second", r.peer(t, home).Speed>>10, 8<<10)
		w.pass(5*time.Minute - 2*time.Second)
		want(t, "once", len(w.gets), 1)
		w.speed = 1 << 20
		w.pass(10 * time.Second)
		want(t, "twice", len(w.gets), 2)
		want(t, "what came in a second is a quarter", r.peer(t, home).Speed>>10, 6400)
		w.full = full300
		w.pass(50 * time.Second)
		want(t, "not so soon, though new", len(w.gets), 2)
		w.pass(10 * time.Second)
		want(t, "new", len(w.gets), 3)
		w.pass(200 * time.Second)
		want(t, "no longer new", len(w.gets), 3)
	})
}

func TestSpeedOfASilentArchive(t *testing.T) {
	w := steady()
	w.speed = 0
	inTime(t, w, nil, func(t *testing.T, r *running) {
		w.pass(2 * time.Second)
		want(t, "nothing, but known", r.peer(t, home).Speed, 1)
		w.pass(20 * time.Second)
		want(t, "slot", slotOf(r.peer(t, home)), 150)
		if len(w.probes) < 4 {
			t.Errorf("%d probes", len(w.probes))
		}
	})
}

// TestSpeedOfTooLittle: what was on its way before the clock ran tells nothing.
func TestSpeedOfTooLittle(t *testing.T) {
	for size, known := range map[int64]bool{leastMeasured - 1: false, leastMeasured: true} {
		w := steady()
		w.cut = size
		inTime(t, w, nil, func(t *testing.T, r *running) {
			w.pass(2 * time.Second)
			want(t, "downloads", len(w.gets), 1)
			want(t, "known", r.peer(t, home).Speed > 0, known)
		})
	}
}

func TestSpeedIsOffAndForgotten(t *testing.T) {
	w := steady()
	inTime(t, w, unmeasured, func(t *testing.T, r *running) {
		w.pass(time.Hour)
		want(t, "downloads", len(w.gets), 0)
		want(t, "speed", r.peer(t, home).Speed, 0)
	})
	w = steady()
	inTime(t, w, nil, func(t *testing.T, r *running) {
		w.pass(time.Second)
		w.down = errRefused
		w.pass(70 * time.Second)
		want(t, "removed", r.peer(t, home) == nil, true)
		w.down = nil
		w.pass(time.Minute)
		want(t, "measured anew", len(w.gets), 2)
		want(t, "speed, but for rounding", r.peer(t, home).Speed>>10, 8<<10)
	})
}

// TestSpeedOfRealServers: both kinds stop soon after what was asked for.
func TestSpeedOfRealServers(t *testing.T) {
	const most = 1 << 20
	for name, edit := range map[string]func(*site){
		"ranges":    func(*site) {},
		"no ranges": func(s *site) { s.noRange = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := firedancer()
			s.size, s.probes = 1<<40, make(chan struct{})
			edit(s)
			ranges, sent := make(chan string, 10), make(chan int64, 10)
			server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.URL.Path == "/health" {
					s.ServeHTTP(w, r)
					return
				}
				ranges <- r.Header.Get("Range")
				counted := &counter{ResponseWriter: w}
				s.archive(counted, r)
				sent <- counted.n
			}))
			r := start(t, Config{URLs: []string{server.URL}, Interval: time.Millisecond, Timeout: patience, MeasureBytes: most})
			<-s.probes
			want(t, "range", <-ranges, "bytes=0-"+strconv.Itoa(most-1))
			if n := <-sent; n < most || n > 64*most {
				t.Errorf("%d bytes were sent, want %d or a little more", n, most)
			}
			<-s.probes // the next, which does not begin before the measurement ends
			want(t, "has a speed", r.peer(t, server.URL).Speed > 0, true)
		})
	}
}

type counter struct {
	http.ResponseWriter
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n += int64(n)
	return n, err
}
