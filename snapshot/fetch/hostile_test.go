package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// always answers every archive request in one way, behind an honest probe if
// probed is set.
func always(handle http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		handle(w, r)
		return true
	}
}

// afterProbe lets the probe through and then takes over.
func afterProbe(handle http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") == formatRange(0, 1) {
			return false
		}
		handle(w, r)
		return true
	}
}

func redirectTo(location string) func(http.ResponseWriter, *http.Request) bool {
	return always(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusSeeOther)
	})
}

// hostile is an origin and how a download from it alone must end.
type hostile struct {
	server *server
	want   error
	says   string // a part of the error
	keeps  bool   // what is good stays for another Run: it may have been bad luck
	change func(*Config)
}

// hostiles all claim to have content.
func hostiles(content []byte) map[string]hostile {
	other := random(len(content), 99)
	otherName := testName
	otherName.Slot++
	changing := &server{content: content}
	changing.wrap = func(w http.ResponseWriter) http.ResponseWriter {
		return &limited{w, mib + 100, func() { changing.content = other }}
	}
	stall := func(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
		return &limited{w, mib + 100, func() { <-r.Context().Done() }}
	}
	stalling := &server{content: content}
	stalling.answer = afterProbe(func(w http.ResponseWriter, r *http.Request) { stalling.serve(stall(w, r), r) })
	stallingPlain := &server{content: content, noRange: true}
	stallingPlain.answer = afterProbe(func(w http.ResponseWriter, r *http.Request) { stallingPlain.serve(stall(w, r), r) })
	short := func(c *Config) { c.StallTimeout, c.Attempts = 200*time.Millisecond, 2 }
	wrongDigests := &server{content: content}
	wrongDigests.manifest = true
	wrongDigests.answer = always(func(w http.ResponseWriter, r *http.Request) {
		(&server{content: other, noTag: true}).serve(w, r)
	})
	wrongPlain := &server{content: content, manifest: true}
	wrongPlain.answer = always(func(w http.ResponseWriter, r *http.Request) {
		(&server{content: other, noRange: true}).serve(w, r)
	})
	return map[string]hostile{
		"refuses":   {server: &server{answer: always(http.NotFound)}, want: ErrNoSource, says: "404"},
		"forbidden": {server: &server{answer: always(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })}, want: ErrNoSource, says: "403"},
		"overloaded": {server: &server{answer: always(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })},
			want: ErrNoSource, says: "503", change: short},
		"hangs up": {server: &server{answer: always(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })},
			want: ErrNoSource, says: "EOF", change: short},
		"says nothing": {server: &server{answer: always(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })},
			want: ErrNoSource, says: "stalled", change: short},
		"truncates at once": {server: &server{content: content, noRange: true, wrap: cutter(100)}, want: ErrNoSource, says: "EOF", change: short},
		"truncates Agave":   {server: &server{content: content, noRange: true, wrap: cutter(mib + 100)}, want: ErrNoSource, says: "EOF", change: short},
		"dies for good":     {server: dying(random(pieceSize+2*mib, 1)), want: ErrNoSource, says: "503", keeps: true, change: short},
		"stalls":            {server: stalling, want: nil, change: short},
		"stalls Agave":      {server: stallingPlain, want: ErrNoSource, says: "stalled", change: short},
		"no length": {server: &server{answer: always(func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
		})}, want: ErrNoSource, says: "how long"},
		"says it is huge": {server: &server{answer: always(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-0/9223372036854775807")
			w.WriteHeader(http.StatusPartialContent)
		})}, want: ErrNoSource, says: "8.0 EiB"},
		"says it is larger than the disk": {server: &server{answer: always(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"large"`)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-0/%d", int64(maxSize)))
			w.WriteHeader(http.StatusPartialContent)
		})}, want: ErrDisk, says: "free"},
		"empty": {server: &server{noRange: true}, want: ErrNoSource, says: "how long"},
		"encodes": {server: &server{answer: always(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
		})}, want: ErrNoSource, says: "gzip"},
		"ignores ranges later": {server: &server{content: content, answer: afterProbe(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", tagOf(content))
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			_, _ = w.Write(content)
		})}, want: ErrNoSource, says: "ignores"},
		"other range": {server: &server{content: content, answer: afterProbe(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 7-9/%d", len(content)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte("abc"))
		})}, want: ErrNoSource, says: "from 7"},
		"crumbs": {server: &server{content: content, answer: afterProbe(func(w http.ResponseWriter, r *http.Request) {
			var lo int
			_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &lo)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", lo, lo, len(content)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(content[lo : lo+1])
		})}, want: ErrNoSource, says: "only 1 bytes", change: short},
		"changes after a piece": {server: changingLate(), want: ErrVerification, says: "changed"},
		"nonsense range": {server: &server{content: content, answer: always(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 5-1/-3")
			w.WriteHeader(http.StatusPartialContent)
		})}, want: ErrNoSource, says: "content range"},
		"changes the file half-way": {server: changing, want: ErrVerification, says: "changed"},
		"other size later": {server: &server{content: content, answer: afterProbe(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-9/%d", len(content)+1))
			w.WriteHeader(http.StatusPartialContent)
		})}, want: ErrVerification, says: "changed"},
		"length against its manifest": {server: &server{content: content, manifest: true, answer: always(func(w http.ResponseWriter, r *http.Request) {
			(&server{content: content[1:]}).serve(w, r)
		})}, want: ErrVerification, says: "manifest"},
		"wrong digests":                {server: wrongDigests, want: ErrVerification, says: "digest"},
		"wrong digests without ranges": {server: wrongPlain, want: ErrVerification, says: "digest"},
		"redirects in a loop":          {server: &server{answer: redirectTo("/" + testName.String())}, want: ErrNoSource, says: "redirected"},
		"redirects to a file":          {server: &server{answer: redirectTo("file:///etc/passwd")}, want: ErrNoSource, says: "not followed"},
		"redirects to a path":          {server: &server{answer: redirectTo("/../../etc/passwd")}, want: ErrName, says: "no archive"},
		"redirects upward":             {server: &server{answer: redirectTo("/..%2f..%2f" + testName.String())}, want: ErrName, says: "no archive"},
		"redirects nowhere":            {server: &server{answer: redirectTo("")}, want: ErrNoSource, says: "no location"},
		"redirects to nonsense":        {server: &server{answer: redirectTo("http://[::1/x")}, want: ErrNoSource, says: "no location"},
		"another slot": {server: &server{answer: func(w http.ResponseWriter, r *http.Request) bool {
			return redirectTo("/"+otherName.String())(w, r)
		}}, want: ErrName, says: "leads to snapshot-101-"},
	}
}

// changingLate has given a good piece before it changes: that is of no use then.
func changingLate() *server {
	s := &server{content: random(pieceSize+2*mib, 1)}
	s.wrap = func(w http.ResponseWriter) http.ResponseWriter {
		return &limited{w, pieceSize + mib, func() { s.content = random(pieceSize+2*mib, 99) }}
	}
	return s
}

// dying serves a piece and then nothing any more.
func dying(content []byte) *server {
	s := &server{content: content}
	dead := false
	s.answer = afterProbe(func(w http.ResponseWriter, r *http.Request) {
		if dead {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		dead = true
		s.serve(cutter(pieceSize+mib)(w), r)
	})
	return s
}

func TestHostileOrigins(t *testing.T) {
	content := random(2*mib, 1)
	for name, h := range hostiles(content) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			c := config(dir, h.server.start(t))
			if h.change != nil {
				h.change(&c)
			}
			_, err := fetchInto(t, c)
			if h.want == nil {
				if err != nil {
					t.Fatalf("error is %v, want none", err)
				}
				assertFetched(t, dir, content)
				return
			}
			if !errors.Is(err, h.want) || !strings.Contains(err.Error(), h.says) {
				t.Errorf("error is %v, want %v that says %q", err, h.want, h.says)
			}
			if h.keeps {
				assertFiles(t, dir, leftovers()...)
			} else {
				assertFiles(t, dir)
			}
		})
	}
}

// TestNextSourceIsTried: whatever the first does, the second delivers.
func TestNextSourceIsTried(t *testing.T) {
	content := random(2*mib, 1)
	for name, h := range hostiles(content) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			good := &server{content: content, noRange: true}
			c := config(dir, h.server.start(t), good.start(t))
			if h.change != nil {
				h.change(&c)
			}
			if _, err := fetchInto(t, c); err != nil {
				t.Fatal(err)
			}
			assertFetched(t, dir, content)
		})
	}
}

// TestLiarAmongHonest: all have the same manifest, one does not keep to it.
func TestLiarAmongHonest(t *testing.T) {
	content := random(4*pieceSize, 1)
	liar := slowly(&server{content: content, manifest: true}, 100*mib)
	lies := &server{content: random(len(content), 5), noTag: true}
	liar.answer = always(func(w http.ResponseWriter, r *http.Request) { lies.serve(&drip{w, r, 100 * mib, 0}, r) })
	a := slowly(&server{content: content, manifest: true}, 50*mib)
	b := slowly(&server{content: content, manifest: true}, 50*mib)
	dir := tempDir(t)
	d, err := fetchInto(t, config(dir, liar.start(t), a.start(t), b.start(t)))
	if err != nil {
		t.Fatal(err)
	}
	assertFetched(t, dir, content)
	for i, s := range d.Progress().Sources {
		if s.Gone != (i == 0) {
			t.Errorf("source %d is %+v", i, s)
		}
	}
}

// TestFailover: a member dies half-way, and nothing of what it gave is fetched
// again but the piece it was in.
func TestFailover(t *testing.T) {
	content := random(4*pieceSize, 1)
	first := dying(content)
	first.manifest = true
	second := slowly(&server{content: content, manifest: true}, 100*mib)
	dir := tempDir(t)
	c := config(dir, first.start(t), second.start(t))
	c.Attempts = 1
	d, err := fetchInto(t, c)
	if err != nil {
		t.Fatal(err)
	}
	assertFetched(t, dir, content)
	var total int64
	for _, s := range d.Progress().Sources {
		total += s.Received
	}
	if total != int64(len(content)) {
		t.Errorf("%d bytes were fetched for %d", total, len(content))
	}
}
