package api

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestBodyThatNeverComes: net/http waits for an announced body before it writes
// the head, whatever the handler does.
func TestBodyThatNeverComes(t *testing.T) {
	r := start(t, func(c *Config) { c.BodyTimeout = 50 * time.Millisecond })
	for _, request := range []string{"GET /livez", "HEAD /livez", "OPTIONS /livez", "GET /v1/snapshots", "POST /livez", "POST /any", "GET /any"} {
		for _, announcement := range []string{"Content-Length: 10", "Transfer-Encoding: chunked", "Content-Length: 10\nExpect: 100-continue"} {
			c := r.dial()
			c.send("%s HTTP/1.1\nHost: x\n%s\n\n", request, announcement)
			method, _, _ := strings.Cut(request, " ")
			if res, _ := c.receive(method); !res.Close {
				t.Errorf("%s, %s: the connection stays", request, announcement)
			}
			c.receiveEnd()
		}
	}
	none(t, &r.endpoint.conns)
	none(t, &r.endpoint.requests)
}

// TestBodyThatNobodyReads: where no handler reads bodies the answer does not
// wait for them.
func TestBodyThatNobodyReads(t *testing.T) {
	r := start(t, func(c *Config) { c.BodyTimeout = 2 * patience })
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		c := r.dial()
		c.send("%s /livez HTTP/1.1\nHost: x\nContent-Length: 10\n\n", method)
		c.receive(method)
		c.Close()
	}
}

// TestSlowBodyIsCut: a client that sends a byte now and then does not hold the
// handler that reads them.
func TestSlowBodyIsCut(t *testing.T) {
	read := make(chan error, 1)
	r := start(t, func(c *Config) {
		c.BodyTimeout = 100 * time.Millisecond
		c.RPC = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			read <- err
		})
	})
	c := r.dial()
	c.send("POST / HTTP/1.1\nHost: x\nContent-Length: 1000000\n\n")
	drip := time.NewTicker(10 * time.Millisecond)
	defer drip.Stop()
	for end := time.After(patience); ; {
		select {
		case <-drip.C:
			_, _ = io.WriteString(c, "x")
			continue
		case <-end:
			t.Fatal("the body is still being read")
		case err := <-read:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the handler read %v, want %v", err, os.ErrDeadlineExceeded)
			}
		}
		break
	}
	c.Close()
	none(t, &r.endpoint.conns)
}

// TestBodyThatHasCome: the timeout is the body's, and not that of a long answer
// to it, nor of the next request.
func TestBodyThatHasCome(t *testing.T) {
	const timeout, step = 50 * time.Millisecond, 40 * time.Millisecond
	r := start(t, func(c *Config) {
		c.BodyTimeout = timeout
		c.RPC = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/read" {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			for range 3 {
				_, _ = io.WriteString(w, "more ")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(step):
				case <-r.Context().Done():
					t.Error("the request was cancelled")
					return
				}
			}
		})
	})
	for _, request := range []string{"GET /leave", "GET /read", "POST /leave", "POST /read"} {
		c := r.dial()
		c.send("%s HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}", request)
		res, body := c.receive("GET")
		if body != "more more more " {
			t.Errorf("%s: got %q", request, body)
		}
		if res.Close {
			continue
		}
		c.send("GET /livez HTTP/1.1\nHost: x\n\n")
		if res, _ := c.receive("GET"); res.StatusCode != http.StatusOK {
			t.Errorf("after %s: status %d", request, res.StatusCode)
		}
	}
}

// deadlines is a ResponseWriter that counts them.
type deadlines struct {
	recorder
	set int
}

func (w *deadlines) SetReadDeadline(time.Time) error {
	w.set++
	return nil
}

// TestOnlyBodiesAreBounded: a request without a body costs no system call and
// no connection, and HTTP/2 keeps its connection in any case.
func TestOnlyBodiesAreBounded(t *testing.T) {
	e := newServer(t, nil).endpoint
	for name, tt := range map[string]struct {
		method     string
		length     int64
		protocol   int
		set        int
		connection string
	}{
		"GET":                   {"GET", 0, 1, 0, ""},
		"POST of nothing":       {"POST", 0, 1, 0, ""},
		"GET with a body":       {"GET", 10, 1, 1, "close"},
		"chunked":               {"GET", -1, 1, 1, "close"},
		"POST":                  {"POST", 10, 1, 1, ""},
		"HTTP/2 with a body":    {"GET", 10, 2, 1, ""},
		"HTTP/2 without bodies": {"GET", 0, 2, 0, ""},
	} {
		w := &deadlines{recorder: recorder{header: http.Header{}}}
		e.boundBody(w, &http.Request{Method: tt.method, ContentLength: tt.length, ProtoMajor: tt.protocol})
		if got := w.header.Get("Connection"); w.set != tt.set || got != tt.connection {
			t.Errorf("%s: %d deadlines, Connection %q; want %d, %q", name, w.set, got, tt.set, tt.connection)
		}
	}
}
