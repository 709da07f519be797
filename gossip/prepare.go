package gossip

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// prepare finds out what a node must know before it can join, and afterwards
// whether others can reach it. It goes on trying until ctx is done.
func (n *Node) prepare(ctx context.Context) {
	as, ok := n.learn(ctx)
	if !ok {
		return
	}
	n.want(func(w *wanted) { w.join = &as })
	n.log.Info("gossip: joining", "pubkey", n.self, "gossip", as.gossip, "rpc", as.rpc, "shred_version", as.shredVersion, "mode", n.cfg.Mode)
	if addr := as.gossip.Addr(); isLocal(addr) && !n.cfg.AllowPrivate {
		n.log.Warn("gossip: the advertised address is private, so that nobody on the internet will believe it; give --gossip-host", "gossip", as.gossip)
	}
	if len(n.cfg.Entrypoints) > 0 {
		n.checkPorts(ctx, as)
	}
}

// learn gives what to join as. It is false when ctx is done.
func (n *Node) learn(ctx context.Context) (joinAs, bool) {
	const first, most = time.Second, 30 * time.Second
	said := ""
	for wait := first; ; wait = min(2*wait, most) {
		as, err := n.ask(ctx)
		if err == nil {
			return as, true
		}
		if text := err.Error(); text != said && ctx.Err() == nil {
			said = text
			n.log.Log(ctx, severity(err), "gossip: not joined yet", "err", err, "retry_in", wait)
		}
		if !n.waitForNews(ctx, wait) {
			return joinAs{}, false
		}
	}
}

// errNoShredVersion is for a node without entrypoints. SetShredVersion ends it.
var errNoShredVersion = errors.New("the shred version is not known yet: it comes with the first archive, or give --entrypoint or --expected-shred-version")

// severity of not being able to join.
func severity(err error) slog.Level {
	if errors.Is(err, errNoShredVersion) {
		return slog.LevelInfo // so begins every node without entrypoints
	}
	return slog.LevelWarn
}

// ask tries once. Entrypoints are asked even if nothing is to be learned from
// them, since one of another cluster is a mistake to be told about.
func (n *Node) ask(ctx context.Context) (joinAs, error) {
	shredVersion, host := n.wants().shredVersion, n.cfg.Host
	if len(n.cfg.Entrypoints) > 0 {
		said, err := n.doors.learn(ctx, n.local(), shredVersion)
		if err != nil && (shredVersion == 0 || !host.IsValid()) {
			return joinAs{}, err
		}
		if err != nil {
			n.log.Warn("gossip: entrypoints", "err", err)
		}
		inherit(&shredVersion, said.ShredVersion)
		inherit(&host, said.Addr)
	}
	if shredVersion == 0 {
		return joinAs{}, errNoShredVersion
	}
	if !host.IsValid() {
		var err error
		if host, err = outward(ctx); err != nil {
			return joinAs{}, err
		}
	}
	return n.as(host, shredVersion), nil
}

func (n *Node) as(host netip.Addr, shredVersion uint16) joinAs {
	as := joinAs{gossip: netip.AddrPortFrom(host, n.Addr().Port()), shredVersion: shredVersion}
	switch rpc := n.cfg.RPC; {
	case rpc.Port() == 0:
	case !rpc.Addr().IsValid() || rpc.Addr().IsUnspecified():
		as.rpc = netip.AddrPortFrom(host, rpc.Port())
	default:
		as.rpc = rpc
	}
	return as
}

// local is the address to ask entrypoints from, invalid for any.
func (n *Node) local() netip.Addr {
	if addr := n.cfg.Listen.Addr(); !addr.IsUnspecified() {
		return addr
	}
	return netip.Addr{}
}

// outward is the address of this machine that leads out of it. Nothing is sent.
func outward(ctx context.Context) (netip.Addr, error) {
	const anywhere = "192.0.2.1:9" // reserved for documentation (RFC 5737)
	conn, err := new(net.Dialer).DialContext(ctx, "udp4", anywhere)
	if err != nil {
		return netip.Addr{}, errors.New("this machine has no address that leads out of it; give --gossip-host")
	}
	defer func() { _ = conn.Close() }() // nothing was written
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// waitForNews waits, or until a shred version becomes known.
func (n *Node) waitForNews(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-n.news:
	case <-timer.C:
	}
	return true
}

// checkPorts tells the operator what an entrypoint cannot reach.
func (n *Node) checkPorts(ctx context.Context, as joinAs) {
	addrs := n.doors.addrs()
	if len(addrs) == 0 {
		return
	}
	number := n.Addr().Port()
	check := portCheck{entrypoint: addrs[0], local: n.local(), ask: AskEntrypoint, arrivals: &n.arrivals, echo: number, udp: []uint16{number}}
	if as.rpc.IsValid() && as.rpc.Addr() == as.gossip.Addr() {
		check.tcp = []uint16{as.rpc.Port()}
	}
	found, err := check.run(ctx)
	if err != nil {
		n.log.Debug("gossip: ports not checked", "err", err)
		return
	}
	for p, reach := range found {
		if reach == unreachable {
			n.log.Warn("gossip: a port cannot be reached from outside; open it in the firewall", "network", p.network, "port", p.number, "entrypoint", addrs[0])
		}
	}
}
