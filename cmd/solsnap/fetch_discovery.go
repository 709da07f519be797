package main

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"solsnap/gossip/discovery"
	"solsnap/gossip/origin"
	"solsnap/gossip/wire"
	"solsnap/snapshot/mirror"
)

// discoverer keeps the directory of who has what, and what known validators
// announce, for as long as it runs.
type discoverer struct {
	node      gossipNode // nil for no gossip
	prober    *origin.Prober
	directory *discovery.Directory
	origins   []wire.Pubkey
	known     []wire.Pubkey
	onlyKnown bool // the known validators and the origins are all that matters
	log       *slog.Logger

	mu     sync.Mutex
	trust  *mirror.Trust        // guarded by mu
	told   map[string]bool      // conflicts that were logged; guarded by mu
	seen   map[wire.Pubkey]bool // the peers with offers; guarded by mu
	newest time.Time            // when seen last grew; guarded by mu
	nodes  int                  // in gossip, with snapshots or without; guarded by mu
}

// newDiscoverer has met nobody. node is nil for no gossip.
func newDiscoverer(c *fetchCommand, node gossipNode, transport http.RoundTripper) (*discoverer, error) {
	d := &discoverer{
		node: node, known: c.config.KnownValidators, onlyKnown: c.onlyKnownRPC, log: c.log,
		trust: mirror.NewTrust(mirror.TrustConfig{Known: c.config.KnownValidators, Quorum: c.quorum, OnlyKnownRPC: c.onlyKnownRPC}),
		told:  map[string]bool{}, seen: map[wire.Pubkey]bool{},
	}
	for _, url := range c.origins {
		key, err := origin.Key(url)
		if err != nil {
			return nil, err
		}
		d.origins = append(d.origins, key)
	}
	_, key, err := ed25519.GenerateKey(nil) // from crypto/rand
	if err != nil {
		return nil, err
	}
	if d.directory, err = discovery.NewDirectory(discovery.Config{Key: key, Trusted: d.matters}); err != nil {
		return nil, err
	}
	d.prober, err = origin.New(origin.Config{
		Directory: d.directory, URLs: c.origins, MeasureBytes: -1, Transport: transport, Logger: c.log,
	})
	return d, err
}

// matters reports whether a peer is one that was named.
func (d *discoverer) matters(peer wire.Pubkey) bool {
	return slices.Contains(d.origins, peer) || slices.Contains(d.known, peer)
}

// Run looks until ctx ends.
func (d *discoverer) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.prober.Run(ctx) })
	if d.node != nil {
		group.Go(func() error { return d.node.Run(ctx) })
	}
	group.Go(func() error { return d.watch(ctx) })
	return group.Wait()
}

// watch takes over what gossip has.
func (d *discoverer) watch(ctx context.Context) error {
	source := discovery.NewGossipSource(discovery.GossipConfig{})
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		if d.node != nil {
			d.hear(source)
		}
		d.count()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (d *discoverer) hear(source *discovery.GossipSource) {
	peers := d.node.Peers()
	if err := source.Step(peers, time.Now()).Apply(d.directory); err != nil {
		d.log.Debug("some peers are not in the directory", "err", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nodes = len(peers)
	for i := range peers {
		p := &peers[i]
		if p.Snapshots == nil || !d.trust.Known(p.Pubkey) {
			continue
		}
		s := discovery.Stream{Full: discovery.Archive{Slot: p.Snapshots.Full.Slot, Hash: p.Snapshots.Full.Hash}}
		if inc := p.Snapshots.Incremental; inc != nil {
			s.Incremental = &discovery.Archive{Slot: inc.Slot, Hash: inc.Hash}
		}
		d.complain(d.trust.Hear(p.Pubkey, &s))
	}
}

// complain logs a conflict once. The caller holds mu.
func (d *discoverer) complain(err error) {
	if err == nil || d.told[err.Error()] {
		return
	}
	d.told[err.Error()] = true
	d.log.Warn("known validators disagree", "err", err)
}

// count notes when there was something new.
func (d *discoverer) count() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for p := range d.directory.Catalog().Peers() {
		if !d.seen[p.Entry.Peer] {
			d.seen[p.Entry.Peer], d.newest = true, time.Now()
		}
	}
}

// choose judges what is there now.
func (d *discoverer) choose(r mirror.Request) mirror.Choice {
	d.mu.Lock()
	defer d.mu.Unlock()
	r.Trust = d.trust
	return mirror.Choose(r)
}

// heard is how many known validators were.
func (d *discoverer) heard() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.trust.Heard()
}

// found is how many nodes gossip has, and how many peers offer something.
func (d *discoverer) found() (nodes, producers int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.nodes, len(d.seen)
}

// settled reports whether it is not worth to wait for more: all who were named have
// come, or nobody new for quietTime.
func (d *discoverer) settled(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.all(d.origins) && now.Sub(d.newest) < quietTime {
		return false
	}
	if d.node == nil {
		return len(d.seen) > 0
	}
	if d.trust.Heard() < len(d.known) { // a joining Agave waits for all of them, too
		return false
	}
	if d.onlyKnown && len(d.known) > 0 {
		return d.all(d.known) || now.Sub(d.newest) >= quietTime && len(d.seen) > 0
	}
	return len(d.seen) > 0 && now.Sub(d.newest) >= quietTime
}

// all reports whether each of them offers something. The caller holds mu.
func (d *discoverer) all(keys []wire.Pubkey) bool {
	return !slices.ContainsFunc(keys, func(key wire.Pubkey) bool { return !d.seen[key] })
}

// await returns when settled and ready say so, after timeout at the latest. That ctx
// ends is its error.
func (d *discoverer) await(ctx context.Context, timeout time.Duration, ready func() bool) error {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for {
		if d.settled(time.Now()) && ready() {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			return nil
		case <-ticker.C:
		}
	}
}

// change waits until the directory has something else, or for so long.
func (d *discoverer) change(ctx context.Context, longest time.Duration) error {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-d.directory.Changed():
	case <-timer.C:
	}
	return nil
}
