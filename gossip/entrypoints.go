package gossip

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	resolveEvery   = 5 * time.Minute
	resolveTimeout = 5 * time.Second
)

// entrypoint is a node to begin with, as the operator names it, and where it is.
type entrypoint struct {
	name string // HOST:PORT
	host string
	port uint16
	addr netip.AddrPort // not valid before it was resolved
}

// parseEntrypoint reads HOST:PORT, where HOST is a name or an IPv4 address.
func parseEntrypoint(s string) (entrypoint, error) {
	const example = "such as entrypoint.mainnet-beta.solana.com:8001"
	if strings.Contains(s, "/") {
		return entrypoint{}, fmt.Errorf("entrypoint %q is a URL or a path, want HOST:PORT %s", s, example)
	}
	host, digits, err := net.SplitHostPort(s)
	if err != nil || host == "" || digits == "" {
		return entrypoint{}, fmt.Errorf("entrypoint %q is not HOST:PORT %s", s, example)
	}
	if ip, err := netip.ParseAddr(host); err == nil && !ip.Is4() {
		return entrypoint{}, fmt.Errorf("entrypoint %q has an IPv6 address, want IPv4: gossip has no other", s)
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || number == 0 {
		return entrypoint{}, fmt.Errorf("entrypoint %q has the port %q, want 1 to 65535", s, digits)
	}
	return entrypoint{name: s, host: host, port: uint16(number)}, nil
}

func (e entrypoint) String() string {
	if e.addr.String() == e.name || !e.addr.IsValid() {
		return e.name
	}
	return fmt.Sprintf("%s (%v)", e.name, e.addr)
}

// entrypoints are the nodes to begin with. All methods may be called by any
// goroutine.
type entrypoints struct {
	names  []entrypoint // never modified
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	ask    askFunc
	logger *slog.Logger

	resolving sync.Mutex
	resolved  atomic.Pointer[[]entrypoint] // replaced whole, never modified
}

// newEntrypoints reads the names. Nothing is resolved yet.
func newEntrypoints(names []string, logger *slog.Logger) (*entrypoints, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	e := &entrypoints{lookup: net.DefaultResolver.LookupNetIP, ask: AskEntrypoint, logger: logger}
	e.resolved.Store(new([]entrypoint))
	for _, name := range names {
		point, err := parseEntrypoint(name)
		if err != nil {
			return nil, err
		}
		e.names = append(e.names, point)
	}
	return e, nil
}

// addrs are where the entrypoints were when they were last resolved.
func (e *entrypoints) addrs() []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, point := range *e.resolved.Load() {
		addrs = append(addrs, point.addr)
	}
	return addrs
}

// Run resolves the names again every so often, until the context ends.
func (e *entrypoints) Run(ctx context.Context) error {
	if len(e.names) == 0 {
		<-ctx.Done()
		return nil
	}
	for {
		if !pause(ctx, resolveEvery+rand.N(resolveEvery/10)) {
			return nil
		}
		if err := e.resolve(ctx); err != nil && ctx.Err() == nil {
			e.logger.Warn("entrypoints cannot be resolved", "err", err)
		}
	}
}

// resolve looks all names up. A name that cannot be resolved keeps the addresses it
// had; it is an error if there is no address at all then.
func (e *entrypoints) resolve(ctx context.Context) error {
	e.resolving.Lock()
	defer e.resolving.Unlock()
	found := make([][]entrypoint, len(e.names))
	errs := make([]error, len(e.names))
	var lookups sync.WaitGroup
	for i, point := range e.names {
		lookups.Go(func() { found[i], errs[i] = e.resolveOne(ctx, point) })
	}
	lookups.Wait()
	all := distinct(slices.Concat(found...))
	e.resolved.Store(&all)
	if len(all) == 0 {
		return oneLine(errs)
	}
	return nil
}

// resolveOne gives the addresses of a name: several, if the name has several.
func (e *entrypoints) resolveOne(ctx context.Context, point entrypoint) ([]entrypoint, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	ips, err := e.lookup(ctx, "ip4", point.host)
	if err != nil {
		e.logger.Debug("entrypoint cannot be resolved", "entrypoint", point.name, "err", err)
		return e.known(point.name), fmt.Errorf("resolve entrypoint %s to IPv4: %w", point.name, err)
	}
	var found []entrypoint
	for _, ip := range ips {
		point.addr = netip.AddrPortFrom(ip.Unmap(), point.port)
		found = append(found, point)
	}
	return found, nil
}

// known is where a name was when it was last resolved.
func (e *entrypoints) known(name string) (known []entrypoint) {
	for _, point := range *e.resolved.Load() {
		if point.name == name {
			known = append(known, point)
		}
	}
	return known
}

// distinct leaves out what another name leads to as well.
func distinct(points []entrypoint) []entrypoint {
	seen := make(map[netip.AddrPort]bool)
	return slices.DeleteFunc(points, func(p entrypoint) bool {
		known := seen[p.addr]
		seen[p.addr] = true
		return known
	})
}

// oneLine joins errors without line feeds, for a log.
func oneLine(errs []error) error {
	var joined error
	for _, err := range errs {
		switch {
		case joined == nil:
			joined = err
		case err != nil:
			joined = fmt.Errorf("%w; %w", joined, err)
		}
	}
	return joined
}
