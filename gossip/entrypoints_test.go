package gossip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseEntrypoint(t *testing.T) {
	for text, refusal := range map[string]string{
		"entrypoint.mainnet-beta.solana.com:8001": "",
		"192.0.2.1:8001":        "",
		"localhost:1":           "",
		"localhost:65535":       "",
		"localhost":             "is not HOST:PORT such as entrypoint.mainnet-beta.solana.com:8001",
		"":                      "is not HOST:PORT",
		":8001":                 "is not HOST:PORT",
		"localhost:":            "is not HOST:PORT",
		"a:b:c":                 "is not HOST:PORT",
		"localhost:0":           `has the port "0", want 1 to 65535`,
		"localhost:65536":       `has the port "65536", want 1 to 65535`,
		"localhost:-1":          `has the port "-1", want 1 to 65535`,
		"localhost:gossip":      `has the port "gossip", want 1 to 65535`,
		"[::1]:8001":            "has an IPv6 address, want IPv4",
		"::1":                   "is not HOST:PORT",
		"http://localhost:8899": "is a URL or a path, want HOST:PORT",
		"localhost:8001/":       "is a URL or a path",
	} {
		t.Run(text, func(t *testing.T) {
			point, err := parseEntrypoint(text)
			if refusal != "" {
				says(t, err, fmt.Sprintf("entrypoint %q", text), refusal)
				return
			}
			same(t, "error", err, nil)
			same(t, "name", point.String(), text)
		})
	}
	_, err := newEntrypoints([]string{"localhost:8001", "localhost"}, nil)
	says(t, err, `entrypoint "localhost"`)
}

func TestEntrypointSaysWhereItIs(t *testing.T) {
	point, _ := parseEntrypoint("localhost:8001")
	point.addr = at("127.0.0.1:8001")
	same(t, "text", point.String(), "localhost:8001 (127.0.0.1:8001)")
	point, _ = parseEntrypoint("127.0.0.1:8001")
	point.addr = at("127.0.0.1:8001")
	same(t, "text", point.String(), "127.0.0.1:8001")
}

// book is a resolver.
type book map[string][]netip.Addr

func (b book) lookup(_ context.Context, network, host string) ([]netip.Addr, error) {
	if network != "ip4" {
		return nil, errors.New("only IPv4 is of use")
	}
	if ips, ok := b[host]; ok {
		return ips, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// pointsIn are entrypoints that are looked up in a book.
func pointsIn(t *testing.T, b book, names ...string) *entrypoints {
	t.Helper()
	e, err := newEntrypoints(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.lookup = b.lookup
	return e
}

func TestResolve(t *testing.T) {
	b := book{"one": {ip("192.0.2.1"), ip("::ffff:192.0.2.2")}, "two": {ip("192.0.2.2")}}
	e := pointsIn(t, b, "one:8001", "none:8001", "two:8001", "two:8002")
	same(t, "addresses at first", len(e.addrs()), 0)
	same(t, "error", e.resolve(t.Context()), nil)
	same(t, "addresses", fmt.Sprint(e.addrs()), "[192.0.2.1:8001 192.0.2.2:8001 192.0.2.2:8002]")

	b["two"] = []netip.Addr{ip("192.0.2.3")}
	delete(b, "one")
	same(t, "error", e.resolve(t.Context()), nil)
	same(t, "addresses later", fmt.Sprint(e.addrs()), "[192.0.2.1:8001 192.0.2.2:8001 192.0.2.3:8001 192.0.2.3:8002]")
}

func TestResolveNothing(t *testing.T) {
	e := pointsIn(t, nil, "one:8001", "two:8001")
	says(t, e.resolve(t.Context()), "resolve entrypoint one:8001 to IPv4: lookup one: no such host; ", "entrypoint two:8001")
	same(t, "error without names", pointsIn(t, nil).resolve(t.Context()), nil)
}

// TestResolveReally asks the resolver of the machine for what it knows by heart.
func TestResolveReally(t *testing.T) {
	e, err := newEntrypoints([]string{"127.0.0.1:8001"}, nil)
	same(t, "error", err, nil)
	same(t, "error", e.resolve(t.Context()), nil)
	same(t, "addresses", fmt.Sprint(e.addrs()), "[127.0.0.1:8001]")
}

// TestResolveDoesNotWait for a resolver that is stuck.
func TestResolveDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := pointsIn(t, nil, "one:8001", "two:8001", "three:8001")
		e.lookup = func(ctx context.Context, _, host string) ([]netip.Addr, error) {
			if host == "two" {
				return []netip.Addr{ip("192.0.2.2")}, nil
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
		begun := time.Now()
		same(t, "error", e.resolve(t.Context()), nil)
		same(t, "time", time.Since(begun), 5*time.Second)
		same(t, "addresses", len(e.addrs()), 1)
	})
}

// TestEntrypointsAreResolvedAgain every five minutes or so, whether it works or
// not.
func TestEntrypointsAreResolvedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lookups atomic.Int64
		var log bytes.Buffer
		e, err := newEntrypoints([]string{"one:8001"}, slog.New(slog.NewTextHandler(&log, nil)))
		same(t, "error", err, nil)
		e.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
			if n := lookups.Add(1); n%2 == 0 {
				return []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})}, nil
			}
			return nil, errors.New("no network")
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- e.Run(ctx) }()
		pause(ctx, 12*time.Minute)
		same(t, "lookups", lookups.Load(), 2)
		same(t, "addresses", fmt.Sprint(e.addrs()), "[192.0.2.2:8001]")
		cancel()
		same(t, "error", <-ended, nil)
		same(t, "warnings", strings.Count(log.String(), `level=WARN msg="entrypoints cannot be resolved"`), 1)
	})
}

func TestNoEntrypoints(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	same(t, "error", pointsIn(t, nil).Run(ctx), nil)
}
