package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestConfigIsChecked(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(*Config)
		want string
	}{
		"no listener": {func(c *Config) { c.Listeners = nil }, "no listen address"},
		"TLS alone":   {func(c *Config) { c.TLSListeners = []string{"127.0.0.1:0"} }, "needs a certificate"},
		"no archives": {func(c *Config) { c.Archives = nil }, "required"},
		"no RPC":      {func(c *Config) { c.RPC = nil }, "required"},
		"no contract": {func(c *Config) { c.OpenAPI = nil }, "required"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Listeners: []string{"127.0.0.1:0"}, Archives: stocked(), RPC: http.NotFoundHandler(), OpenAPI: []byte("x")}
			tt.edit(&cfg)
			if _, err := NewServer(cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
}

func TestMiddlewareOrder(t *testing.T) {
	var order []string
	layer := func(name string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order = append(order, name)
				next.ServeHTTP(w, r)
			})
		}
	}
	s := newServer(t, func(c *Config) {
		c.Middleware = []func(http.Handler) http.Handler{layer("outer"), layer("inner")}
		c.Version = "1.2.3"
	})
	res, _ := get(t, s.Handler(), "GET", "/livez")
	if got := strings.Join(order, " "); got != "outer inner" {
		t.Errorf("middleware ran as %q", got)
	}
	if got := res.Header.Get("Server"); got != "solsnap/1.2.3" {
		t.Errorf("Server is %q", got)
	}
}

// TestConnectionsKeepTheirSocket: a wrapper that hid io.ReaderFrom from net/http would
// hide sendfile with it, and one that hid syscall.Conn the raw socket from the pacing.
func TestConnectionsKeepTheirSocket(t *testing.T) {
	seen := make(chan net.Conn, 1)
	writer := make(chan bool, 1)
	r := start(t, func(c *Config) {
		c.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
			seen <- conn
			return ctx
		}
		c.RPC = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, ok := w.(io.ReaderFrom)
			writer <- ok
		})
	})
	c := r.dial()
	c.send("GET /file HTTP/1.1\nHost: x\n\n")
	c.receive("GET")
	if conn := <-seen; !hasSocket(conn) {
		t.Errorf("the connection is a %T, which hides the socket", conn)
	}
	if !<-writer {
		t.Error("the ResponseWriter has no ReadFrom")
	}
}

func hasSocket(c net.Conn) bool {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_, reads := c.(io.ReaderFrom)
	_, raw := c.(syscall.Conn)
	return reads && raw
}

// TestAnswerThatNobodyReads: a client that asks for much and reads nothing is
// let go of, with the handler that writes to it.
func TestAnswerThatNobodyReads(t *testing.T) {
	began := make(chan struct{})
	r := start(t, func(c *Config) {
		c.WriteTimeout = 100 * time.Millisecond
		c.RPC = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(began)
			_, _ = w.Write(make([]byte, 64<<20))
		})
	})
	r.dial().send("POST / HTTP/1.1\nHost: x\nContent-Length: 0\n\n")
	<-began
	none(t, &r.endpoint.conns)
	none(t, &r.endpoint.requests)
}

// TestConnectAndClose: gossip clients probe us so, before they believe that the
// port is open.
func TestConnectAndClose(t *testing.T) {
	var book logbook
	r := start(t, func(c *Config) { c.Logger = book.at(slog.LevelInfo) })
	before := book.String()
	for range 20 {
		r.dial().Close()
	}
	hangUp := r.dial()
	hangUp.send("GET / HT")
	hangUp.Close()
	garbage := r.dial()
	garbage.send("\x16\x03\x01 this is no HTTP\n\n")
	garbage.receive("GET")
	garbage.Close()
	last := r.dial()
	last.send("GET /livez HTTP/1.1\nHost: x\nConnection: close\n\n")
	last.receive("GET")
	none(t, &r.endpoint.conns)
	if logged := strings.TrimPrefix(book.String(), before); strings.Contains(logged, "level=") && !onlyListening(logged) {
		t.Errorf("logged:\n%s", logged)
	}
}

func onlyListening(log string) bool {
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "msg=listening") {
			return false
		}
	}
	return true
}

func TestKeepAlive(t *testing.T) {
	r := start(t, nil)
	c := r.dial()
	for _, method := range []string{"HEAD", "GET", "HEAD", "GET"} {
		c.send("%s /v1/snapshots HTTP/1.1\nHost: x\n\n", method)
		res, body := c.receive(method)
		if res.StatusCode != http.StatusOK || res.ContentLength <= 0 || (body == "") != (method == "HEAD") {
			t.Errorf("%s: status %d, length %d, body of %d", method, res.StatusCode, res.ContentLength, len(body))
		}
	}
	c.send("GET /livez HTTP/1.1\nHost: x\nConnection: close\n\n")
	if res, _ := c.receive("GET"); !res.Close {
		t.Error("Connection: close is not honoured")
	}
	c.receiveEnd()
}

func TestPipelining(t *testing.T) {
	c := start(t, nil).dial()
	c.send("GET /livez HTTP/1.1\nHost: x\n\nHEAD /v1/snapshots HTTP/1.1\nHost: x\n\nPOST /any HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}")
	if _, body := c.receive("GET"); body != `{"status":"ok"}`+"\n" {
		t.Errorf("first: %q", body)
	}
	if res, _ := c.receive("HEAD"); res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("second: %v", res.Header)
	}
	if _, body := c.receive("POST"); body != "rpc POST /any" {
		t.Errorf("third: %q", body)
	}
}

// TestOddTargets: net/http answers none of these by itself.
func TestOddTargets(t *testing.T) {
	c := start(t, nil).dial()
	for request, want := range map[string]string{
		"OPTIONS *":                   "rpc OPTIONS *",
		"GET http://elsewhere/other":  "rpc GET /other",
		"GET http://elsewhere//livez": "rpc GET //livez",
	} {
		c.send("%s HTTP/1.1\nHost: x\n\n", request)
		if _, body := c.receive("GET"); body != want {
			t.Errorf("%s: %q, want %q", request, body, want)
		}
	}
}

func TestSlowHeadIsCut(t *testing.T) {
	r := start(t, func(c *Config) { c.ReadHeaderTimeout = 50 * time.Millisecond })
	silent, slow, second := r.dial(), r.dial(), r.dial()
	slow.send("GET /livez HTTP/1.1\nX-Slow: ")
	second.send("GET /livez HTTP/1.1\nHost: x\n\n")
	second.receive("GET")
	second.send("GET /livez HTT")
	silent.receiveEnd()
	for name, c := range map[string]*rawClient{"head": slow, "second request line": second} {
		// net/http calls a head that was cut a bad request, or says nothing.
		rest, err := io.ReadAll(c.in)
		if err != nil || len(rest) > 0 && !bytes.HasPrefix(rest, []byte("HTTP/1.1 400 ")) {
			t.Errorf("%s: got %q, error %v; want the end of the connection", name, rest, err)
		}
	}
	none(t, &r.endpoint.conns)
}

// TestSlowHeadsGiveTheirPlacesBack: clients that have taken every place and send
// their heads for ever are cut, and others are let in.
func TestSlowHeadsGiveTheirPlacesBack(t *testing.T) {
	const places = 20
	r := start(t, func(c *Config) { c.MaxConnections, c.ReadHeaderTimeout = places, 500*time.Millisecond })
	slow := make([]*rawClient, places)
	for i := range slow {
		slow[i] = r.dial()
		slow[i].send("GET /livez HTTP/1.1\nX-Slow: ")
	}
	for i, c := range slow {
		if _, err := io.Copy(io.Discard, c.in); err != nil {
			t.Fatalf("slow head %d is not cut: %v", i, err)
		}
	}
	none(t, &r.endpoint.conns)
	c := r.dial()
	c.send("GET /livez HTTP/1.1\nHost: x\n\n")
	if res, _ := c.receive("GET"); res.StatusCode != http.StatusOK {
		t.Errorf("after the slow ones: status %d", res.StatusCode)
	}
	if got := r.endpoint.accepted.Load(); got != places+1 {
		t.Errorf("%d connections were let in, want %d", got, places+1)
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	r := start(t, func(c *Config) { c.IdleTimeout = 50 * time.Millisecond })
	c := r.dial()
	c.send("GET /livez HTTP/1.1\nHost: x\n\n")
	c.receive("GET")
	c.receiveEnd()
}

// TestSlowBodyIsNotCut: no timeout of the server covers a request as a whole.
func TestSlowBodyIsNotCut(t *testing.T) {
	const step = 60 * time.Millisecond
	r := start(t, func(c *Config) {
		c.ReadHeaderTimeout, c.IdleTimeout = step/2, step/2
		c.RPC = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for range 3 {
				_, _ = io.WriteString(w, "more ")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(step):
				case <-r.Context().Done():
					t.Error("the request was cancelled")
				}
			}
		})
	})
	c := r.dial()
	c.send("GET /file HTTP/1.1\nHost: x\n\n")
	if _, body := c.receive("GET"); body != "more more more " {
		t.Errorf("got %q", body)
	}
}

// TestLargeHeadIsRefused: the limit is the limit, though net/http reads on beyond
// its own.
func TestLargeHeadIsRefused(t *testing.T) {
	const limit = 8 << 10
	r := start(t, func(c *Config) { c.MaxHeaderBytes = limit })
	for size, want := range map[int]int{limit - 200: http.StatusOK, limit + 200: http.StatusRequestHeaderFieldsTooLarge} {
		c := r.dial()
		c.send("GET /livez HTTP/1.1\nHost: x\nX-Large: %s\n\n", strings.Repeat("x", size))
		if res, _ := c.receive("GET"); res.StatusCode != want {
			t.Errorf("head of some %d bytes: status %d, want %d", size, res.StatusCode, want)
		}
	}
}

// TestRunCancelled: a server that listened and then was not to run lets go of
// its port.
func TestRunCancelled(t *testing.T) {
	s := newServer(t, nil)
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Errorf("Run returned %v", err)
	}
	l, err := net.Listen("tcp4", s.Addrs()[0].String())
	if err != nil {
		t.Fatalf("the port is still taken: %v", err)
	}
	l.Close()
	goleak.VerifyNone(t)
}

func TestRunTellsOfAFailedSocket(t *testing.T) {
	s := newServer(t, func(c *Config) { c.Listeners = []string{"127.0.0.1:0", "127.0.0.1:0"} })
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.endpoint.doors[1].Close()
	if err := s.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run returned %v, want %v", err, net.ErrClosed)
	}
	goleak.VerifyNone(t)
}
