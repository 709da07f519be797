package main

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"solsnap/gossip"
	"solsnap/gossip/wire"
)

// gossipNode is a *gossip.Node, or a test's.
type gossipNode interface {
	gossip.Announcer
	Listen(context.Context) error
	Addr() netip.AddrPort
	Run(context.Context) error
	Peers() []gossip.Peer
	Status() gossip.Status
	Stats() gossip.Stats
	SetShredVersion(uint16)
	SetStakes(map[wire.Pubkey]uint64)
}

// gossiper keeps a node of gossip running while the server serves, whatever
// becomes of it: one that fails is replaced by another, which is told what the
// one before knew. It is the gossip.Announcer of the served pair.
type gossiper struct {
	logger *slog.Logger
	build  func(gossip.Config) (gossipNode, error)
	// duplicateFatal ends Run with an error when another node has our identity.
	duplicateFatal bool
	// leaving tells that the server stops, and a successor may have been started.
	leaving func() bool

	mu     sync.Mutex
	config gossip.Config // complete once listen was called; guarded by mu
	node   gossipNode    // nil before listen, and after another took the identity; guarded by mu
	// What a new node has to be told; guarded by mu.
	announced    *gossip.Snapshots
	withdrawn    bool
	stakes       map[wire.Pubkey]uint64
	shredVersion uint16
}

// The pause before a node that failed is replaced doubles with each attempt,
// until one has run for as long as the longest.
const (
	gossipPause    = time.Second
	gossipMaxPause = time.Minute
)

// listen builds a node and binds its sockets. After the first time the port is
// the one that was taken then.
func (g *gossiper) listen(ctx context.Context, config gossip.Config) error {
	node, err := g.build(config)
	if err != nil {
		return err
	}
	if err := node.Listen(ctx); err != nil {
		return err
	}
	config.Listen = netip.AddrPortFrom(config.Listen.Addr(), node.Addr().Port())
	g.mu.Lock()
	defer g.mu.Unlock()
	g.config, g.node = config, node
	node.Announce(g.announced)
	node.SetServing(!g.withdrawn)
	node.SetStakes(g.stakes)
	if g.shredVersion != 0 {
		node.SetShredVersion(g.shredVersion)
	}
	return nil
}

// Run gossips until ctx ends, and a little longer, to say that nobody should come
// any more. It returns an error only when another node has our identity and that
// is to be fatal.
func (g *gossiper) Run(ctx context.Context) error {
	running, stop := outlast(ctx, func() { g.SetServing(false) })
	defer stop()
	for pause := gossipPause; ; {
		started := time.Now()
		err := g.current().Run(running)
		switch {
		case ctx.Err() != nil || err == nil:
			return nil
		case errors.Is(err, gossip.ErrDuplicateInstance):
			return g.yield(err)
		}
		if time.Since(started) > gossipMaxPause {
			pause = gossipPause
		}
		g.logger.Error("gossip: failed; downloads go on, and it starts again", "err", err, "pause", pause)
		if pause = g.restart(ctx, pause); pause == 0 {
			return nil
		}
	}
}

// farewell is for the last packets: a few rounds of gossip.
const farewell = 300 * time.Millisecond

// outlast is a context that goes on for farewell when ctx has ended and last was
// called.
func outlast(ctx context.Context, last func()) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		last()
		select {
		case <-longer.Done():
		case <-time.After(farewell):
			cancel()
		}
	})
	return longer, func() { forget(); cancel() }
}

// yield leaves the identity to the other node. While the server stops, that is
// its successor, as it should be.
func (g *gossiper) yield(err error) error {
	g.mu.Lock()
	g.node = nil
	g.mu.Unlock()
	switch {
	case g.leaving():
		g.logger.Info("gossip: ended, another node with this identity took over")
		return nil
	case g.duplicateFatal:
		return err
	}
	g.logger.Error("gossip: ended; downloads go on, but nobody finds this server any longer", "err", err)
	return nil
}

// restart replaces the node, with as many attempts as it takes. It gives the
// pause before the next one, and 0 when ctx has ended.
func (g *gossiper) restart(ctx context.Context, pause time.Duration) time.Duration {
	g.mu.Lock()
	config := g.config
	g.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return 0
		case <-time.After(pause):
		}
		pause = min(2*pause, gossipMaxPause)
		err := g.listen(ctx, config)
		if err == nil {
			g.logger.Info("gossip: started again")
			return pause
		}
		g.logger.Warn("gossip: not started again yet", "err", err, "pause", pause)
	}
}

// current is the node, nil when there is none.
func (g *gossiper) current() gossipNode {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.node
}

// tell makes the node's successors know what it is told.
func (g *gossiper) tell(remember func(), tell func(gossipNode)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	remember()
	if g.node != nil {
		tell(g.node)
	}
}

// Announce implements gossip.Announcer.
func (g *gossiper) Announce(s *gossip.Snapshots) {
	g.tell(func() { g.announced = s }, func(n gossipNode) { n.Announce(s) })
}

// SetServing implements gossip.Announcer.
func (g *gossiper) SetServing(serving bool) {
	g.tell(func() { g.withdrawn = !serving }, func(n gossipNode) { n.SetServing(serving) })
}

// SetStakes is gossip.Node's.
func (g *gossiper) SetStakes(stakes map[wire.Pubkey]uint64) {
	g.tell(func() { g.stakes = stakes }, func(n gossipNode) { n.SetStakes(stakes) })
}

// SetShredVersion is gossip.Node's.
func (g *gossiper) SetShredVersion(version uint16) {
	g.tell(func() { g.shredVersion = version }, func(n gossipNode) { n.SetShredVersion(version) })
}

// Addr is where gossip listens; invalid while it does not.
func (g *gossiper) Addr() netip.AddrPort {
	if node := g.current(); node != nil {
		return node.Addr()
	}
	return netip.AddrPort{}
}

// Peers is gossip.Node's.
func (g *gossiper) Peers() []gossip.Peer {
	if node := g.current(); node != nil {
		return node.Peers()
	}
	return nil
}

// Status is gossip.Node's.
func (g *gossiper) Status() gossip.Status {
	if node := g.current(); node != nil {
		return node.Status()
	}
	return gossip.Status{}
}

// Stats is gossip.Node's. They begin anew with each node.
func (g *gossiper) Stats() gossip.Stats {
	if node := g.current(); node != nil {
		return node.Stats()
	}
	return gossip.Stats{}
}
