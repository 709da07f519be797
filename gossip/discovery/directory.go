package discovery

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"solsnap/gossip/wire"
)

// Config is what a Directory is made of. Key and Network are required, and a zero
// field has the default that is named with it.
type Config struct {
	// Key is our identity, whole as ed25519 makes it. Two nodes must not run with the
	// same one.
	Key ed25519.PrivateKey
	// Network is the fleet: entries of another are refused.
	Network wire.Hash
	// Starts remembers the start time over restarts. Nil trusts the clock.
	Starts Starts
	// Addresses and Tags are what our entry says at first.
	Addresses, Tags []string
	// PurgeAfter is how long an entry is good, 5 m. It is our policy: others may have
	// another.
	PurgeAfter time.Duration
	// MaxTimeDrift is how far others' clocks may be from ours, 50 s.
	MaxTimeDrift time.Duration
	// MaxRTT hides peers farther away than that; 0 hides none.
	MaxRTT time.Duration
	// EventsBacklog is how many events a subscriber may be behind, 100.
	EventsBacklog int
	// MaxSigned and MaxUnsigned are how many peers there is room for, 8,192 each.
	// When there is none, a trusted peer takes the place of the one that is not and
	// was silent for longest; others are refused.
	MaxSigned, MaxUnsigned int
	// Trusted tells which peers always have a place. It must not block. Nil trusts
	// nobody.
	Trusted func(wire.Pubkey) bool
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

func (c Config) withDefaults() (Config, error) {
	if len(c.Key) != ed25519.PrivateKeySize {
		return c, fmt.Errorf("discovery: key has %d bytes, want %d", len(c.Key), ed25519.PrivateKeySize)
	}
	if c.PurgeAfter < 0 || c.MaxTimeDrift < 0 || c.MaxRTT < 0 || c.EventsBacklog < 0 || c.MaxSigned < 0 || c.MaxUnsigned < 0 {
		return c, fmt.Errorf("discovery: a negative limit, want none below 0")
	}
	inherit(&c.PurgeAfter, 5*time.Minute)
	inherit(&c.MaxTimeDrift, 50*time.Second)
	inherit(&c.EventsBacklog, 100)
	inherit(&c.MaxSigned, 8192)
	inherit(&c.MaxUnsigned, 8192)
	if c.Trusted == nil {
		c.Trusted = func(wire.Pubkey) bool { return false }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

func inherit[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Directory is the one list of peers. Its methods do map work only: none blocks, and
// what one costs does not grow with the catalog, but where it says so. They may be
// called at any time, from anywhere.
type Directory struct {
	cfg     Config
	self    wire.Pubkey
	current atomic.Pointer[state]
	feed    *feed
	rtt     [paths]Tracker

	mu        sync.Mutex
	graves    graves               // guarded by mu
	changed   chan struct{}        // guarded by mu; nil while nobody waits
	stats     Stats                // guarded by mu
	second    Version              // guarded by mu; the newest of ours that is not ours
	producers map[*Producer]Stream // guarded by mu
}

// NewDirectory is a Directory that knows only itself.
func NewDirectory(cfg Config) (*Directory, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	now := cfg.Now()
	started, err := start(cfg.Starts, now)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	d := &Directory{
		cfg: cfg, self: wire.PubkeyOf(cfg.Key), feed: newFeed(started, cfg.EventsBacklog),
		graves: graves{limit: cfg.MaxSigned}, producers: make(map[*Producer]Stream),
	}
	e := Entry{
		Network: cfg.Network, Peer: d.self, Version: Version{started, millis(now)},
		Addresses: slices.Clone(cfg.Addresses), Tags: slices.Clone(cfg.Tags),
	}
	local, err := SignEntry(cfg.Key, tidy(e))
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	d.current.Store(&state{local: localPeer(local)})
	return d, nil
}

// Self is our own key.
func (d *Directory) Self() wire.Pubkey { return d.self }

// Catalog is what is known now, less what has gone stale by now.
func (d *Directory) Catalog() Catalog {
	return Catalog{d.current.Load(), before(d.now(), d.cfg.PurgeAfter), d.cfg.MaxRTT}
}

// Changed is closed when the catalog changes after the call. A round-trip time
// or a speed alone is no change, unless it hides or shows a peer.
func (d *Directory) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	return d.changed
}

// Subscribe reads the events after one. The zero id reads those from now on; the id
// of an earlier run, or of an event that is gone, begins with a Lagged one.
func (d *Directory) Subscribe(after EventID) *Subscription { return d.feed.subscribe(after) }

// Estimate is the smoothed round-trip time to a peer over a path.
func (d *Directory) Estimate(peer wire.Pubkey, over Path) Estimate {
	return d.rtt[over].Get(peer)
}

func (d *Directory) now() uint64 { return millis(d.cfg.Now()) }

// edit is a change that is being made, with mu held. Nobody sees it before commit,
// which then tells of it.
type edit struct {
	*Directory
	next   state
	events []Event
	silent bool // nobody needs to be told
}

func (d *Directory) edit() *edit { return &edit{Directory: d, next: *d.current.Load()} }

func (e *edit) tell(kind EventKind, p *Peer) {
	e.events = append(e.events, Event{Kind: kind, Peer: p.Entry.Peer, Entry: p.Entry, Source: p.Source})
}

// peer has an entry and what was measured of whose it is.
func (e *edit) peer(entry *Entry, source Source) *Peer {
	p := &Peer{Entry: entry, Source: source, RTT: e.rtt[source.path()].Get(entry.Peer).SRTT}
	if old := e.next.find(entry.Peer); old != nil {
		p.Speed = old.Speed
	}
	return p
}

// tree is where entries of a source are.
func (e *edit) tree(s Source) *tree {
	if s == Fleet {
		return &e.next.signed
	}
	return &e.next.unsigned
}

func (e *edit) put(p *Peer) {
	t := e.tree(p.Source)
	*t = t.put(p, rand.Uint32())
}

// depart removes a peer, and all that is known of it.
func (e *edit) depart(p *Peer) {
	t := e.tree(p.Source)
	*t = t.without(p.Entry.Peer)
	for i := range e.rtt {
		e.rtt[i].Remove(p.Entry.Peer)
	}
	e.stats.Departed++
	e.tell(PeerDeparted, p)
}

// commit shows the change, and then tells of it.
func (e *edit) commit() {
	e.current.Store(&e.next)
	for _, event := range e.events {
		e.feed.publish(event)
	}
	if e.changed != nil && !e.silent {
		close(e.changed)
		e.changed = nil
	}
}
