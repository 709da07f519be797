package fetch

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

const mib = 1 << 20

func TestFetch(t *testing.T) {
	content := random(pieceSize+12345, 1)
	for name, s := range map[string]*server{
		"our own":                    {manifest: true},
		"plain with ranges and tags": {},
		"ranges without tags":        {noTag: true},
		"Agave: nothing":             {noRange: true},
		"digests without ranges":     {noRange: true, manifest: true},
		"digests without tags":       {noTag: true, manifest: true},
	} {
		t.Run(name, func(t *testing.T) {
			s.content = content
			dir, follower := t.TempDir(), &reader{}
			c := config(dir, s.start(t))
			c.Follow = func() Follower { return follower }
			if _, err := fetchInto(t, c); err != nil {
				t.Fatal(err)
			}
			assertFetched(t, dir, content)
			if !bytes.Equal(follower.content, content) || len(follower.ended) != 1 || follower.ended[0] != nil {
				t.Errorf("follower has %d bytes, ended %v", len(follower.content), follower.ended)
			}
		})
	}
}

func TestSourceIsServerAliasOrArchive(t *testing.T) {
	s := &server{content: random(mib, 1)}
	url := s.start(t)
	for _, source := range []string{url, url + "/", url + "/snapshot.tar.bz2", url + "/" + testName.String()} {
		dir := tempDir(t)
		if _, err := fetchInto(t, config(dir, source)); err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		assertFetched(t, dir, s.content)
	}
}

func TestSeveralConnections(t *testing.T) {
	s := &server{content: random(3*pieceSize+1, 1)}
	dir := tempDir(t)
	c := config(dir, s.start(t))
	c.Connections = 4
	if _, err := fetchInto(t, c); err != nil {
		t.Fatal(err)
	}
	assertFetched(t, dir, s.content)
	if s.asked.Load() < 5 {
		t.Errorf("%d requests, want one probe and one or more for each connection", s.asked.Load())
	}
}

func TestJoinsProvenSources(t *testing.T) {
	content := random(4*pieceSize, 1)
	throttled := func() *server {
		s := &server{content: content, manifest: true}
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			s.serve(&drip{w, r, 40 * mib, 0}, r)
			return true
		}
		return s
	}
	a, b := throttled(), throttled()
	dir := tempDir(t)
	d, err := fetchInto(t, config(dir, a.start(t), b.start(t)))
	if err != nil {
		t.Fatal(err)
	}
	assertFetched(t, dir, content)
	for _, s := range d.Progress().Sources {
		if s.Received < pieceSize/4 {
			t.Errorf("%s gave %d bytes: the sources were not joined", s.URL, s.Received)
		}
	}
}

// TestDoesNotJoinUnproven: equal names, sizes and tags prove nothing.
func TestDoesNotJoinUnproven(t *testing.T) {
	content, other := random(pieceSize+mib, 1), random(pieceSize+mib, 2)
	for name, second := range map[string]*server{
		"other bytes, digests":   {content: other, manifest: true},
		"other bytes, none":      {content: other},
		"equal bytes, no digest": {content: content},
	} {
		t.Run(name, func(t *testing.T) {
			first := &server{content: content, manifest: true}
			dir := tempDir(t)
			d, err := fetchInto(t, config(dir, first.start(t), second.start(t)))
			if err != nil {
				t.Fatal(err)
			}
			assertFetched(t, dir, content)
			if got := d.Progress().Sources[1].Received; got != 0 {
				t.Errorf("%d bytes of the second source were taken", got)
			}
		})
	}
}

// TestSlowMemberDoesNotHold: one that has almost stopped costs little.
func TestSlowMemberDoesNotHold(t *testing.T) {
	content := random(4*pieceSize, 1)
	good := &server{content: content, manifest: true}
	slow := &server{content: content, manifest: true}
	slow.answer = func(w http.ResponseWriter, r *http.Request) bool {
		slow.serve(&drip{w, r, 50 << 10, 0}, r)
		return true
	}
	dir := tempDir(t)
	began := time.Now()
	if _, err := fetchInto(t, config(dir, slow.start(t), good.start(t))); err != nil {
		t.Fatal(err)
	}
	assertFetched(t, dir, content)
	if elapsed := time.Since(began); elapsed > 20*time.Second {
		t.Errorf("took %s", elapsed) // alone the slow one takes 20 minutes
	}
}

func TestAlreadyThere(t *testing.T) {
	dir := tempDir(t)
	if err := os.WriteFile(filepath.Join(dir, testName.String()), []byte("there"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := &server{content: random(mib, 1)}
	if _, err := fetchInto(t, config(dir, s.start(t))); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error is %v, want fs.ErrExist", err)
	}
	assertFetched(t, dir, []byte("there"))
}

func TestCommitDoesNotReplace(t *testing.T) {
	dir := tempDir(t)
	s := &server{content: random(mib, 1)}
	d, err := New(config(dir, s.start(t)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, testName.String()), []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Commit returns %v", err)
	}
	assertFetched(t, dir, []byte("other"))
	if err := p.Commit(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("second Commit returns %v", err)
	}
}

func TestPendingIsHidden(t *testing.T) {
	dir := t.TempDir()
	s := &server{content: random(mib, 1), manifest: true}
	url := s.start(t)
	d, err := New(config(dir, url))
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	assertFiles(t, dir, leftovers()...)
	if got, err := os.ReadFile(p.Path()); err != nil || !bytes.Equal(got, s.content) || !p.Proven() || len(p.Chunks()) != 1 {
		t.Errorf("pending has %d bytes, %v, proven %v, %d chunks", len(got), err, p.Proven(), len(p.Chunks()))
	}
	if _, err := fetchInto(t, config(dir, url)); !errors.Is(err, ErrBusy) {
		t.Errorf("another download meanwhile returns %v", err)
	}
	if err := Discard(dir, testName); !errors.Is(err, ErrBusy) {
		t.Errorf("Discard meanwhile returns %v", err)
	}
	p.Discard()
	assertFiles(t, dir)
}

func TestDiskIsTooSmall(t *testing.T) {
	dir := tempDir(t)
	s := &server{content: random(mib, 1), manifest: true}
	c := config(dir, s.start(t))
	c.Reserve = 1 << 60
	_, err := fetchInto(t, c)
	var space *SpaceError
	if !errors.Is(err, ErrDisk) || !errors.As(err, &space) || space.Need < 1<<60 {
		t.Errorf("error is %v, want ErrDisk and how much is needed", err)
	}
	assertFiles(t, dir)
}

func TestMissingDirectory(t *testing.T) {
	s := &server{content: random(mib, 1)}
	if _, err := fetchInto(t, config(filepath.Join(tempDir(t), "missing"), s.start(t))); !errors.Is(err, ErrDisk) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v, want ErrDisk", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := config("dir", "http://192.0.2.1:8899")
	for name, change := range map[string]func(*Config){
		"no directory":          func(c *Config) { c.Dir = "" },
		"no name":               func(c *Config) { c.Name.Kind, c.Name.Base, c.Name.Slot = 1, 5, 5 },
		"no source":             func(c *Config) { c.Sources = nil },
		"file source":           func(c *Config) { c.Sources = []string{"file:///etc/passwd"} },
		"path source":           func(c *Config) { c.Sources = []string{"/etc/passwd"} },
		"negative":              func(c *Config) { c.MinRate = -1 },
		"limit below floor":     func(c *Config) { c.MinRate, c.SourceRate = 2, 1 },
		"limiter without burst": func(c *Config) { c.Limiter = rate.NewLimiter(1, 0) },
		"limiter below floor":   func(c *Config) { c.MinRate, c.Limiter = 2, rate.NewLimiter(1, 1) },
		"source without a URL":  func(c *Config) { c.Sources = []string{"http://%zz"} },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: New accepts it", name)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}

// TestX1CancelStops: at any moment, with nothing left running (see TestMain), and
// what can be continued left behind.
func TestX1CancelStops(t *testing.T) {
	s := &server{content: random(4*pieceSize, 1), manifest: true}
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		s.serve(&drip{w, r, 100 * mib, 0}, r)
		return true
	}
	dir := tempDir(t)
	d, err := New(config(dir, s.start(t)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_ = reached(ctx, d, pieceSize)
		cancel()
	}()
	if _, err := d.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run returns %v", err)
	}
	assertFiles(t, dir, leftovers()...)
	if err := Discard(dir, testName); err != nil {
		t.Error(err)
	}
	assertFiles(t, dir)
}

func TestRateLimits(t *testing.T) {
	for name, limit := range map[string]func(*Config){
		"of a source": func(c *Config) { c.SourceRate = 4 * mib },
		"of all":      func(c *Config) { c.Limiter = rate.NewLimiter(4*mib, 128<<10) },
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{content: random(2*mib, 1)}
			dir := tempDir(t)
			c := config(dir, s.start(t))
			limit(&c)
			began := time.Now()
			if _, err := fetchInto(t, c); err != nil {
				t.Fatal(err)
			}
			if elapsed := time.Since(began); elapsed < 400*time.Millisecond {
				t.Errorf("2 MiB at 4 MiB/s took %s", elapsed)
			}
			assertFetched(t, dir, s.content)
		})
	}
}

func TestFollowerRejects(t *testing.T) {
	bad, good := &server{content: random(pieceSize+1, 1), manifest: true}, &server{content: random(pieceSize+2, 2)}
	dir := tempDir(t)
	c := config(dir, bad.start(t), good.start(t))
	var followers []*reader
	c.Follow = func() Follower {
		f := &reader{}
		if len(followers) == 0 {
			f.verdict = errTest
		}
		followers = append(followers, f)
		return f
	}
	d, err := fetchInto(t, c)
	if err != nil {
		t.Fatal(err)
	}
	assertFetched(t, dir, good.content)
	if s := d.Progress().Sources[0]; !s.Gone || !errors.Is(s.Err, ErrVerification) || !errors.Is(s.Err, errTest) {
		t.Errorf("first source is %+v", s)
	}

	dir = tempDir(t)
	c.Dir, c.Sources, followers = dir, c.Sources[:1], nil
	_, err = fetchInto(t, c)
	if !errors.Is(err, ErrVerification) || !strings.Contains(err.Error(), errTest.Error()) {
		t.Errorf("error is %v, want ErrVerification", err)
	}
	assertFiles(t, dir)
}
