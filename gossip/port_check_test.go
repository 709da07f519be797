package gossip

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"

	"solsnap/gossip/wire"
)

// fakeWorld is an entrypoint and the way from it to this node.
type fakeWorld struct {
	probes   bool          // the entrypoint tries ports
	open     map[port]bool // not filtered
	lost     int           // UDP probes that get lost first
	arrivals *arrivals
	asked    int
	down     bool
	refuse   int // questions not answered, first
}

var errBusy = errors.New("busy")

func (w *fakeWorld) ask(_ context.Context, _ netip.AddrPort, _ netip.Addr, ports wire.IPEchoRequest) (wire.IPEchoResponse, error) {
	w.asked++
	response := wire.IPEchoResponse{Addr: ip("203.0.113.7"), ShredVersion: 50093}
	switch {
	case w.down:
		return wire.IPEchoResponse{}, io.EOF
	case !w.probes:
		return response, nil
	case w.refuse > 0 && ports != wire.IPEchoRequest{}:
		w.refuse--
		return wire.IPEchoResponse{}, errBusy
	}
	for _, number := range ports.UDPPorts {
		if p := (port{"udp", number}); w.open[p] && w.lost == 0 {
			w.arrivals.arrived(p)
		} else if w.open[p] {
			w.lost--
		}
	}
	for _, number := range ports.TCPPorts {
		if number == 0 {
			continue
		}
		if p := (port{"tcp", number}); !w.open[p] {
			return wire.IPEchoResponse{}, io.EOF
		} else if number == 8001 {
			w.arrivals.arrived(p)
		}
	}
	return response, nil
}

func TestPortCheck(t *testing.T) {
	udp, echo, rpc := port{"udp", 8001}, port{"tcp", 8001}, port{"tcp", 8899}
	all := map[port]bool{udp: true, echo: true, rpc: true}
	without := func(closed ...port) map[port]bool {
		open := maps.Clone(all)
		for _, p := range closed {
			delete(open, p)
		}
		return open
	}
	for name, tt := range map[string]struct {
		world fakeWorld
		want  map[port]reachability
	}{
		"all open":           {fakeWorld{probes: true, open: all}, map[port]reachability{udp: reachable, echo: reachable, rpc: reachable}},
		"all closed":         {fakeWorld{probes: true}, map[port]reachability{udp: unreachable, echo: unreachable, rpc: unreachable}},
		"UDP closed":         {fakeWorld{probes: true, open: without(udp)}, map[port]reachability{udp: unreachable, echo: reachable, rpc: reachable}},
		"RPC closed":         {fakeWorld{probes: true, open: without(rpc)}, map[port]reachability{udp: reachable, echo: reachable, rpc: unreachable}},
		"IP echo closed":     {fakeWorld{probes: true, open: without(echo)}, map[port]reachability{udp: reachable, echo: unreachable, rpc: reachable}},
		"4 datagrams lost":   {fakeWorld{probes: true, open: all, lost: 4}, map[port]reachability{udp: reachable, echo: reachable, rpc: reachable}},
		"5 datagrams lost":   {fakeWorld{probes: true, open: all, lost: 5}, map[port]reachability{udp: unreachable, echo: reachable, rpc: reachable}},
		"busy once":          {fakeWorld{probes: true, open: all, refuse: 1}, map[port]reachability{udp: reachable, echo: reachable, rpc: reachable}},
		"Firedancer answers": {fakeWorld{open: all}, map[port]reachability{udp: reachUnknown, echo: reachUnknown, rpc: reachUnknown}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				world := tt.world
				world.arrivals = new(arrivals)
				check := portCheck{ask: world.ask, arrivals: world.arrivals, echo: 8001, tcp: []uint16{8899}, udp: []uint16{8001}}
				got, err := check.run(t.Context())
				same(t, "error", err, nil)
				if !maps.Equal(got, tt.want) {
					t.Errorf("found %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// TestPortCheckOfAnEntrypointThatIsDown says nothing about ports.
func TestPortCheckOfAnEntrypointThatIsDown(t *testing.T) {
	world := fakeWorld{down: true}
	check := portCheck{ask: world.ask, arrivals: new(arrivals), echo: 8001}
	got, err := check.run(t.Context())
	same(t, "error", errors.Is(err, io.EOF), true)
	same(t, "ports", len(got), 0)
	same(t, "questions", world.asked, 1)
}

func TestPortCheckIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	world := fakeWorld{probes: true, arrivals: new(arrivals)}
	check := portCheck{ask: world.ask, arrivals: world.arrivals, echo: 8001, tcp: []uint16{8899}, udp: []uint16{8001}}
	found, err := check.run(ctx)
	same(t, "error", errors.Is(err, context.Canceled), true)
	for p, r := range found {
		same(t, p.String(), r.String(), "unknown")
	}
}

// TestPortCheckByOurOwnEntrypoint over real sockets: the port of IP echo, one that
// is open, one that is closed, and a UDP port.
func TestPortCheckByOurOwnEntrypoint(t *testing.T) {
	theirs := echoAt(t, knows(50093))
	seen := new(arrivals)
	listener, socket, closed := listenTCP(t), listenUDP(t), listenTCP(t)
	closed.Close()
	echo := port{"tcp", portOf(listener.Addr()).Port()}
	udp := port{"udp", portOf(socket.LocalAddr()).Port()}
	ours := knows(0)
	ours.connected = func(netip.Addr) { seen.arrived(echo) }
	serveEcho(t, ours, listener)
	go func() {
		for b := make([]byte, 10); ; {
			n, err := socket.Read(b)
			if err != nil {
				return
			}
			if slices.Equal(b[:n], []byte{0}) {
				seen.arrived(udp)
			}
		}
	}()
	open := listenTCP(t)
	check := portCheck{
		entrypoint: theirs, ask: AskEntrypoint, arrivals: seen, echo: echo.number, udp: []uint16{udp.number},
		tcp: []uint16{portOf(open.Addr()).Port(), portOf(closed.Addr()).Port()},
	}
	got, err := check.run(t.Context())
	same(t, "error", err, nil)
	same(t, "IP echo", got[echo], reachable)
	same(t, "UDP", got[udp], reachable)
	same(t, "open port", got[port{"tcp", check.tcp[0]}], reachable)
	same(t, "closed port", got[port{"tcp", check.tcp[1]}], unreachable)
}

func TestArrivals(t *testing.T) {
	var a arrivals
	p := port{"udp", 8001}
	a.arrived(p) // nobody waits
	first := a.expect(p)
	a.arrived(port{"tcp", 8001})
	select {
	case <-first:
		t.Error("what came in before, or elsewhere, has counted")
	default:
	}
	same(t, "shared", a.expect(p), first)
	a.arrived(p)
	<-first
	a.arrived(p)
	same(t, "waited for", len(a.seen), 0)
	same(t, "name", p.String(), "UDP 8001")
}
