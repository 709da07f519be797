package api

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// download is an RPC handler that sends half, waits to be told, and sends the
// other half.
func download(half string, goOn <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, half)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-goOn:
			_, _ = io.WriteString(w, half)
		case <-r.Context().Done():
		}
	}
}

// endless is an RPC handler that sends for as long as somebody takes it.
func endless(w http.ResponseWriter, _ *http.Request) {
	for block := make([]byte, 1<<20); ; {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// refusesDials waits until nobody listens.
func refusesDials(t *testing.T, address string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		c.Close()
	}
	t.Fatal("still listening")
}

func TestDrainLetsDownloadsFinish(t *testing.T) {
	var book logbook
	goOn := make(chan struct{})
	r := start(t, func(c *Config) {
		c.Logger = book.at(slog.LevelInfo)
		c.RPC = download("half", goOn)
		c.Cut = func() { t.Error("downloads are cut that had the time to finish") }
	})
	c, idle := r.dial(), r.dial()
	idle.send("GET /livez HTTP/1.1\nHost: x\n\n")
	idle.receive("GET")
	c.send("GET /file HTTP/1.1\nHost: x\n\n")
	if _, err := c.in.Peek(1); err != nil {
		t.Fatal(err)
	}

	r.cancel()
	idle.receiveEnd()
	refusesDials(t, r.address())
	select {
	case err := <-r.ended:
		t.Fatalf("Run returned %v during a download", err)
	default:
	}
	close(goOn)
	if _, body := c.receive("GET"); body != "halfhalf" {
		t.Errorf("got %q", body)
	}
	c.receiveEnd()
	r.wait()
	goleak.VerifyNone(t)
	if log := book.String(); !strings.Contains(log, "msg=draining server=public requests=1") || !strings.Contains(log, "msg=drained server=public") {
		t.Errorf("logged:\n%s", log)
	}
}

func TestDrainCutsWhatIsStuck(t *testing.T) {
	var book logbook
	r := start(t, func(c *Config) {
		c.Logger = book.at(slog.LevelInfo)
		c.DrainTimeout = 50 * time.Millisecond
		c.RPC = http.HandlerFunc(endless)
	})
	var stuck []*rawClient
	for range 2 {
		c := r.dial()
		c.send("GET /file HTTP/1.1\nHost: x\n\n")
		if _, err := c.in.Peek(1); err != nil {
			t.Fatal(err)
		}
		stuck = append(stuck, c)
	}
	r.cancel()
	r.wait()
	goleak.VerifyNone(t)
	if log := book.String(); !strings.Contains(log, "transfers cut") || !strings.Contains(log, "transfers=2") {
		t.Errorf("logged:\n%s", log)
	}
	for _, c := range stuck {
		res, err := http.ReadResponse(c.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err == nil {
			t.Error("a download that was cut looks complete")
		}
	}
}

// TestDrainCutsBeforeItCloses: who knows the downloads ends them while their
// connections are still open, and so knows who ended them.
func TestDrainCutsBeforeItCloses(t *testing.T) {
	cut := make(chan struct{})
	r := start(t, func(c *Config) {
		c.DrainTimeout = 50 * time.Millisecond
		c.Cut = func() { close(cut) }
		c.RPC = download("half", cut)
	})
	c := r.dial()
	c.send("GET /file HTTP/1.1\nHost: x\n\n")
	if _, err := c.in.Peek(1); err != nil {
		t.Fatal(err)
	}
	r.cancel()
	if _, body := c.receive("GET"); body != "halfhalf" {
		t.Errorf("the handler was cut with its connection: got %q", body)
	}
	r.wait()
}

// TestDrainClosesWhatIgnoresTheCut: a second after.
func TestDrainClosesWhatIgnoresTheCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = time.Minute
		var cutAfter time.Duration
		var began time.Time
		s := newServer(t, func(c *Config) {
			c.DrainTimeout = timeout
			c.Cut = func() { cutAfter = time.Since(began) }
			c.RPC = download("half", nil)
		})
		l := newPipes(&s.endpoint.conns)
		served := make(chan error, 1)
		go func() { served <- s.endpoint.server.Serve(l) }()
		c := l.dial()
		defer c.Close()
		if _, err := io.WriteString(c, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1<<10)); err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		s.endpoint.shutDown()
		if cutAfter < timeout || cutAfter >= timeout+cutTime {
			t.Errorf("cut after %v, want %v", cutAfter, timeout)
		}
		if took := time.Since(began); took != cutAfter+cutTime {
			t.Errorf("closed after %v, want %v", took, cutAfter+cutTime)
		}
		none(t, &s.endpoint.requests)
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve returned %v", err)
		}
	})
}

// TestDrainDelay: until it is over the sockets are open, and new connections are
// told that the server is not ready.
func TestDrainDelay(t *testing.T) {
	const delay = 2 * time.Second // enough to ask on a busy machine
	r := start(t, func(c *Config) { c.DrainDelay = delay })
	ask := func(path string) (*http.Response, string) {
		c := r.dial()
		c.send("GET %s HTTP/1.1\nHost: x\nConnection: close\n\n", path)
		return c.receive("GET")
	}
	if res, body := ask("/readyz"); res.StatusCode != http.StatusOK {
		t.Fatalf("before the drain: status %d, %s", res.StatusCode, body)
	}
	began := time.Now()
	r.cancel()
	res, body := ask("/readyz")
	for res.StatusCode == http.StatusOK {
		res, body = ask("/readyz") // Run has not noticed yet
	}
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("during the delay: status %d", res.StatusCode)
	}
	checkDraining(t, res, body)
	if res, _ := ask("/v1/snapshots"); res.StatusCode != http.StatusOK {
		t.Errorf("during the delay the rest is answered with %d", res.StatusCode)
	}
	r.wait()
	if took := time.Since(began); took < delay {
		t.Errorf("ended after %v, want the delay of %v", took, delay)
	}
	refusesDials(t, r.address())
}

// TestDrainFailsReadinessFirst: for the delay a stopping server says that it is
// not ready, and answers everything else as ever.
func TestDrainFailsReadinessFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = time.Minute
		s := newServer(t, func(c *Config) { c.DrainDelay = delay })
		l := newPipes(&s.endpoint.conns)
		served := make(chan error, 1)
		go func() { served <- s.endpoint.server.Serve(l) }()
		ask := func(path string) (*http.Response, string) {
			c := &rawClient{Conn: l.dial(), t: t}
			defer c.Close()
			c.in = bufio.NewReader(c)
			c.send("GET %s HTTP/1.1\nHost: x\n\n", path)
			return c.receive("GET")
		}
		if res, body := ask("/readyz"); res.StatusCode != http.StatusOK || res.Close {
			t.Fatalf("before the drain: status %d, %s", res.StatusCode, body)
		}

		began := time.Now()
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			s.endpoint.shutDown()
		}()
		synctest.Wait()
		res, body := ask("/readyz")
		if res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("during the delay: status %d", res.StatusCode)
		}
		checkDraining(t, res, body)
		if res, _ := ask("/livez"); res.StatusCode != http.StatusOK {
			t.Errorf("during the delay the rest is answered with %d", res.StatusCode)
		}
		<-drained
		if took := time.Since(began); took < delay || took > delay+time.Second {
			t.Errorf("drained after %v, want %v", took, delay)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve returned %v", err)
		}
	})
}

// pipes is a listener inside the process, for synctest.
type pipes struct {
	conns  *tally
	queue  chan net.Conn
	closed chan struct{}
}

func newPipes(conns *tally) *pipes {
	return &pipes{conns: conns, queue: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.queue <- server
	return client
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.queue:
		p.conns.add()
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func checkDraining(t *testing.T, res *http.Response, body string) {
	t.Helper()
	var state readiness
	if err := json.Unmarshal([]byte(body), &state); err != nil {
		t.Fatal(err)
	}
	if state.Ready || !state.Draining || len(state.Reasons) != 1 || state.Reasons[0] != "draining" {
		t.Errorf("readiness is %+v", state)
	}
	if !res.Close {
		t.Error("a draining server keeps the connection")
	}
}
