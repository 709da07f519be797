package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/fetch"
)

// hostile are servers that lead to the archive as they should, and then do not send
// it.
var hostile = map[string]struct {
	answer func(f *field) func(http.ResponseWriter, *http.Request, snapshot.Name) bool
	flags  []string
	code   int
}{
	"truncates": {always(func(_ *field, w http.ResponseWriter, _ *http.Request, content []byte, _ snapshot.Name) {
		w.Header().Set("Content-Length", "1000000")
		_, _ = w.Write(content[:len(content)/2])
		panic(http.ErrAbortHandler)
	}), nil, exitNoSource},
	"refuses": {always(func(_ *field, w http.ResponseWriter, _ *http.Request, _ []byte, _ snapshot.Name) {
		w.WriteHeader(http.StatusForbidden)
	}), nil, exitNoSource},
	"redirects in a loop": {always(func(_ *field, w http.ResponseWriter, r *http.Request, _ []byte, _ snapshot.Name) {
		http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
	}), nil, exitNoSource},
	"redirects to a file": {always(func(_ *field, w http.ResponseWriter, r *http.Request, _ []byte, _ snapshot.Name) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusSeeOther)
	}), nil, exitNoSource},
	"another slot's archive": {always(func(f *field, w http.ResponseWriter, _ *http.Request, _ []byte, name snapshot.Name) {
		other := f.full
		if name.Kind == snapshot.Full {
			other = f.incremental
		}
		_, _ = writeWhole(w, f.content(other))
	}), nil, exitFalse},
	"other bytes": {always(func(_ *field, w http.ResponseWriter, _ *http.Request, _ []byte, _ snapshot.Name) {
		_, _ = writeWhole(w, zstdBytes(10_000))
	}), nil, exitFalse},
	"a bit of damage": {always(func(_ *field, w http.ResponseWriter, _ *http.Request, content []byte, _ snapshot.Name) {
		content[len(content)/2] ^= 1
		_, _ = writeWhole(w, content)
	}), nil, exitFalse},
	"an account altered": {always(func(f *field, w http.ResponseWriter, _ *http.Request, content []byte, _ snapshot.Name) {
		_, _ = writeWhole(w, repacked(f.t, content, func(tar []byte) { tar[len(tar)-40_000] ^= 1 }))
	}), []string{"--require", "accounts"}, exitFalse},
	"more than a disk holds": {always(func(_ *field, w http.ResponseWriter, r *http.Request, _ []byte, _ snapshot.Name) {
		w.Header().Set("Content-Length", "10000000000000")
		_, _ = w.Write([]byte{0x28})
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}), nil, exitDisk},
}

func always(answer func(*field, http.ResponseWriter, *http.Request, []byte, snapshot.Name)) func(*field) func(http.ResponseWriter, *http.Request, snapshot.Name) bool {
	return func(f *field) func(http.ResponseWriter, *http.Request, snapshot.Name) bool {
		return func(w http.ResponseWriter, r *http.Request, name snapshot.Name) bool {
			answer(f, w, r, f.content(name), name)
			return true
		}
	}
}

// TestFetchFromHostileOrigins: each ends with the right code, nothing published and
// nothing left; and where there is an honest one, too, all comes from that.
func TestFetchFromHostileOrigins(t *testing.T) {
	for name, tt := range hostile {
		t.Run(name, func(t *testing.T) {
			f := newField(t, small)
			bad := (&plainOrigin{field: f, answer: tt.answer(f)}).start()
			got := f.fetch(append(tt.flags, "--origin", bad)...)
			if got.code != tt.code {
				t.Errorf("exit %d, want %d: %v\n%s", got.code, tt.code, got.err, f.log)
			}
			f.has()
			honest := (&plainOrigin{field: f}).start()
			got = f.fetch(append(tt.flags, "--origin", bad, "--origin", honest)...)
			f.succeeds(got, f.full, f.incremental)
			if got.err != nil {
				return
			}
			for _, a := range []*fetchedArchive{got.Full, got.Incremental} {
				if last := a.Sources[len(a.Sources)-1]; last.URL != honest && a.Sources[0].URL != honest {
					t.Errorf("%s came from %+v", a.Path, a.Sources)
				}
			}
		})
	}
}

// TestFetchKeepsTheFullWithoutIncremental: what was proven stays, and the code tells
// of what was not had.
func TestFetchKeepsTheFullWithoutIncremental(t *testing.T) {
	f := newField(t, small)
	o := &plainOrigin{field: f, answer: func(w http.ResponseWriter, _ *http.Request, name snapshot.Name) bool {
		if name.Kind == snapshot.Full {
			return false
		}
		_, _ = writeWhole(w, zstdBytes(1000))
		return true
	}}
	got := f.fetch("--origin", o.start())
	if got.code != exitFalse || got.Full == nil || got.Incremental != nil {
		t.Errorf("exit %d: %v", got.code, got.err)
	}
	f.has(f.full)
}

// TestFetchLeavesABadFullAlone: one on the disk that is not what it claims to be is not
// built upon, and not removed.
func TestFetchLeavesABadFullAlone(t *testing.T) {
	f := newField(t, small)
	o := &plainOrigin{field: f}
	path := putArchive(t, f.target, f.full, zstdBytes(1000))
	got := f.fetch("--origin", o.start())
	if got.code != exitFalse || !strings.Contains(got.err.Error(), path+" is in the way, and not what it claims to be; remove it") {
		t.Errorf("exit %d: %v", got.code, got.err)
	}
	if b, err := os.ReadFile(path); err != nil || len(b) != 1000 {
		t.Errorf("it is not as it was: %v", err)
	}
}

// TestFetchWithoutRoom: a place that is no directory.
func TestFetchWithoutRoom(t *testing.T) {
	f := newField(t, small)
	writeFile(t, f.target, nil)
	got := f.fetch("--origin", (&plainOrigin{field: f}).start())
	if got.code != exitDisk || !strings.Contains(got.err.Error(), "another --snapshots") {
		t.Errorf("exit %d: %v", got.code, got.err)
	}
}

// TestFetchGoesOn after an interruption: of what is on the disk nothing is asked for
// again.
func TestFetchGoesOn(t *testing.T) {
	const chunk = 16 << 20
	f := newField(t, 2*chunk)
	content := f.content(f.full)
	if len(content) < chunk+chunk/2 {
		t.Fatalf("the archive has only %d bytes", len(content))
	}
	held := &plainOrigin{field: f, ranges: true}
	held.answer = func(w http.ResponseWriter, r *http.Request, name snapshot.Name) bool {
		if name.Kind != snapshot.Full || r.Header.Get("Range") == "bytes=0-0" {
			return false
		}
		w.Header().Set("ETag", `"`+name.Hash.String()+`"`)
		http.ServeContent(&stalling{w, r.Context(), chunk + 1000}, r, name.String(), time.Time{}, strings.NewReader(string(content)))
		return true
	}
	url := held.start()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // interrupts once a chunk is safe
		defer cancel()
		for ctx.Err() == nil {
			if left, err := fetch.Leftovers(f.target); err == nil && len(left) == 1 && left[0].Kept == chunk {
				return
			}
			<-time.After(10 * time.Millisecond)
		}
	}()
	got := f.fetchUntil(ctx, "--origin", url)
	if got.code != exitFailed || got.Error.Kind != "" {
		t.Fatalf("exit %d: %v", got.code, got.err)
	}
	held.answer = nil
	got = f.fetch("--origin", url)
	f.succeeds(got, f.full, f.incremental)
	if got.err == nil && (got.Full.Resumed != chunk || got.Full.Sources[0].Bytes != int64(len(content)-chunk)) {
		t.Errorf("of %d bytes %d were there, and %+v came", len(content), got.Full.Resumed, got.Full.Sources)
	}
}

// stalling sends so many bytes and then waits until the client has gone.
type stalling struct {
	http.ResponseWriter
	ctx  context.Context
	left int
}

func (s *stalling) Write(b []byte) (int, error) {
	n, err := s.ResponseWriter.Write(b[:min(len(b), s.left)])
	if s.left -= n; s.left == 0 && err == nil {
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		<-s.ctx.Done()
		err = s.ctx.Err()
	}
	return n, err
}

// TestFetchInTime: --timeout ends a source that goes on and on, and what came stays
// for the next time, if it can be gone on with.
func TestFetchInTime(t *testing.T) {
	f := newField(t, small)
	o := &plainOrigin{field: f, answer: func(w http.ResponseWriter, r *http.Request, name snapshot.Name) bool {
		if r.Header.Get("Range") == "bytes=0-0" {
			return false
		}
		content := f.content(name)
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content[:1000])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	}}
	got := f.fetch("--origin", o.start(), "--timeout", "2s")
	if got.code != exitTooSlow || got.Error.Kind != tooSlow {
		t.Errorf("exit %d: %v", got.code, got.err)
	}
	f.has()
}

// TestFetchWritesNowhereElse than into the directory it was given.
func TestFetchWritesNowhereElse(t *testing.T) {
	f := newField(t, small)
	f.succeeds(f.fetch("--origin", (&plainOrigin{field: f}).start()), f.full, f.incremental)
	around, err := os.ReadDir(filepath.Dir(f.target))
	if err != nil || len(around) != 1 {
		t.Errorf("%v, %v", around, err)
	}
}
