package api

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// inTurns is a server of one file, where only one sendfile(2) may run at once.
func inTurns(t *testing.T, size int) (*running, []byte) {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, func(c *Config) {
		c.RPC = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			file, err := os.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer file.Close()
			http.ServeContent(w, r, "", time.Time{}, file)
		})
	})
	s.endpoint.turns = make(turns, 1)
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	return runBound(t, s), content
}

// TestStalledDownloadKeepsNobodyWaiting: who reads nothing holds no turn, though his
// file is far from sent.
func TestStalledDownloadKeepsNobodyWaiting(t *testing.T) {
	r, content := inTurns(t, 16<<20)
	for range 3 {
		stalled := r.dial()
		if err := stalled.Conn.(*net.TCPConn).SetReadBuffer(16 << 10); err != nil {
			t.Fatal(err)
		}
		stalled.send("GET /file HTTP/1.1\nHost: x\n\n")
		if _, err := stalled.in.ReadByte(); err != nil {
			t.Fatal(err)
		}
	}
	c := r.dial()
	for _, tt := range []struct {
		ranges string
		want   []byte
	}{
		{"bytes=0-", content},
		{"bytes=70000-12000000", content[70000:12000001]},
		{"bytes=-1", content[len(content)-1:]},
	} {
		c.send("GET /file HTTP/1.1\nHost: x\nRange: %s\n\n", tt.ranges)
		if res, body := c.receive("GET"); res.StatusCode != http.StatusPartialContent || !bytes.Equal([]byte(body), tt.want) {
			t.Errorf("%s: status %d, %d bytes that differ from the file's", tt.ranges, res.StatusCode, len(body))
		}
	}
}

// TestDownloadThatEndsGivesItsTurnBack: a client that goes away in the middle.
func TestDownloadThatEndsGivesItsTurnBack(t *testing.T) {
	r, content := inTurns(t, 16<<20)
	for range 3 {
		gone := r.dial()
		gone.send("GET /file HTTP/1.1\nHost: x\n\n")
		if _, err := gone.in.ReadByte(); err != nil {
			t.Fatal(err)
		}
		gone.Close()
	}
	c := r.dial()
	c.send("GET /file HTTP/1.1\nHost: x\n\n")
	if _, body := c.receive("GET"); !bytes.Equal([]byte(body), content) {
		t.Errorf("%d bytes that differ from the file's", len(body))
	}
}

// TestFileThatShrinks: sendfile(2) says 0 where the file ends before its time, which
// must not be asked for ever.
func TestFileThatShrinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *Config) {
		c.RPC = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			file, err := os.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer file.Close()
			w.Header().Set("Content-Length", "100000")
			_, _ = io.CopyN(w, file, 100_000)
		})
	})
	c := r.dial()
	c.send("GET /file HTTP/1.1\nHost: x\n\n")
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(res.Body); err == nil || got.Len() > 1000 {
		t.Errorf("got %d bytes and %v, want the 1,000 there are, and an early end", got.Len(), err)
	}
}
