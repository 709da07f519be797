package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"solsnap/gossip/wire"
)

// WorkerConfig is what a Worker is made of. Directory and Transport are required,
// and a zero field has the default that is named with it.
type WorkerConfig struct {
	Directory *Directory
	Transport Transport
	// Bootstrap are members to join the fleet by. They are tried for as long as it
	// takes.
	Bootstrap []Target
	// AnnounceInterval is how often our entry is announced when it does not change,
	// 45 s, give or take AnnounceJitter of it, 0.5 and at most 1. AnnounceGap is the
	// least time between two announcements, 1 s: what changes meanwhile goes with the
	// next.
	AnnounceInterval time.Duration
	AnnounceJitter   float64
	AnnounceGap      time.Duration
	// ProbeInterval is how often each peer is pinged, 30 s, give or take half of it.
	ProbeInterval time.Duration
	// PingTimeout, AnnounceTimeout (5 s) and SyncTimeout (10 s) cover a whole exchange.
	PingTimeout, AnnounceTimeout, SyncTimeout time.Duration
	// DepartureWindow is how long Run takes leave at the end, 500 ms.
	DepartureWindow time.Duration
	// RetryAfter is how long after a failed sync the next is tried, 1 s, twice as long
	// each time up to MaxRetry, 1 m, give or take half of it.
	RetryAfter, MaxRetry time.Duration
	// Fanout is to how many neighbours anything is announced, 6, and MaxHops how often
	// others hand it on, 6.
	Fanout  int
	MaxHops uint8
	// MaxNeighbours is how many peers to announce to, 32.
	MaxNeighbours int
	// MaxSyncs (4) and MaxPings (8) are how many exchanges of our own accord run at
	// once.
	MaxSyncs, MaxPings int
	// Random is for jitter and choice, from 0 and below 1; rand.Float64 by default. It
	// is called by Run alone.
	Random func() float64
	// Logger is nil to discard.
	Logger *slog.Logger
}

func (c WorkerConfig) withDefaults() (WorkerConfig, error) {
	if c.Directory == nil || c.Transport == nil {
		return c, errors.New("discovery: a worker needs a directory and a transport")
	}
	if c.AnnounceJitter < 0 || c.AnnounceJitter > 1 {
		return c, fmt.Errorf("discovery: announce jitter %v, want 0 to 1", c.AnnounceJitter)
	}
	for _, d := range []*time.Duration{&c.AnnounceInterval, &c.AnnounceGap, &c.ProbeInterval, &c.PingTimeout,
		&c.AnnounceTimeout, &c.SyncTimeout, &c.DepartureWindow, &c.RetryAfter, &c.MaxRetry} {
		if *d < 0 {
			return c, fmt.Errorf("discovery: a duration of %v, want none below 0", *d)
		}
	}
	inherit(&c.AnnounceInterval, 45*time.Second)
	inherit(&c.AnnounceJitter, 0.5)
	inherit(&c.AnnounceGap, time.Second)
	inherit(&c.ProbeInterval, 30*time.Second)
	inherit(&c.PingTimeout, 5*time.Second)
	inherit(&c.AnnounceTimeout, 5*time.Second)
	inherit(&c.SyncTimeout, 10*time.Second)
	inherit(&c.DepartureWindow, 500*time.Millisecond)
	inherit(&c.RetryAfter, time.Second)
	inherit(&c.MaxRetry, time.Minute)
	inherit(&c.Fanout, 6)
	inherit(&c.MaxHops, 6)
	inherit(&c.MaxNeighbours, 32)
	inherit(&c.MaxSyncs, 4)
	inherit(&c.MaxPings, 8)
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// ErrStopped means that the worker has stopped, or is about to. It is also
// context.Canceled.
var ErrStopped = fmt.Errorf("discovery has stopped: %w", context.Canceled)

// errRunning means that Run was called twice.
var errRunning = errors.New("discovery: the worker was started before")

// Worker keeps a Directory up to date with the fleet. Exchanges run in goroutines of
// their own, each under a deadline; the loop of Run only does map work, and nothing
// that a peer does or leaves undone can hold it up.
type Worker struct {
	cfg   WorkerConfig
	dir   *Directory
	calls chan func(*loop) // unbuffered: what is sent is executed

	// relays is what was heard and goes on to neighbours. When it is full, news is
	// dropped and counted: neighbours hear it from others.
	relays     chan relay
	overflowed atomic.Bool

	meter   meter
	started atomic.Bool
	leaving atomic.Bool
	stopped chan struct{}
	counts  workerCounts
	joined  atomic.Int64 // how many neighbours there are
}

// relay is an item to hand on, but not to whom it is of.
type relay struct {
	item item
	of   wire.Pubkey
}

type workerCounts struct {
	syncs, invalid, malformed, drifted, limited, dropped atomic.Uint64
}

// WorkerStats are counts since the start, and Neighbours as there are now.
type WorkerStats struct {
	Neighbours int
	// Syncs are those that we asked for, and that succeeded.
	Syncs uint64
	// Malformed requests were refused. Invalid entries and departures were left out of
	// good messages, Drifted ones because the peer's clock is off, and Limited ones
	// because there were too many of one peer.
	Malformed, Invalid, Drifted, Limited uint64
	// Dropped is news that was not handed on, for want of room.
	Dropped uint64
}

// NewWorker is a Worker that answers requests, and does nothing else until Run.
func NewWorker(cfg WorkerConfig) (*Worker, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	const news = 256
	return &Worker{
		cfg: cfg, dir: cfg.Directory, calls: make(chan func(*loop)),
		relays: make(chan relay, news), stopped: make(chan struct{}),
	}, nil
}

// Stats counts.
func (w *Worker) Stats() WorkerStats {
	return WorkerStats{
		Neighbours: int(w.joined.Load()), Syncs: w.counts.syncs.Load(), Malformed: w.counts.malformed.Load(),
		Invalid: w.counts.invalid.Load(), Drifted: w.counts.drifted.Load(), Limited: w.counts.limited.Load(), Dropped: w.counts.dropped.Load(),
	}
}

// do has the loop execute a call. The error is that of ctx, or ErrStopped.
func (w *Worker) do(ctx context.Context, call func(*loop)) error {
	select {
	case w.calls <- call:
		return nil
	case <-w.stopped:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Dial makes peers known by hand: each is synced with, if it was not before, and
// joined. It returns when that is on its way, and tells of no failure. Before Run it
// waits.
func (w *Worker) Dial(ctx context.Context, peers ...Target) error {
	return w.do(ctx, func(l *loop) {
		for _, to := range peers {
			l.dial(to)
		}
	})
}

// errNoAddress means that a peer is not known and no address was given.
var errNoAddress = errors.New("no address; give one, as URL#PUBKEY")

// SyncWith exchanges entries with a peer and returns when that is done. Addresses may
// be missing for a peer that is in the catalog. Who asks at the same time shares one
// exchange, which ends early when all of them have given up. Before Run it waits. The
// error is that of ctx, ErrStopped, or what went wrong.
func (w *Worker) SyncWith(ctx context.Context, to Target) error {
	if to.Peer == w.dir.self {
		return fmt.Errorf("sync with %v: %w", to.Peer, ErrLocal)
	}
	joined := make(chan *flight, 1)
	if err := w.do(ctx, func(l *loop) { joined <- l.sync(to) }); err != nil {
		return err
	}
	f := <-joined
	if f == nil {
		return fmt.Errorf("sync with %v: %w", to.Peer, errNoAddress)
	}
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		// Without ctx: if the worker has stopped, there is nothing to give up.
		_ = w.do(context.WithoutCancel(ctx), func(*loop) { f.leave() })
		return context.Cause(ctx)
	}
}
