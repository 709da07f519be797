package fetch

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"solsnap/snapshot"
)

// TestSample: size and first bytes, of servers with ranges and without, and why
// there is nothing.
func TestSample(t *testing.T) {
	content := random(3<<20, 1)
	for name, tt := range map[string]struct {
		server *server
		want   error
		text   string
	}{
		"ranges":          {server: &server{content: content}},
		"no ranges":       {server: &server{content: content, noRange: true}},
		"not there":       {server: answering(http.StatusNotFound), want: fs.ErrNotExist},
		"busy":            {server: answering(http.StatusServiceUnavailable), text: "answered 503"},
		"another archive": {server: redirecting("/snapshot-99-" + testName.Hash.String() + ".tar.zst"), want: ErrName},
		"in a loop":       {server: redirecting("/" + testName.String()), text: "redirected more than"},
	} {
		t.Run(name, func(t *testing.T) {
			transport := NewTransport()
			t.Cleanup(transport.CloseIdleConnections)
			s, err := Sample(t.Context(), transport, tt.server.start(t), testName, 1<<20, time.Minute)
			if tt.want == nil && tt.text == "" {
				if err != nil || s.Size != int64(len(content)) || s.Read != 1<<20 || s.Took <= 0 {
					t.Errorf("%+v, %v", s, err)
				}
				return
			}
			if tt.want != nil && !errors.Is(err, tt.want) || tt.text != "" && (err == nil || !strings.Contains(err.Error(), tt.text)) {
				t.Errorf("%v, want %v %s", err, tt.want, tt.text)
			}
		})
	}
}

func answering(status int) *server {
	return &server{answer: func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(status)
		return true
	}}
}

func redirecting(to string) *server {
	return &server{answer: func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return true
	}}
}

// TestSampleOfASlowSource ends in time, and says how much came.
func TestSampleOfASlowSource(t *testing.T) {
	drip := &server{content: random(1<<20, 1), answer: func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", "1048576")
		_, _ = w.Write(make([]byte, 1000))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	}}
	transport := NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	s, err := Sample(t.Context(), transport, drip.start(t), testName, 1<<20, 200*time.Millisecond)
	if err != nil || s.Read != 1000 || s.Took < 200*time.Millisecond {
		t.Errorf("%+v, %v", s, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Sample(ctx, transport, drip.start(t), testName, 1<<20, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestLeftovers are told with what can be gone on with.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	stops := &server{content: random(3*pieceSize, 1)}
	stops.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") == formatRange(0, 1) {
			return false
		}
		stops.answer = nil
		w.Header().Set("ETag", tagOf(stops.content))
		w.Header().Set("Content-Range", "bytes 0-50331647/50331648")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(stops.content[:pieceSize+100])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d, err := New(Config{Dir: dir, Name: testName, Sources: []string{stops.start(t)}, StallTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for d.Progress().Good < pieceSize {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Millisecond):
			}
		}
		cancel()
	}()
	if _, err := d.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	writeTestFile(t, filepath.Join(dir, ".x.partial"))
	writeTestFile(t, filepath.Join(dir, testName.String()+".partial"))
	other := snapshot.Name{Slot: 7, Hash: snapshot.Hash{1}}
	writeTestFile(t, PartialPath(dir, other))
	all, err := Leftovers(dir)
	want := []Leftover{{Name: testName, Kept: pieceSize}, {Name: other}}
	if err != nil || len(all) != 2 || all[0] != want[0] || all[1] != want[1] {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := Leftovers(filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func writeTestFile(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}
