package discovery

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// mesh carries messages in memory.
type mesh struct {
	t       testing.TB
	mu      sync.Mutex
	nodes   map[string]*Worker                               // by address
	refuse  func(from, to wire.Pubkey, kind Kind) error      // nil lets all pass
	answer  func(to wire.Pubkey, kind Kind, b []byte) []byte // what becomes of an answer
	silent  map[wire.Pubkey]bool                             // accept, and say nothing
	asked   map[string]int                                   // by FROM>TO KIND
	longest map[Kind]int                                     // requests or answers
	peak    map[Kind]int
	now     map[Kind]int
}

func newMesh(t testing.TB) *mesh {
	return &mesh{
		t: t, nodes: map[string]*Worker{}, silent: map[wire.Pubkey]bool{}, asked: map[string]int{},
		longest: map[Kind]int{}, peak: map[Kind]int{}, now: map[Kind]int{},
	}
}

// member is a node of a mesh.
type member struct {
	*Worker
	dir    *Directory
	target Target
	events *Subscription
	stop   func()
}

func (m *mesh) node(n byte, change func(*Config, *WorkerConfig), bootstrap ...Target) *member {
	m.t.Helper()
	target := Target{peer(n), []string{fmt.Sprintf("http://node-%d", n)}}
	cfg := Config{Key: seeded(n), Network: network, Addresses: target.Addresses}
	w := WorkerConfig{Transport: &cable{m, target.Peer}, Bootstrap: bootstrap}
	if change != nil {
		change(&cfg, &w)
	}
	var err error
	w.Directory, err = NewDirectory(cfg)
	noError(m.t, err)
	worker, err := NewWorker(w)
	noError(m.t, err)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nodes[target.Addresses[0]] = worker
	return &member{Worker: worker, dir: w.Directory, target: target, events: w.Directory.Subscribe(EventID{})}
}

// run starts a node; stop waits for its end, and t ends it anyway.
func (n *member) run(t testing.TB) *member {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		noError(t, <-done)
	})
	t.Cleanup(n.stop)
	return n
}

func (n *member) knows() int { return n.dir.Catalog().Len() }

// cable is the transport of one node.
type cable struct {
	mesh *mesh
	from wire.Pubkey
}

const delay = 10 * time.Millisecond

func (c *cable) Exchange(ctx context.Context, to Target, kind Kind, request []byte) ([]byte, error) {
	m := c.mesh
	if _, ok := ctx.Deadline(); !ok {
		m.t.Errorf("%v without a deadline", kind)
	}
	worker, err := m.enter(c.from, to, kind, len(request))
	defer m.leave(kind)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if m.isSilent(to.Peer) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	response, err := worker.Handle(request)
	if err == nil && m.answer != nil {
		response = m.answer(to.Peer, kind, response)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.longest[kind] = max(m.longest[kind], len(request), len(response))
	return response, err
}

var errRefused = errors.New("connection refused")

func (m *mesh) enter(from wire.Pubkey, to Target, kind Kind, size int) (*Worker, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now[kind]++
	m.peak[kind] = max(m.peak[kind], m.now[kind])
	m.asked[fmt.Sprintf("%v>%v %v", from, to.Peer, kind)]++
	if size > kind.MaxRequest() {
		m.t.Errorf("%v has %d bytes", kind, size)
	}
	if m.refuse != nil {
		if err := m.refuse(from, to.Peer, kind); err != nil {
			return nil, err
		}
	}
	for _, address := range to.Addresses {
		if w := m.nodes[address]; w != nil {
			return w, nil
		}
	}
	return nil, errRefused
}

func (m *mesh) leave(kind Kind) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now[kind]--
}

func (m *mesh) isSilent(k wire.Pubkey) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.silent[k]
}

func (m *mesh) silence(k wire.Pubkey, silent bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.silent[k] = silent
}

func (m *mesh) setRefuse(refuse func(from, to wire.Pubkey, kind Kind) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = refuse
}

// count is how many requests of a kind there were.
func (m *mesh) count(from, to *member, kind Kind) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked[fmt.Sprintf("%v>%v %v", from.dir.self, to.dir.self, kind)]
}

// wantEvents takes the events of a node.
func (n *member) wantEvents(t testing.TB, want ...EventKind) {
	t.Helper()
	got := pending(t, n.events)
	if !slices.Equal(got, want) {
		t.Errorf("events: got %v, want %v", got, want)
	}
}

func keyOf(seed wire.Hash) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(seed[:]) }
