package gossip

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"solsnap/gossip/wire"
)

// running is a Node that runs on a loopback address.
type running struct {
	*Node
	t      *testing.T
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of Run, once done is closed
}

// ownLoopback is where a node of a cluster on this machine listens: on an address of
// its own, as on the internet.
func ownLoopback(number int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1 + byte(number)}), 0)
}

// quick are limits that make things happen soon.
var quick = Limits{
	Round: 20 * time.Millisecond, PullInterval: 100 * time.Millisecond, SettledInterval: 100 * time.Millisecond,
	RefreshInterval: 900 * time.Millisecond, PingInterval: time.Second, AnnounceInterval: time.Second,
	ReceiveQueue: 1024, ReceiveBuffer: 1 << 20,
}

// run starts a Node, which ends with the test if not before.
func run(t *testing.T, cfg Config) *running {
	t.Helper()
	cfg.AllowPrivate, cfg.Limits = true, quick
	n, err := NewNode(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Node: n, t: t, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = n.Run(ctx)
	}()
	t.Cleanup(func() { r.stop() })
	return r
}

// stop ends it, and waits for that.
func (r *running) stop() error {
	r.cancel()
	<-r.done
	return r.err
}

// leavesNothing checks at the end that all goroutines of a test have ended.
func leavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// await waits until something is so of the peers.
func (r *running) await(what string, so func([]Peer) bool) {
	r.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		changed := r.Changed()
		if so(r.Peers()) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			r.t.Fatalf("not in 30 s: %s; %d peers, status %+v", what, len(r.Peers()), r.Status())
		}
	}
}

// peer is a node among peers.
func peer(peers []Peer, pubkey wire.Pubkey) *Peer {
	i := slices.IndexFunc(peers, func(p Peer) bool { return p.Pubkey == pubkey })
	if i < 0 {
		return nil
	}
	return &peers[i]
}

// theFirst is the first node of a cluster.
func theFirst(t *testing.T) *running {
	return run(t, Config{Key: keyOf(0), Listen: ownLoopback(0), ShredVersion: simulated, Mode: Full})
}

// later is the config of a node that knows nothing but the first.
func later(number int, first *running) Config {
	return Config{Key: keyOf(number), Listen: ownLoopback(number), Entrypoints: []string{first.Addr().String()},
		RPC: netip.AddrPortFrom(netip.Addr{}, 8899)}
}

// TestNodesFindEachOther over real sockets: the second learns where it is and of
// which cluster by IP echo, and each sees what the other announces.
func TestNodesFindEachOther(t *testing.T) {
	leavesNothing(t)
	first := theFirst(t)
	second := run(t, later(1, first))
	first.await("it sees the second", func(p []Peer) bool { return len(p) == 1 })
	second.await("it sees the first", func(p []Peer) bool { return len(p) == 1 })

	status := second.Status()
	same(t, "learned shred version", status.ShredVersion, simulated)
	same(t, "learned address", status.Gossip, second.Addr())
	same(t, "advertised RPC", status.RPC, netip.AddrPortFrom(second.Addr().Addr(), 8899))
	seen := first.Peers()[0]
	same(t, "pubkey", seen.Pubkey, second.Status().Pubkey)
	same(t, "gossip address", seen.Gossip, second.Addr())
	same(t, "RPC address", seen.RPC, status.RPC)

	second.Announce(snapshotsAt(1000, 1100))
	first.await("it sees the snapshots", func(p []Peer) bool { return p[0].Snapshots.Equal(snapshotsAt(1000, 1100)) })
	second.Announce(snapshotsAt(2000, 0))
	first.await("it sees the new snapshots", func(p []Peer) bool { return p[0].Snapshots.Equal(snapshotsAt(2000, 0)) })
	second.SetServing(false)
	first.await("it sees the withdrawal", func(p []Peer) bool { return !p[0].RPC.IsValid() })
	second.SetServing(true)
	first.await("it sees the return", func(p []Peer) bool { return p[0].RPC.IsValid() })
	first.await("it has a round-trip time", func(p []Peer) bool { return p[0].RTT > 0 })

	same(t, "error of the second at its end", second.stop(), nil)
	same(t, "error of the first at its end", first.stop(), nil)
}

// TestTenNodes meet by one of them.
func TestTenNodes(t *testing.T) {
	leavesNothing(t)
	const size = 10
	nodes := []*running{theFirst(t)}
	for i := 1; i < size; i++ {
		nodes = append(nodes, run(t, later(i, nodes[0])))
	}
	for i, n := range nodes {
		n.await("it knows all others", func(p []Peer) bool { return len(p) == size-1 })
		n.Announce(snapshotsAt(1000, uint64(1001+i)))
	}
	for i, n := range nodes {
		n.await("it knows what all others announce", func(p []Peer) bool {
			for j, other := range nodes {
				seen := peer(p, other.Status().Pubkey)
				if i != j && (seen == nil || !seen.Snapshots.Equal(snapshotsAt(1000, uint64(1001+j)))) {
					return false
				}
			}
			return true
		})
	}
}

// vault keeps contact infos for the next run.
type vault struct {
	mu    sync.Mutex
	saved []byte
}

func (v *vault) save(b []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.saved = b
	return nil
}

func (v *vault) load() ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.saved, nil
}

// TestNodeRemembersContactInfos: whom it knew it asks in the next run, when the
// entrypoint is gone (gossip-wire §9.1).
func TestNodeRemembersContactInfos(t *testing.T) {
	leavesNothing(t)
	var kept vault
	first := theFirst(t)
	friend := run(t, later(1, first))
	cfg := later(2, first)
	cfg.SaveContactInfos, cfg.LoadContactInfos = kept.save, kept.load
	node := run(t, cfg)
	pubkey := friend.Status().Pubkey
	node.await("it knows the friend", func(p []Peer) bool { return peer(p, pubkey) != nil })
	same(t, "error of the node", node.stop(), nil)
	same(t, "error of the first", first.stop(), nil)

	cfg.ShredVersion, cfg.Entrypoints = simulated, nil
	again := run(t, cfg)
	friend.Announce(snapshotsAt(1000, 0))
	again.await("it hears from the friend", func(p []Peer) bool {
		seen := peer(p, pubkey)
		return seen != nil && seen.Snapshots.Equal(snapshotsAt(1000, 0))
	})
}

// TestNodeStopsForItsSuccessor: of two nodes with one key the one that was started
// first stops (gossip-wire §4.5).
func TestNodeStopsForItsSuccessor(t *testing.T) {
	leavesNothing(t)
	first := theFirst(t)
	old := run(t, later(1, first))
	first.await("it knows the node", func(p []Peer) bool { return len(p) == 1 })
	cfg := later(1, first)
	cfg.Listen = ownLoopback(2)
	successor := run(t, cfg)
	select {
	case <-old.done:
		if !errors.Is(old.err, ErrDuplicateInstance) {
			t.Errorf("the old node ends with %v, want ErrDuplicateInstance", old.err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the old node runs on")
	}
	first.await("it knows the successor", func(p []Peer) bool { return len(p) == 1 && p[0].Gossip == successor.Addr() })
}
