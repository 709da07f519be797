package discovery

import (
	"errors"
	"net/netip"
	"time"

	"solsnap/gossip"
	"solsnap/gossip/wire"
)

// GossipConfig is what a GossipSource is made of. Network is required, and a zero
// field has the default that is named with it.
type GossipConfig struct {
	// Network is that of the Directory.
	Network wire.Hash
	// Hold is how long a peer is kept that gossip has lost, 60 s: nodes of no stake
	// come and go with its timeout of 15 s.
	Hold time.Duration
	// Return is how long one that was removed must be there before it is back, 30 s.
	Return time.Duration
	// Refresh is how often an entry that says the same is renewed, 60 s. It must be
	// well below PurgeAfter of the Directory, less Hold.
	Refresh time.Duration
}

func (c GossipConfig) withDefaults() GossipConfig {
	inherit(&c.Hold, time.Minute)
	inherit(&c.Return, 30*time.Second)
	inherit(&c.Refresh, time.Minute)
	return c
}

// GossipSource makes unsigned entries of the nodes of a cluster that say in gossip
// that they serve a snapshot. It has no clock and tells nobody: it says what to
// change. It is for one goroutine.
type GossipSource struct {
	cfg  GossipConfig
	seen map[wire.Pubkey]*sighting // no more than gossip lists, and those of the last minutes
	step uint64
}

// sighting is what is remembered of a node.
type sighting struct {
	step     uint64    // in which it was listed last
	last     time.Time // when that was
	since    time.Time // since when it serves; zero while it does not
	removed  bool      // at least once
	listed   bool      // in the directory, for all we know
	inserted time.Time
	said     said // when it was inserted
	rtt      time.Duration
}

// said is what an entry is made of.
type said struct {
	rpc       netip.AddrPort
	version   wire.Version
	snapshots *gossip.Snapshots
}

func (s *said) same(other *said) bool {
	return s.rpc == other.rpc && s.version == other.version && s.snapshots.Equal(other.snapshots)
}

// GossipChanges is what to do to a Directory.
type GossipChanges struct {
	Insert []Entry
	Remove []wire.Pubkey
	RTT    map[wire.Pubkey]time.Duration
}

// NewGossipSource is a source that has seen nobody.
func NewGossipSource(cfg GossipConfig) *GossipSource {
	return &GossipSource{cfg: cfg.withDefaults(), seen: make(map[wire.Pubkey]*sighting)}
}

// Step compares what gossip lists now with what it listed before. Call it about once
// a second.
func (g *GossipSource) Step(peers []gossip.Peer, now time.Time) GossipChanges {
	changes := GossipChanges{RTT: make(map[wire.Pubkey]time.Duration)}
	g.step++
	for i := range peers {
		p := &peers[i]
		s := g.seen[p.Pubkey]
		if s == nil {
			s = new(sighting)
			g.seen[p.Pubkey] = s
		}
		s.step, s.last = g.step, now
		if p.RPC.IsValid() && p.Snapshots != nil {
			g.serves(s, p, now, &changes)
		} else {
			s.withdraw(p.Pubkey, &changes) // on purpose: it is not asked for more
		}
	}
	g.miss(now, &changes)
	return changes
}

func (g *GossipSource) serves(s *sighting, p *gossip.Peer, now time.Time, changes *GossipChanges) {
	if s.since.IsZero() {
		s.since = now
	}
	if s.removed && !s.listed && now.Sub(s.since) < g.cfg.Return {
		return
	}
	says := said{p.RPC, p.Info.Version, p.Snapshots}
	if !s.listed || now.Sub(s.inserted) >= g.cfg.Refresh || !s.said.same(&says) {
		s.listed, s.said, s.inserted = true, says, now
		changes.Insert = append(changes.Insert, g.entry(p))
	}
	if p.RTT > 0 && p.RTT != s.rtt {
		s.rtt = p.RTT
		changes.RTT[p.Pubkey] = p.RTT
	}
}

// miss looks at nodes that gossip has lost.
func (g *GossipSource) miss(now time.Time, changes *GossipChanges) {
	const forget = 10 * time.Minute
	for peer, s := range g.seen {
		if s.step == g.step {
			continue
		}
		away := now.Sub(s.last)
		if away >= g.cfg.Hold {
			s.withdraw(peer, changes)
		}
		if !s.listed && away >= max(forget, g.cfg.Return) {
			delete(g.seen, peer)
		}
		if !s.listed {
			s.since = time.Time{}
		}
	}
}

func (s *sighting) withdraw(peer wire.Pubkey, changes *GossipChanges) {
	s.since = time.Time{}
	if s.listed {
		s.listed, s.removed = false, true
		s.rtt = 0
		changes.Remove = append(changes.Remove, peer)
	}
}

// entry is what a node says in gossip. Its load is not known.
func (g *GossipSource) entry(p *gossip.Peer) Entry {
	s := Stream{Full: Archive{Slot: p.Snapshots.Full.Slot, Hash: p.Snapshots.Full.Hash}}
	if inc := p.Snapshots.Incremental; inc != nil && inc.Slot > s.Full.Slot {
		s.Incremental = &Archive{Slot: inc.Slot, Hash: inc.Hash}
	}
	return Entry{
		Network:   g.cfg.Network,
		Peer:      p.Pubkey,
		Version:   Version{p.Info.Outset / 1000, p.Info.Wallclock}, // from µs, and ms
		Addresses: []string{"http://" + p.RPC.String()},
		Tags:      []string{"client=" + p.Info.Version.ClientName(), "version=" + p.Info.Version.String()},
		Streams:   []Stream{s},
	}
}

// Apply makes the changes. What is refused is no fault: a node that speaks for itself
// in the fleet is there already, and its entry is tried again when it is renewed.
// The error is of others.
func (c GossipChanges) Apply(d *Directory) error {
	var errs []error
	for _, e := range c.Insert {
		err := d.Insert(e, Gossip)
		if err != nil && !errors.Is(err, ErrSigned) && !errors.Is(err, ErrLocal) {
			errs = append(errs, err)
		}
	}
	for _, peer := range c.Remove {
		d.Remove(peer)
	}
	for peer, rtt := range c.RTT {
		d.Sample(peer, OverUDP, rtt)
	}
	return errors.Join(errs...)
}
