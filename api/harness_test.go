package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"solsnap/snapshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what should happen at once.
const patience = 10 * time.Second

// shelf is a catalogue that a test fills.
type shelf struct {
	mu        sync.Mutex
	archives  []snapshot.Archive // guarded by mu
	pair      *snapshot.Pair     // guarded by mu
	unscanned bool               // guarded by mu
}

func (s *shelf) Served() (snapshot.Pair, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pair == nil {
		return snapshot.Pair{}, false
	}
	return *s.pair, true
}

func (s *shelf) Archives() []snapshot.Archive {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.archives
}

func (s *shelf) Lookup(n snapshot.Name) (snapshot.Archive, bool) {
	for _, a := range s.Archives() {
		if a.Name == n {
			return a, true
		}
	}
	return snapshot.Archive{}, false
}

func (s *shelf) Scanned() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.unscanned
}

func (s *shelf) change(f func(*shelf)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// digests are those of a test, by name.
type digests map[snapshot.Name]snapshot.Digest

func (d digests) Lookup(a snapshot.Archive) (snapshot.Digest, bool) {
	digest, ok := d[a.Name]
	return digest, ok
}

func full(slot snapshot.Slot) snapshot.Archive {
	return archive(snapshot.Name{Kind: snapshot.Full, Slot: slot})
}

func incremental(base, slot snapshot.Slot) snapshot.Archive {
	return archive(snapshot.Name{Kind: snapshot.Incremental, Base: base, Slot: slot})
}

func archive(n snapshot.Name) snapshot.Archive {
	n.Hash = snapshot.Hash(sha256.Sum256(fmt.Append(nil, n.Slot)))
	return snapshot.Archive{
		Name:    n,
		Path:    "/ledger/" + n.String(),
		Size:    1000 + int64(n.Slot),
		ModTime: time.Date(2026, 7, 1, 12, 0, 0, 123456789, time.UTC),
	}
}

// stocked is a shelf with the pair 100, 150 and an older full.
func stocked() *shelf {
	top, inc := full(100), incremental(100, 150)
	return &shelf{
		archives: []snapshot.Archive{inc, top, full(50)},
		pair:     &snapshot.Pair{Full: top, Incremental: &inc},
	}
}

// elsewhere is the RPC handler of tests: it says what it was asked.
func elsewhere(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "rpc %s %s", r.Method, r.URL.EscapedPath())
}

// newServer is a server on loopback over a stocked shelf, with what edit
// changes.
func newServer(t testing.TB, edit func(*Config)) *Server {
	t.Helper()
	cfg := Config{
		Listeners: []string{"127.0.0.1:0"},
		Archives:  stocked(),
		RPC:       http.HandlerFunc(elsewhere),
		OpenAPI:   []byte("openapi: 3.1.0\n"),
	}
	if edit != nil {
		edit(&cfg)
	}
	s, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// running is a server that runs until stop, or the end of the test.
type running struct {
	*Server
	t      testing.TB
	cancel context.CancelFunc
	ended  chan error
}

func start(t testing.TB, edit func(*Config)) *running {
	t.Helper()
	s := newServer(t, edit)
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	return runBound(t, s)
}

// runBound runs a server that listens already.
func runBound(t testing.TB, s *Server) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Server: s, t: t, cancel: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if r.ended != nil {
			r.wait()
		}
	})
	return r
}

// wait returns when Run has; it must have returned nil.
func (r *running) wait() {
	r.t.Helper()
	select {
	case err := <-r.ended:
		r.ended = nil
		if err != nil {
			r.t.Errorf("Run returned %v", err)
		}
	case <-time.After(patience):
		r.t.Fatal("Run does not return")
	}
}

func (r *running) address() string { return r.Addrs()[0].String() }

// dial opens a raw connection to the first listener.
func (r *running) dial() *rawClient {
	r.t.Helper()
	c, err := net.Dial("tcp", r.address())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &rawClient{Conn: c, t: r.t, in: bufio.NewReader(c)}
}

// rawClient speaks HTTP as bytes.
type rawClient struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

func (c *rawClient) send(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c, strings.ReplaceAll(format, "\n", "\r\n"), args...); err != nil {
		c.t.Fatal(err)
	}
}

// receive reads one response to a request of the method.
func (c *rawClient) receive(method string) (*http.Response, string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("read response: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("read body: %v", err)
	}
	return res, string(body)
}

// receiveEnd fails unless the server has closed with nothing more to say.
func (c *rawClient) receiveEnd() {
	c.t.Helper()
	if b, err := c.in.ReadByte(); err != io.EOF {
		c.t.Errorf("got byte %q, error %v; want the end of the connection", b, err)
	}
}

// get asks without a socket.
func get(t testing.TB, h http.Handler, method, target string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, "http://127.0.0.1"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := &recorder{header: http.Header{}}
	h.ServeHTTP(w, r)
	return &http.Response{StatusCode: w.status, Header: w.header}, w.body.String()
}

// recorder is a ResponseWriter that shows header names as they were written.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// logbook collects what is logged.
type logbook struct {
	mu    sync.Mutex
	lines bytes.Buffer // guarded by mu
}

func (b *logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.Write(p)
}

func (b *logbook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.String()
}

// at is a logger into the book of everything from the level up.
func (b *logbook) at(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: level}))
}

// none fails unless nothing is tallied soon.
func none(t *testing.T, tally *tally) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := tally.wait(ctx); err != nil {
		t.Fatalf("%d are left: %v", tally.count(), err)
	}
}
