package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestRemoteArchiveIsReadByRanges and asks for no more than is read.
func TestRemoteArchiveIsReadByRanges(t *testing.T) {
	content := zstdBytes(3*rangeStep + 5)
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/snapshot.tar.bz2" {
			http.Redirect(w, r, "/"+fullAt100.String(), http.StatusSeeOther)
			return
		}
		asked = append(asked, r.Header.Get("Range")+" "+r.Header.Get("If-Range"))
		w.Header().Set("Etag", `"one"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	defer server.Close()
	remote, err := openRemote(t.Context(), server.URL+"/snapshot.tar.bz2")
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	if remote.name() != fullAt100.String() || remote.size != int64(len(content)) {
		t.Errorf("%s has %d bytes", remote.name(), remote.size)
	}
	head := make([]byte, rangeStep+1)
	if _, err := io.ReadFull(remote, head); err != nil || !bytes.Equal(head, content[:len(head)]) {
		t.Fatalf("head differs: %v", err)
	}
	want := []string{fmt.Sprintf("bytes=0-%d ", rangeStep-1), fmt.Sprintf(`bytes=%d-%d "one"`, rangeStep, 2*rangeStep-1)}
	if strings.Join(asked, "|") != strings.Join(want, "|") {
		t.Errorf("asked for %q, want %q", asked, want)
	}
	rest, err := io.ReadAll(remote)
	if err != nil || !bytes.Equal(rest, content[len(head):]) || remote.fetched != int64(len(content)) {
		t.Errorf("rest of %d bytes, %d fetched: %v", len(rest), remote.fetched, err)
	}
}

// TestRemoteArchiveWithoutRanges is how Agave's server answers.
func TestRemoteArchiveWithoutRanges(t *testing.T) {
	content := zstdBytes(2*rangeStep + 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }))
	defer server.Close()
	remote, err := openRemote(t.Context(), server.URL+"/x")
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	if got, err := io.ReadAll(remote); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes: %v", len(got), err)
	}
}

// TestRemoteArchiveThatLies is refused with a reason, and never read for ever.
func TestRemoteArchiveThatLies(t *testing.T) {
	part := func(contentRange, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", contentRange)
			w.WriteHeader(http.StatusPartialContent)
			_, _ = io.WriteString(w, body)
			_ = http.NewResponseController(w).Flush() // no Content-Length
		}
	}
	var calls atomic.Int32
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"not found":       {http.NotFound, "404 Not Found"},
		"other range":     {part("bytes 5-9/100", "12345"), "from 5, want from 0"},
		"no range at all": {part("", "12345"), "Content-Range"},
		"backwards":       {part("bytes 0--1/100", ""), "Content-Range"},
		"beyond its end":  {part("bytes 0-100/100", "12345"), "Content-Range"},
		"nothing in it":   {part("bytes 0-9/100", ""), io.ErrNoProgress.Error()},
		"short":           {part("bytes 0-9/100", "12345"), "from 0, want from 5"},
		"whole after a part": {func(w http.ResponseWriter, r *http.Request) {
			if calls.Add(1) == 1 {
				part("bytes 0-4/100", "12345")(w, r)
			}
		}, "the file has changed"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			remote, err := openRemote(t.Context(), server.URL)
			if err == nil {
				defer remote.Close()
				_, err = io.Copy(io.Discard, io.LimitReader(remote, 1<<20))
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-4/5", "bytes */5", "bytes 0-4/*", "bytes 5-4/9", "", "bytes 0-9223372036854775807/9223372036854775807"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, size, err := parseContentRange(s)
		if err == nil && (first < 0 || size <= first) {
			t.Errorf("%q: from %d of %d", s, first, size)
		}
		if err != nil && errors.Is(err, io.EOF) {
			t.Error("an end of file out of nowhere")
		}
	})
}
