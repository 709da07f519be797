package origin

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"solsnap/gossip/discovery"
	"solsnap/gossip/wire"
	"solsnap/snapshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come. No test takes that long.
const patience = time.Minute

var network = wire.Hash{7}

// Archives of most tests.
var (
	full100 = snapshot.Name{Kind: snapshot.Full, Slot: 100, Hash: snapshot.Hash{1}}
	full300 = snapshot.Name{Kind: snapshot.Full, Slot: 300, Hash: snapshot.Hash{3}}
	incr150 = snapshot.Name{Kind: snapshot.Incremental, Base: 100, Slot: 150, Hash: snapshot.Hash{2}}
	incr200 = snapshot.Name{Kind: snapshot.Incremental, Base: 100, Slot: 200, Hash: snapshot.Hash{4}}
)

// want compares.
func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fataler is a test, or a run of a property.
type fataler interface{ Fatal(...any) }

func newDirectory(t fataler) *discovery.Directory {
	d, err := discovery.NewDirectory(discovery.Config{
		Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Network: network,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// running is a Prober under test.
type running struct {
	*Prober
	dir  *discovery.Directory
	stop func() // returns when Run has
}

// start runs a Prober until the test ends.
func start(t testing.TB, cfg Config) *running {
	t.Helper()
	if cfg.Directory == nil {
		cfg.Directory = newDirectory(t)
	}
	cfg.Network = network
	p, err := New(cfg)
	noError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	r := &running{p, cfg.Directory, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if n := cfg.Directory.Catalog().Len(); n != 0 {
			t.Errorf("%d entries are left behind", n)
		}
	})}
	t.Cleanup(r.stop)
	return r
}

// peer is the entry of an origin, nil while there is none.
func (r *running) peer(t testing.TB, url string) *discovery.Peer {
	t.Helper()
	key, err := Key(url)
	noError(t, err)
	p, _ := r.dir.Catalog().Get(key)
	return p
}

// await waits for an entry that is as it should.
func (r *running) await(t testing.TB, url string, good func(*discovery.Peer) bool) *discovery.Peer {
	t.Helper()
	for late := time.After(patience); ; {
		changed := r.dir.Changed()
		if p := r.peer(t, url); p != nil && good(p) {
			return p
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("the entry is still %+v", r.peer(t, url))
		}
	}
}

func whatever(*discovery.Peer) bool { return true }

// tag is the value of a tag, "" if there is none.
func tag(p *discovery.Peer, name string) string {
	for _, t := range p.Entry.Tags {
		if value, ok := strings.CutPrefix(t, name+"="); ok {
			return value
		}
	}
	return ""
}

// log is what a Prober says, a line each.
type log struct {
	mu    sync.Mutex
	text  bytes.Buffer  // guarded by mu
	wrote chan struct{} // one place
}

func newLog() *log { return &log{wrote: make(chan struct{}, 1)} }

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.wrote <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits for a line that has all of the words.
func (l *log) await(t testing.TB, words ...string) {
	t.Helper()
	for late := time.After(patience); ; {
		for line := range strings.Lines(l.String()) {
			if hasAll(line, words) {
				return
			}
		}
		select {
		case <-l.wrote:
		case <-late:
			t.Fatalf("the log has no line with %q:\n%s", words, l)
		}
	}
}

func hasAll(line string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(line, w) {
			return false
		}
	}
	return true
}
