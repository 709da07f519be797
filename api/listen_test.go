package api

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestListenOnBothFamiliesOfOnePort(t *testing.T) {
	six, err := listen(t.Context(), "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	_, port, _ := net.SplitHostPort(six.Addr().String())
	six.Close()

	s := newServer(t, func(c *Config) {
		c.Listeners = []string{net.JoinHostPort("::", port), net.JoinHostPort("0.0.0.0", port)}
	})
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := runBound(t, s)
	for i, dial := range []string{"tcp6", "tcp4"} {
		c, err := net.Dial(dial, net.JoinHostPort([]string{"::1", "127.0.0.1"}[i], port))
		if err != nil {
			t.Errorf("dial %s: %v", dial, err)
			continue
		}
		c.Close()
	}
	r.cancel()
	r.wait()
}

func TestListenTellsWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, tt := range map[string]struct{ address, want string }{
		"taken":        {taken.Addr().String(), "listen on " + taken.Addr().String()},
		"taken, next":  {taken.Addr().String(), "another program, or another of our own listen addresses, has this port: choose another"},
		"not ours":     {"192.0.2.1:0", "choose one that `ip address` shows"},
		"no port":      {"127.0.0.1", `"127.0.0.1" is not HOST:PORT`},
		"bare IPv6":    {"::1:8899", "in brackets"},
		"not a number": {"127.0.0.1:http!", "127.0.0.1:http!"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := listen(t.Context(), tt.address)
			if err == nil {
				l.Close()
				t.Fatalf("listening on %s", tt.address)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want it to say %q", err, tt.want)
			}
		})
	}
}

// TestListenAllOrNone: what a failed Listen has bound it lets go.
func TestListenAllOrNone(t *testing.T) {
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()

	s := newServer(t, func(c *Config) { c.Listeners = []string{address, "no address"} })
	if err := s.Listen(t.Context()); err == nil {
		t.Fatal("no error for an address that is none")
	}
	if got := s.Addrs(); len(got) != 0 {
		t.Errorf("bound to %v after a failed Listen", got)
	}
	again, err := net.Listen("tcp4", address)
	if err != nil {
		t.Fatalf("the first address is still taken: %v", err)
	}
	again.Close()
}

func TestNetworkOf(t *testing.T) {
	for address, want := range map[string]string{
		"0.0.0.0:8899":            "tcp4",
		"127.0.0.1:0":             "tcp4",
		":8899":                   "tcp4",
		"localhost:8899":          "tcp4",
		"[::]:8899":               "tcp6",
		"[fe80::1%eth0]:8899":     "tcp6",
		"[::ffff:127.0.0.1]:8899": "tcp4",
	} {
		if got, err := networkOf(address); got != want || err != nil {
			t.Errorf("networkOf(%q) is %q, %v; want %q", address, got, err, want)
		}
	}
}

// TestListenOverOneself: two of our own addresses may be one.
func TestListenOverOneself(t *testing.T) {
	first := newServer(t, nil)
	if err := first.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, port, _ := net.SplitHostPort(first.Addrs()[0].String())
	second := newServer(t, func(c *Config) { c.Listeners = []string{net.JoinHostPort("0.0.0.0", port)} })
	if err := second.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "another of our own listen addresses") {
		t.Errorf("got %v, want an error that does not blame another program alone", err)
	}
}

// TestClose: what was bound and is not to run lets go of its ports.
func TestClose(t *testing.T) {
	s := newServer(t, func(c *Config) { c.Listeners = []string{"127.0.0.1:0", "127.0.0.1:0"} })
	a := newAdmin(t, nil)
	for name, server := range map[string]interface {
		Listen(context.Context) error
		Addrs() []net.Addr
		Close() error
	}{"public": s, "admin": a} {
		if err := server.Close(); err != nil {
			t.Errorf("%s: close before listening: %v", name, err)
		}
		if err := server.Listen(t.Context()); err != nil {
			t.Fatal(err)
		}
		addrs := server.Addrs()
		for range 2 {
			if err := server.Close(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, a := range addrs {
			l, err := net.Listen("tcp4", a.String())
			if err != nil {
				t.Fatalf("%s: the port is still taken: %v", name, err)
			}
			l.Close()
		}
	}
}

// TestCloseSparesARunningServer: whoever closes on every way out may do so.
func TestCloseSparesARunningServer(t *testing.T) {
	r := start(t, nil)
	c := r.dial()
	c.send("GET /livez HTTP/1.1\nHost: x\n\n")
	c.receive("GET")
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	c = r.dial()
	c.send("GET /livez HTTP/1.1\nHost: x\n\n")
	if res, _ := c.receive("GET"); res.StatusCode != http.StatusOK {
		t.Errorf("status %d after Close", res.StatusCode)
	}
	r.cancel()
	r.wait()
	if err := r.Close(); err != nil {
		t.Errorf("close after the end: %v", err)
	}
}
