package gossip

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"solsnap/gossip/wire"
)

// reachability is whether a port can be reached from outside.
type reachability uint8

const (
	reachUnknown reachability = iota // nothing was learned: the entrypoint does not try ports
	reachable
	unreachable
)

func (r reachability) String() string {
	return [...]string{"unknown", "reachable", "unreachable"}[r]
}

// port is a UDP or TCP port of this node.
type port struct {
	network string // "udp" or "tcp"
	number  uint16
}

func (p port) String() string { return fmt.Sprintf("%s %d", strings.ToUpper(p.network), p.number) }

// arrivals are the ports at which something has come in since it was last asked.
// Whoever owns a socket says so: for UDP, a datagram that is the byte 0 alone; for
// TCP, a connection. Safe for concurrent use.
type arrivals struct {
	mu   sync.Mutex
	seen map[port]chan struct{} // guarded by mu; closed when something came in
}

// arrived says that something has come in.
func (a *arrivals) arrived(p port) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.seen[p]; ok {
		close(c)
		delete(a.seen, p)
	}
}

// expect gives a channel that is closed when something comes in from now on.
func (a *arrivals) expect(p port) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.seen[p]
	if !ok {
		c = make(chan struct{})
		if a.seen == nil {
			a.seen = make(map[port]chan struct{})
		}
		a.seen[p] = c
	}
	return c
}

// portCheck finds out which ports of this node an entrypoint can reach. It asks one
// question at a time, since an entrypoint answers no more than one of an address.
type portCheck struct {
	entrypoint netip.AddrPort
	local      netip.Addr // to ask from; not valid: any
	ask        askFunc    // AskEntrypoint
	// arrivals are told of what comes in at all UDP ports, and at the IP echo port.
	arrivals *arrivals
	// echo is the TCP port of IP echo. Whether the entrypoint probes at all is seen
	// there: one running Firedancer does not, and answers nevertheless.
	echo uint16
	tcp  []uint16 // others
	udp  []uint16
}

const (
	tcpAttempts = 2
	udpAttempts = 5           // since datagrams get lost (Agave, DEFAULT_RETRY_COUNT)
	probeWait   = time.Second // for what comes in, after the answer
)

// run gives what became of each port. The error is that of an entrypoint that does
// not answer a plain question, or of the context.
func (c *portCheck) run(ctx context.Context) (map[port]reachability, error) {
	if _, err := c.ask(ctx, c.entrypoint, c.local, wire.IPEchoRequest{}); err != nil {
		return nil, err
	}
	found := make(map[port]reachability)
	echo := c.tryEcho(ctx)
	found[port{"tcp", c.echo}] = echo
	probes := echo != reachUnknown
	for _, number := range c.tcp {
		if found[port{"tcp", number}] = reachUnknown; probes {
			found[port{"tcp", number}] = c.tryTCP(ctx, number)
		}
	}
	for _, number := range c.udp {
		found[port{"udp", number}] = c.tryUDP(ctx, number, probes)
	}
	return found, ctx.Err()
}

// tryEcho asks for the IP echo port. An answer without a connection means that the
// entrypoint does not probe.
func (c *portCheck) tryEcho(ctx context.Context) reachability {
	arrived := c.arrivals.expect(port{"tcp", c.echo})
	found := c.tryTCP(ctx, c.echo)
	if found == reachable && !happens(ctx, arrived) {
		return reachUnknown
	}
	return found
}

// tryTCP asks for one port of an entrypoint that probes: it does not answer if it
// cannot connect.
func (c *portCheck) tryTCP(ctx context.Context, number uint16) reachability {
	for range tcpAttempts {
		_, err := c.ask(ctx, c.entrypoint, c.local, wire.IPEchoRequest{TCPPorts: [4]uint16{number}})
		if err == nil {
			return reachable
		}
		if ctx.Err() != nil {
			return reachUnknown
		}
	}
	return unreachable
}

// tryUDP asks for one port. Only if the entrypoint probes does it mean something
// that nothing comes in.
func (c *portCheck) tryUDP(ctx context.Context, number uint16, probes bool) reachability {
	arrived := c.arrivals.expect(port{"udp", number})
	answered := false
	for range udpAttempts {
		_, err := c.ask(ctx, c.entrypoint, c.local, wire.IPEchoRequest{UDPPorts: [4]uint16{number}})
		answered = answered || err == nil
		if happens(ctx, arrived) {
			return reachable
		}
	}
	if answered && probes && ctx.Err() == nil {
		return unreachable
	}
	return reachUnknown
}

// happens reports whether something came in in time.
func happens(ctx context.Context, arrived <-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(ctx, probeWait)
	defer cancel()
	select {
	case <-arrived:
		return true
	case <-ctx.Done():
		return false
	}
}
