package origin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"solsnap/gossip/discovery"
	"solsnap/snapshot"
)

const home = "http://o.example"

// world is an origin without a network, in whatever time there is. A test changes
// it, lets time pass, and looks.
type world struct {
	mu    sync.Mutex // of whoever asks; a test has its turn between pass and pass
	turns int

	full    snapshot.Name
	incr    *snapshot.Name
	digest  string
	server  string
	down    error  // instead of any answer
	status  int    // instead of a redirect; 0 for none
	retry   string // Retry-After, with status
	garble  bool   // the incremental has no good name
	latency time.Duration
	speed   int64 // bytes per second of archives
	cut     int64 // after so many bytes an archive ends; 0 for never

	asked   []string    // methods and paths, in order
	probes  []time.Time // when each began
	gets    []time.Time // when archives were downloaded
	good    *answer     // of the last probe that was answered well
	failing time.Time   // when the first failed after that
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		trace.GotConn(httptrace.GotConnInfo{Reused: len(w.asked) > 0})
	}
	w.asked = append(w.asked, r.Method+" "+r.URL.Path)
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "snapshot.tar.bz2" {
		w.probes = append(w.probes, time.Now())
	}
	if err := w.wait(r.Context()); err != nil {
		w.fails()
		return nil, err
	}
	if w.down != nil {
		w.fails()
		return nil, w.down
	}
	return w.answer(r, name), nil
}

// wait lets others ask meanwhile.
func (w *world) wait(ctx context.Context) error {
	latency := w.latency
	w.mu.Unlock()
	defer w.mu.Lock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(latency):
		return nil
	}
}

// pass lets time go by, and what is due happen.
func (w *world) pass(d time.Duration) {
	w.mu.Lock() // what the test did until now is seen by who asks from now on
	w.turns++
	w.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) answer(r *http.Request, name string) *http.Response {
	switch {
	case name == "snapshot.tar.bz2" && w.status != 0:
		w.fails()
		return reply(r, w.status, "", "Retry-After", w.retry)
	case name == "snapshot.tar.bz2":
		return reply(r, 303, "", "Location", "/"+w.full.String(), "Server", w.server)
	case name == "incremental-snapshot.tar.bz2" && w.garble:
		w.fails()
		return reply(r, 303, "", "Location", "/../x")
	case name == "incremental-snapshot.tar.bz2" && w.incr != nil:
		return reply(r, 303, "", "Location", "/"+w.incr.String())
	case name == "health":
		w.succeeds()
		return reply(r, 200, "ok")
	case r.Method == http.MethodHead && strings.HasSuffix(name, ".zst"):
		return w.archive(r)
	case r.Method == http.MethodGet && strings.HasSuffix(name, ".zst"):
		w.gets = append(w.gets, time.Now())
		return w.archive(r)
	}
	return reply(r, 404, "")
}

// archiveSize is that of every archive.
const archiveSize = 100 << 20

func (w *world) archive(r *http.Request) *http.Response {
	response := reply(r, 200, "", "Repr-Digest", w.digest)
	response.ContentLength = archiveSize
	if r.Method == http.MethodGet {
		response.Body = io.NopCloser(&pour{r.Context(), w.speed})
		if w.cut > 0 {
			response.Body = io.NopCloser(io.LimitReader(response.Body, w.cut))
		}
	}
	return response
}

func (w *world) fails() {
	if w.failing.IsZero() {
		w.failing = time.Now()
	}
}

// succeeds is called by the last request of a probe.
func (w *world) succeeds() {
	w.failing, w.good = time.Time{}, &answer{full: facts{name: w.full, size: archiveSize}}
	if w.incr != nil && w.incr.Base == w.full.Slot {
		w.good.incremental = &facts{name: *w.incr, size: archiveSize}
	}
}

func reply(r *http.Request, status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		if header[i+1] != "" {
			h.Set(header[i], header[i+1])
		}
	}
	return &http.Response{StatusCode: status, Header: h, Request: r, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}
}

// pour gives so many bytes per second, without end.
type pour struct {
	ctx  context.Context
	rate int64
}

func (p *pour) Read(b []byte) (int, error) {
	if p.rate == 0 {
		<-p.ctx.Done()
		return 0, p.ctx.Err()
	}
	n := min(int64(len(b)), p.rate)
	select {
	case <-p.ctx.Done():
		return 0, p.ctx.Err()
	case <-time.After(time.Duration(n) * time.Second / time.Duration(p.rate)):
		return int(n), nil
	}
}

var errRefused = errors.New("connection refused")

// steady is a good origin.
func steady() *world { return &world{full: full100, incr: &incr150, speed: 8 << 20} }

// even is no jitter: the middle.
func even() float64 { return 0.5 }

// slotOf is that of an entry, 0 for none.
func slotOf(p *discovery.Peer) uint64 {
	if p == nil {
		return 0
	}
	return p.Entry.Streams[0].Slot()
}
