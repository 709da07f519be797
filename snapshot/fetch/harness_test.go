package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"solsnap/snapshot"
)

// TestMain fails if a Run leaves a goroutine behind. The binary also plays the
// download of TestKilled.
func TestMain(m *testing.M) {
	if url := os.Getenv(killEnv); url != "" {
		os.Exit(downloadUntilKilled(url, os.Getenv(killDirEnv)))
	}
	goleak.VerifyTestMain(m)
}

var testName = snapshot.Name{Kind: snapshot.Full, Slot: 100, Hash: snapshot.Hash{1}}

// random is content that no two seeds share. It must not be modified.
func random(size int, seed uint64) []byte {
	key := [2]uint64{uint64(size), seed}
	if b, ok := contents.Load(key); ok {
		return b.([]byte)
	}
	b := chacha(size, seed)
	contents.Store(key, b)
	return b
}

var contents sync.Map // of random, which nobody modifies

func chacha(size int, seed uint64) []byte {
	b := make([]byte, size)
	var key [32]byte
	key[0] = byte(seed)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

// server is an origin. What is set makes it less than perfect.
type server struct {
	content  []byte
	noRange  bool // as Agave: neither ranges nor tags
	noTag    bool
	manifest bool
	// answer, if set, may answer an archive request itself, and reports whether it has.
	answer func(w http.ResponseWriter, r *http.Request) bool
	// wrap, if set, stands between the archive and the client.
	wrap func(w http.ResponseWriter) http.ResponseWriter

	served atomic.Int64 // archive bytes
	asked  atomic.Int64 // archive requests, probes included
	mu     sync.Mutex

	description []byte // guarded by mu
}

func (s *server) start(t testing.TB) string {
	t.Helper()
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	return ts.URL
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/v1/snapshots/"+testName.String() && s.manifest:
		s.mu.Lock()
		if s.description == nil {
			s.description = describe(s.content)
		}
		s.mu.Unlock()
		_, _ = w.Write(s.description)
	case r.URL.Path == "/snapshot.tar.bz2":
		w.Header()["location"] = []string{"/" + testName.String()}
		w.WriteHeader(http.StatusSeeOther)
	case r.URL.Path == "/"+testName.String():
		s.asked.Add(1)
		if s.answer == nil || !s.answer(w, r) {
			s.serve(w, r)
		}
	default:
		http.NotFound(w, r)
	}
}

func tagOf(content []byte) string {
	sum := sha256.Sum256(content[:min(len(content), 4096)])
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	if s.wrap != nil {
		w = s.wrap(w)
	}
	w = &counter{w, &s.served}
	if s.noRange {
		w.Header().Set("Content-Length", fmt.Sprint(len(s.content)))
		_, _ = w.Write(s.content)
		return
	}
	if !s.noTag {
		w.Header().Set("ETag", tagOf(s.content))
	}
	http.ServeContent(w, r, testName.String(), time.Time{}, bytes.NewReader(s.content))
}

type counter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// describe is what our own servers answer at /v1/snapshots/NAME.
func describe(content []byte) []byte {
	chunks := []string{}
	for i := 0; i < len(content); i += pieceSize {
		sum := sha256.Sum256(content[i:min(i+pieceSize, len(content))])
		chunks = append(chunks, hex.EncodeToString(sum[:]))
	}
	text, err := json.Marshal(map[string]any{
		"name": testName.String(), "size": len(content), "chunkSize": pieceSize, "chunks": chunks, "kind": "full",
	})
	if err != nil {
		panic(err)
	}
	return text
}

// cutter ends the connection after so many bytes of every answer.
func cutter(after int64) func(http.ResponseWriter) http.ResponseWriter {
	return func(w http.ResponseWriter) http.ResponseWriter { return &limited{w, after, nil} }
}

// limited lets so many bytes through, and then does what then does: nil hangs up.
type limited struct {
	http.ResponseWriter
	left int64
	then func()
}

func (l *limited) Write(b []byte) (int, error) {
	if int64(len(b)) <= l.left {
		l.left -= int64(len(b))
		return l.ResponseWriter.Write(b)
	}
	_, _ = l.ResponseWriter.Write(b[:l.left])
	l.left = 0
	_ = http.NewResponseController(l.ResponseWriter).Flush()
	if l.then == nil {
		panic(http.ErrAbortHandler)
	}
	l.then()
	panic(http.ErrAbortHandler)
}

// drip writes at a rate, in small steps.
type drip struct {
	http.ResponseWriter
	request *http.Request
	rate    int // bytes per second
	unpaid  int // bytes, since it last waited
}

func (d *drip) Write(b []byte) (n int, err error) {
	const tick = 10 * time.Millisecond
	step := max(d.rate/int(time.Second/tick), 1)
	for n < len(b) && err == nil {
		var m int
		m, err = d.ResponseWriter.Write(b[n:min(n+step-d.unpaid, len(b))])
		n += m
		if d.unpaid += m; d.unpaid < step {
			continue
		}
		d.unpaid = 0
		_ = http.NewResponseController(d.ResponseWriter).Flush()
		select {
		case <-d.request.Context().Done():
			return n, d.request.Context().Err()
		case <-time.After(tick):
		}
	}
	return n, err
}

// tempDir is a directory in memory where there is one: most tests are not about
// how long a disk takes to sync.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "fetch-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func config(dir string, sources ...string) Config {
	return Config{
		Dir: dir, Name: testName, Sources: sources, StallTimeout: 2 * time.Second, Attempts: 3,
		jitter: func() float64 { return 0 },
	}
}

func fetchInto(t testing.TB, c Config) (*Download, error) {
	t.Helper()
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Run(t.Context())
	if err == nil {
		err = p.Commit()
	}
	return d, err
}

// assertFetched holds what a directory has against what it should: the archive
// and nothing else.
func assertFetched(t testing.TB, dir string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, testName.String()))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("archive has %d bytes that are not the %d expected", len(got), len(want))
	}
	assertFiles(t, dir, testName.String())
}

func assertFiles(t testing.TB, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("directory has %q, want %q", got, want)
	}
}

func leftovers() []string {
	return []string{"." + testName.String() + ".journal", "." + testName.String() + ".partial"}
}

// reader is a Follower that remembers.
type reader struct {
	mu      sync.Mutex
	content []byte
	ended   []error
	verdict error
}

func (r *reader) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.content = append(r.content, b...)
	return len(b), nil
}

func (r *reader) End(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, err)
	return r.verdict
}

var _ io.Writer = (*reader)(nil)

// await polls until a download is as far as wanted.
func reached(ctx context.Context, d *Download, good int64) error {
	for d.Progress().Good < good {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

var errTest = errors.New("bad account")
