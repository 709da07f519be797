package gossip

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"solsnap/gossip/wire"
)

// ErrDuplicateInstance means that another node runs with the same identity and
// was started later. The one that was started first has to stop: two of them
// would overwrite each other's contact info all over the cluster.
var ErrDuplicateInstance = errors.New("another node with this identity was started later; stop one of them, or give one an identity of its own")

// Node is a member of the gossip network. NewNode builds it, Listen binds its
// sockets, Run runs it. Once Listen has returned, everything else may be called
// from anywhere at any time.
type Node struct {
	cfg   Config
	log   *slog.Logger
	self  wire.Pubkey
	doors *entrypoints

	conn     *conn        // set by Listen
	echo     net.Listener // set by Listen
	ring     *ring
	mailer   *mailer // set by Listen
	arrivals arrivals

	mu     sync.Mutex
	wanted wanted        // guarded by mu
	woken  chan struct{} // tells the loop that wanted has changed
	news   chan struct{} // tells who waits that there is a shred version

	view atomic.Pointer[view] // replaced whole by the loop, never modified
}

// wanted is what the loop is to put in force.
type wanted struct {
	snapshots    *Snapshots
	notServing   bool
	stakes       stakes
	shredVersion uint16
	join         *joinAs // nil until everything is known
}

// joinAs is what a node must know before it can take part.
type joinAs struct {
	gossip, rpc  netip.AddrPort
	shredVersion uint16
}

// view is what readers see.
type view struct {
	peers    []Peer
	status   Status
	stats    Stats
	revision uint64
	changed  chan struct{} // closed when peers is no longer the newest
}

// NewNode is a Node that is not listening yet.
func NewNode(cfg Config) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	doors, err := newEntrypoints(cfg.Entrypoints, cfg.Logger)
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, log: cfg.Logger, self: wire.PubkeyOf(cfg.Key), doors: doors,
		ring: newRing(cfg.Limits.ReceiveQueue), woken: make(chan struct{}, 1), news: make(chan struct{}, 1),
		wanted: wanted{shredVersion: cfg.ShredVersion},
	}
	n.view.Store(&view{status: Status{Pubkey: n.self, Mode: cfg.Mode}, changed: make(chan struct{})})
	return n, nil
}

// Listen binds the UDP port of gossip and the TCP port of IP echo, which are the
// same number. It must be called once, before Run.
func (n *Node) Listen(ctx context.Context) (err error) {
	const attempts = 16 // at finding a port that is free for both
	for range attempts {
		if err = n.listen(ctx); err == nil || n.cfg.Listen.Port() != 0 {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	return nil
}

func (n *Node) listen(ctx context.Context) error {
	conn, err := listenConn(n.cfg.Listen, n.cfg.Limits.ReceiveBuffer)
	if err != nil {
		return err
	}
	var config net.ListenConfig
	echo, err := config.Listen(ctx, "tcp4", netip.AddrPortFrom(n.cfg.Listen.Addr(), conn.Addr().Port()).String())
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	n.conn, n.echo, n.mailer = conn, echo, newMailer(conn, n.log)
	return nil
}

// Addr is the address that Listen has bound. It must not be called before.
func (n *Node) Addr() netip.AddrPort { return n.conn.Addr() }

// Peers are the nodes that were heard of in the last minute and answer our pings,
// without ourselves, in the order of their pubkeys. The slice is replaced whole and never modified.
func (n *Node) Peers() []Peer { return n.view.Load().peers }

// Changed is closed when Peers changes after the call.
func (n *Node) Changed() <-chan struct{} { return n.view.Load().changed }

// Status is how the node is doing.
func (n *Node) Status() Status { return n.view.Load().status }

// Stats count what happened since the start.
func (n *Node) Stats() Stats {
	s := n.view.Load().stats
	if n.conn != nil {
		s.Unreadable = n.conn.counters.unreadable.Load()
		s.TooLong, s.Lost = n.conn.counters.tooLong.Load(), n.conn.kernelDrops()
		s.Unsent = n.conn.counters.refused.Load() + n.conn.counters.unsent.Load() + n.mailer.dropped.Load()
	}
	s.Overflowed = n.ring.drops()
	return s
}

// Announce replaces the announced snapshots, see Announcer.
func (n *Node) Announce(s *Snapshots) { n.want(func(w *wanted) { w.snapshots = s }) }

// SetServing tells whether to be found as a server. A node that is not has a
// contact info without an RPC address, and no longer refreshes its snapshot
// hashes.
func (n *Node) SetServing(serving bool) { n.want(func(w *wanted) { w.notServing = !serving }) }

// SetStakes replaces what is known of who has how much stake, in lamports. It
// must not be modified afterwards. Without stakes every node is treated alike.
func (n *Node) SetStakes(of map[wire.Pubkey]uint64) { n.want(func(w *wanted) { w.stakes = of }) }

// SetShredVersion is for a node that was not given a shred version, when one
// becomes known otherwise than by entrypoints. It does nothing once there is one.
func (n *Node) SetShredVersion(version uint16) {
	n.want(func(w *wanted) {
		if w.shredVersion == 0 {
			w.shredVersion = version
			wake(n.news)
		}
	})
}

func (n *Node) want(change func(*wanted)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(&n.wanted)
	wake(n.woken)
}

func (n *Node) wants() wanted {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.wanted
}

// wake leaves a note in a channel with room for one. A note that is there already
// will do.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run takes part in the network until ctx is done, and returns when all that it
// started has ended and the sockets are closed. It returns ErrDuplicateInstance
// when another node has taken over the identity.
func (n *Node) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	saves := make(chan []byte, 1)
	echo := newEchoServer(echoConfig{
		shredVersion: func() uint16 { return n.Status().ShredVersion },
		connected:    func(netip.Addr) { n.arrivals.arrived(port{"tcp", n.Addr().Port()}) },
		logger:       n.log,
	})
	group.Go(func() error { return n.conn.readLoop(ctx, n.ring) })
	group.Go(func() error { return echo.Run(ctx, n.echo) })
	group.Go(func() error { return n.doors.Run(ctx) })
	group.Go(func() error { n.prepare(ctx); return nil })
	group.Go(func() error { n.save(saves); return nil })
	group.Go(func() error { n.mailer.run(); return nil })
	group.Go(func() error {
		defer close(saves)
		return n.loop(ctx, saves)
	})
	return errors.Join(group.Wait(), n.conn.Close())
}

// save writes what the loop hands over.
func (n *Node) save(saves <-chan []byte) {
	for b := range saves {
		if err := n.cfg.SaveContactInfos(b); err != nil {
			n.log.Warn("gossip: contact infos not saved; the next start will take longer to find peers", "err", err)
		}
	}
}

// newSecretRand is a source of random numbers that nobody can guess.
func newSecretRand() *rand.Rand {
	var seed [32]byte
	crand.Read(seed[:]) // never fails
	return rand.New(rand.NewChaCha8(seed))
}

func now() uint64 { return uint64(time.Now().UnixMilli()) }
