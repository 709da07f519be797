package main

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/gossip"
	"solsnap/gossip/wire"
)

// fakeNode is a node of gossip that ends when it is told to.
type fakeNode struct {
	config    gossip.Config
	listenErr error
	end       chan error
	peers     func() []gossip.Peer // nil: one without anything
	status    gossip.Status
	stats     gossip.Stats

	announced    *gossip.Snapshots
	serving      bool
	stakes       map[wire.Pubkey]uint64
	shredVersion uint16
}

func (f *fakeNode) Listen(context.Context) error { return f.listenErr }
func (f *fakeNode) Addr() netip.AddrPort         { return netip.AddrPortFrom(loopback, 4444) }
func (f *fakeNode) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-f.end:
		return err
	}
}
func (f *fakeNode) Peers() []gossip.Peer {
	if f.peers == nil {
		return []gossip.Peer{{}}
	}
	return f.peers()
}
func (f *fakeNode) Status() gossip.Status               { return f.status }
func (f *fakeNode) Stats() gossip.Stats                 { return f.stats }
func (f *fakeNode) Announce(s *gossip.Snapshots)        { f.announced = s }
func (f *fakeNode) SetServing(serving bool)             { f.serving = serving }
func (f *fakeNode) SetStakes(s map[wire.Pubkey]uint64)  { f.stakes = s }
func (f *fakeNode) SetShredVersion(shredVersion uint16) { f.shredVersion = shredVersion }

// fakes hand out nodes, one after the other.
type fakes struct {
	*gossiper
	log  logBuffer
	made sync.Mutex
	// Guarded by made.
	nodes []*fakeNode
	busy  int // so many nodes after the first cannot listen
}

func newFakes(t *testing.T) *fakes {
	t.Helper()
	f := new(fakes)
	f.gossiper = &gossiper{
		logger:  slog.New(slog.NewTextHandler(&f.log, nil)),
		leaving: func() bool { return false },
		build: func(c gossip.Config) (gossipNode, error) {
			f.made.Lock()
			defer f.made.Unlock()
			node := &fakeNode{config: c, end: make(chan error, 1), status: gossip.Status{Joined: true}, stats: gossip.Stats{BytesIn: 1}}
			if len(f.nodes) > 0 && f.busy > 0 {
				f.busy--
				node.listenErr = errors.New("busy")
			}
			f.nodes = append(f.nodes, node)
			return node, nil
		},
	}
	if err := f.listen(t.Context(), gossip.Config{Listen: netip.AddrPortFrom(loopback, 0)}); err != nil {
		t.Fatal(err)
	}
	return f
}

// last is the node that was built last, and how many were.
func (f *fakes) last() (*fakeNode, int) {
	f.made.Lock()
	defer f.made.Unlock()
	return f.nodes[len(f.nodes)-1], len(f.nodes)
}

// after lets time pass, and what is to happen then.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// run runs the gossiper until the test stops it, and gives how it ended.
func (f *fakes) run(t *testing.T) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	return func() error { cancel(); return <-ended }
}

// TestGossipThatFailsStartsAgain on its old port, later each time, and knowing
// what it knew.
func TestGossipThatFailsStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t)
		f.busy = 1
		stop := f.run(t)
		snapshots, stakes := &gossip.Snapshots{}, map[wire.Pubkey]uint64{{1}: 2}
		f.Announce(snapshots)
		f.SetServing(false)
		f.SetStakes(stakes)
		f.SetShredVersion(7)
		for _, pause := range []time.Duration{3 * time.Second, 4 * time.Second} { // 1 s and 2 s of a busy port; then 4 s
			before, _ := f.last()
			before.end <- errors.New("no network")
			after(pause - time.Millisecond)
			if f.current() != gossipNode(before) {
				t.Errorf("replaced before %v", pause)
			}
			after(time.Millisecond)
			last, _ := f.last()
			if f.current() != gossipNode(last) || last == before {
				t.Fatalf("not replaced after %v\n%s", pause, &f.log)
			}
			if last.announced != snapshots || last.serving || last.stakes[wire.Pubkey{1}] != 2 || last.shredVersion != 7 {
				t.Errorf("the new node was not told everything: %+v", last)
			}
			if last.config.Listen.Port() != 4444 {
				t.Errorf("listens on %v, want the port of before", last.config.Listen)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestGossipRecovers: a failure long after the last is the first again.
func TestGossipRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakes(t)
		f.busy = 5
		stop := f.run(t)
		first, _ := f.last()
		first.end <- errors.New("no network")
		after(time.Hour)
		old, before := f.last()
		old.end <- errors.New("no network")
		after(gossipPause)
		if _, now := f.last(); now != before+1 {
			t.Errorf("%d nodes were built after a second, want 1", now-before)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestDuplicateInstance(t *testing.T) {
	for name, tt := range map[string]struct {
		fatal, leaving bool
		want           error
		log            string
	}{
		"fatal":              {true, false, gossip.ErrDuplicateInstance, ""},
		"not fatal":          {false, false, nil, "level=ERROR msg=\"gossip: ended; downloads go on"},
		"while draining":     {true, true, nil, "level=INFO msg=\"gossip: ended, another node with this identity took over"},
		"gentle and leaving": {false, true, nil, "level=INFO"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakes(t)
			f.duplicateFatal, f.leaving = tt.fatal, func() bool { return tt.leaving }
			f.nodes[0].end <- gossip.ErrDuplicateInstance
			if err := f.Run(t.Context()); !errors.Is(err, tt.want) {
				t.Errorf("error is %v, want %v", err, tt.want)
			}
			if !strings.Contains(f.log.String(), tt.log) {
				t.Errorf("want %s in the log:\n%s", tt.log, &f.log)
			}
			if f.Peers() != nil || f.Status().Joined || f.Stats().BytesIn != 0 || f.Addr().IsValid() {
				t.Error("what has ended is still shown")
			}
			f.Announce(nil) // has nobody to tell
		})
	}
}
