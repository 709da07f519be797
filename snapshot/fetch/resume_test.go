package fetch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

const (
	killEnv    = "FETCH_TEST_KILL_URL"
	killDirEnv = "FETCH_TEST_KILL_DIR"
)

// downloadUntilKilled plays a process that is killed.
func downloadUntilKilled(url, dir string) int {
	d, err := New(config(dir, url))
	if err == nil {
		_, err = d.Run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// slowly makes a server take a while.
func slowly(s *server, rate int) *server {
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		s.serve(&drip{w, r, rate, 0}, r)
		return true
	}
	return s
}

// abandon ends a download when that many bytes are good.
func abandon(t *testing.T, c Config, good int64) {
	t.Helper()
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_ = reached(ctx, d, good)
		cancel()
	}()
	if _, err := d.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("abandoned Run returns %v", err)
	}
}

func TestResumesWhereAbandoned(t *testing.T) {
	for name, s := range map[string]*server{"digests": {manifest: true}, "tags": {}} {
		t.Run(name, func(t *testing.T) {
			slowly(s, 400*mib).content = random(4*pieceSize+99, 1)
			url, dir := s.start(t), tempDir(t)
			for range 3 {
				abandon(t, config(dir, url), pieceSize*(1+rand.Int64N(2)))
			}
			s.served.Store(0)
			abandonedAt := int64(pieceSize)
			d, err := fetchInto(t, config(dir, url))
			if err != nil {
				t.Fatal(err)
			}
			assertFetched(t, dir, s.content)
			if p := d.Progress(); p.Resumed < abandonedAt || s.served.Load() > p.Size-p.Resumed+pieceSize/8 {
				t.Errorf("resumed with %d bytes, and fetched %d more of %d", p.Resumed, s.served.Load(), p.Size)
			}
		})
	}
}

func TestResumesAfterChangeOfPeer(t *testing.T) {
	content := random(2*pieceSize, 1)
	for name, first := range map[string]*server{"both with digests": {manifest: true}, "the first with tags": {}} {
		t.Run(name, func(t *testing.T) {
			slowly(first, 400*mib).content = content
			dir := tempDir(t)
			abandon(t, config(dir, first.start(t)), pieceSize)
			second := &server{content: content, manifest: true}
			d, err := fetchInto(t, config(dir, second.start(t)))
			if err != nil {
				t.Fatal(err)
			}
			assertFetched(t, dir, content)
			if p := d.Progress(); p.Resumed < pieceSize || second.served.Load() > p.Size-p.Resumed+mib {
				t.Errorf("resumed with %d bytes, and fetched %d more", p.Resumed, second.served.Load())
			}
		})
	}
}

// TestDoesNotResumeUnproven: from another peer, or another file of the same.
func TestDoesNotResumeUnproven(t *testing.T) {
	content, other := random(2*pieceSize, 1), random(2*pieceSize, 2)
	for name, second := range map[string]*server{
		"other bytes with digests": {content: other, manifest: true},
		"other bytes with tags":    {content: other},
		"equal bytes with tags":    {content: content},
		"no ranges":                {content: content, noRange: true},
	} {
		t.Run(name, func(t *testing.T) {
			first := slowly(&server{content: content}, 400*mib)
			dir := tempDir(t)
			abandon(t, config(dir, first.start(t)), pieceSize)
			d, err := fetchInto(t, config(dir, second.start(t)))
			if err != nil {
				t.Fatal(err)
			}
			assertFetched(t, dir, second.content)
			if p := d.Progress(); p.Resumed != 0 {
				t.Errorf("resumed with %d bytes that are of nobody knows what", p.Resumed)
			}
		})
	}
}

// TestResumeFindsDamage: what was recorded but not synced is read again.
func TestResumeFindsDamage(t *testing.T) {
	s := slowly(&server{content: random(2*pieceSize, 1), manifest: true}, 400*mib)
	url, dir := s.start(t), tempDir(t)
	abandon(t, config(dir, url), pieceSize)
	part := dir + "/." + testName.String() + ".partial"
	journal := dir + "/." + testName.String() + ".journal"
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	b, pieces, err := decodeJournal(text)
	if err != nil || len(pieces) == 0 {
		t.Fatalf("journal has %d pieces, %v", len(pieces), err)
	}
	unsynced := encodeBasis(b)
	for i, r := range pieces {
		unsynced = append(unsynced, encodePiece(i, r.sum)...)
	}
	if err := os.WriteFile(journal, unsynced, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("damage"), 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := fetchInto(t, config(dir, url)); err != nil {
		t.Fatal(err)
	}
	assertFetched(t, dir, s.content)
}

// TestKilled kills a process in the middle, several times.
func TestKilled(t *testing.T) {
	s := slowly(&server{content: random(6*pieceSize, 1), manifest: true}, 150*mib)
	url, dir := s.start(t), t.TempDir()
	const kills = 4
	var before int64
	for range kills {
		kill(t, url, dir, 100*time.Millisecond+rand.N(200*time.Millisecond))
		good := recorded(t, dir)
		if good < before {
			t.Errorf("after a kill %d good bytes, there were %d", good, before)
		}
		before = good
	}
	s.served.Store(0)
	s.answer = nil
	if _, err := fetchInto(t, config(dir, url)); err != nil {
		t.Fatal(err)
	}
	assertFetched(t, dir, s.content)
	if again := s.served.Load() - (int64(len(s.content)) - before); again > mib {
		t.Errorf("%d bytes were fetched again", again)
	}
}

// kill runs a download in a process of its own and kills it after a while.
func kill(t *testing.T, url, dir string, after time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), killEnv+"="+url, killDirEnv+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
}

// recorded is how many bytes a journal says are good.
func recorded(t *testing.T, dir string) (n int64) {
	t.Helper()
	text, err := os.ReadFile(dir + "/." + testName.String() + ".journal")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	_, pieces, err := decodeJournal(text)
	if err != nil {
		t.Fatal(err)
	}
	return int64(len(pieces)) * pieceSize
}

// TestBadRunCostsNothing: what was good stays, whatever other sources do.
func TestBadRunCostsNothing(t *testing.T) {
	s := slowly(&server{content: random(2*pieceSize, 1)}, 400*mib)
	url, dir := s.start(t), tempDir(t)
	abandon(t, config(dir, url), pieceSize)
	for name, bad := range map[string]*server{
		"refuses":       {answer: always(http.NotFound)},
		"another name":  {answer: redirectTo("/genesis.tar.bz2")},
		"lies of size":  {content: s.content[1:], manifest: true, description: describe(s.content)},
		"says too much": {answer: always(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "br") })},
	} {
		if _, err := fetchInto(t, config(dir, bad.start(t))); err == nil {
			t.Errorf("%s: no error", name)
		}
		assertFiles(t, dir, leftovers()...)
	}
	d, err := fetchInto(t, config(dir, url))
	if err != nil {
		t.Fatal(err)
	}
	assertFetched(t, dir, s.content)
	if d.Progress().Resumed < pieceSize {
		t.Errorf("resumed with %d bytes", d.Progress().Resumed)
	}
}
