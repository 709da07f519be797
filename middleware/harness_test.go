package middleware

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"solsnap/snapshot"
)

// The served pair of most tests.
var (
	full        = snapshot.Name{Kind: snapshot.Full, Slot: 100, Hash: snapshot.Hash{1}}
	incremental = snapshot.Name{Kind: snapshot.Incremental, Base: 100, Slot: 150, Hash: snapshot.Hash{2}}
)

// rig is a real server over a real directory of archives.
type rig struct {
	*httptest.Server
	t         testing.TB
	dir       string
	store     *snapshot.Store
	transfers *Transfers
	log       *logBuffer
	logger    *slog.Logger
}

type rigOptions struct {
	limits  Limits
	tls     bool
	noHTTP2 bool
	// writeTimeout is the server's; 0 is none.
	writeTimeout time.Duration
	cfg          func(*SnapshotsConfig)
	wrapConn     func(net.Conn) net.Conn
	next         http.Handler
}

// newRig serves the archives that make puts into the directory.
func newRig(t testing.TB, opts rigOptions, archives map[snapshot.Name][]byte) *rig {
	t.Helper()
	g := &rig{t: t, dir: t.TempDir(), log: &logBuffer{}}
	for name, body := range archives {
		g.put(name, body)
	}
	logger := slog.New(slog.NewTextHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g.logger = logger
	g.startStore(logger, len(archives))
	g.transfers = NewTransfers(opts.limits, logger)
	background(t, g.transfers.Run)

	cfg := SnapshotsConfig{
		Archives:  g.store,
		Transfers: g.transfers,
		Genesis:   func() (*os.File, error) { return os.Open(filepath.Join(g.dir, "genesis.tar.bz2")) },
		Health:    func() snapshot.Health { return snapshot.Health{State: snapshot.HealthOK} },
		Logger:    logger,
	}
	if opts.cfg != nil {
		opts.cfg(&cfg)
	}
	if opts.next == nil {
		opts.next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	}
	observer := NewObserver(ObserveConfig{Logger: logger})
	g.Server = httptest.NewUnstartedServer(observer.Middleware(Snapshots(cfg)(opts.next)))
	g.Config.ConnContext = ConnContext
	g.Config.WriteTimeout = opts.writeTimeout
	g.Config.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelError)
	if opts.wrapConn != nil {
		g.Listener = &wrappingListener{g.Listener, opts.wrapConn}
	}
	if opts.tls {
		g.EnableHTTP2 = !opts.noHTTP2
		g.StartTLS()
	} else {
		g.Start()
	}
	t.Cleanup(g.Close)
	return g
}

func (g *rig) startStore(logger *slog.Logger, want int) {
	g.t.Helper()
	store, err := snapshot.NewStore(snapshot.Config{FullDir: g.dir, IncrementalDir: g.dir, Logger: logger})
	if err != nil {
		g.t.Fatal(err)
	}
	g.store = store
	background(g.t, store.Run)
	for {
		changed := store.Changed()
		if store.Scanned() && len(store.Archives()) == want {
			return
		}
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			g.t.Fatalf("store lists %d archives, want %d", len(store.Archives()), want)
		}
	}
}

// put writes an archive that is old enough to be listed at once.
func (g *rig) put(name snapshot.Name, body []byte) string {
	g.t.Helper()
	path := filepath.Join(g.dir, name.String())
	old := time.Now().Add(-time.Hour)
	if err := os.WriteFile(path, body, 0o644); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Chtimes(path, old, old); err != nil {
		g.t.Fatal(err)
	}
	return path
}

// archiveBytes is a zstd magic number and n-4 bytes of noise.
func archiveBytes(n int) []byte {
	noise := rand.NewChaCha8([32]byte{byte(n)})
	body := make([]byte, n)
	_, _ = noise.Read(body)
	copy(body, []byte{0x28, 0xb5, 0x2f, 0xfd})
	return body
}

// background runs until the test ends, and waits for it to return.
func background(t testing.TB, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
}

// do sends one request as written and returns the response head as text, and
// the body.
func (g *rig) do(request string) (head string, body []byte) {
	g.t.Helper()
	conn := g.dial()
	defer conn.Close()
	fmt.Fprint(conn, request)
	r := bufio.NewReader(conn)
	head = readHead(g.t, r)
	if !strings.HasPrefix(request, "HEAD") {
		body, _ = io.ReadAll(r)
	}
	return head, body
}

func (g *rig) dial() net.Conn {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.Listener.Addr().String())
	if err != nil {
		g.t.Fatal(err)
	}
	return conn
}

func readHead(t testing.TB, r *bufio.Reader) string {
	t.Helper()
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("response head ends early after %q: %v", head.String(), err)
		}
		head.WriteString(line)
		if line == "\r\n" {
			return head.String()
		}
	}
}

func (g *rig) get(path string, header ...string) (*http.Response, []byte) {
	g.t.Helper()
	req, err := http.NewRequest(http.MethodGet, g.URL+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := g.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return resp, body
}

// logBuffer keeps what was logged and lets a test wait for a text.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
	more chan struct{}   // closed at the next line; guarded by mu
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more != nil {
		close(b.more)
		b.more = nil
	}
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await returns once every text has been logged.
func (b *logBuffer) await(t testing.TB, texts ...string) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	for {
		b.mu.Lock()
		if b.more == nil {
			b.more = make(chan struct{})
		}
		more, log := b.more, b.text.String()
		b.mu.Unlock()
		missing := ""
		for _, text := range texts {
			if !strings.Contains(log, text) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("log lacks %q:\n%s", missing, log)
		}
	}
}

type wrappingListener struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (l *wrappingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.wrap(conn), nil
}
