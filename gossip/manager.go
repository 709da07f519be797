package gossip

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Announcer is told what to say of one's own node; *Node is one. No call blocks.
type Announcer interface {
	// Announce replaces the announced snapshots; nil announces none any more. What
	// it is given must not be modified afterwards.
	Announce(*Snapshots)
	// SetServing tells whether to be found by those who look for a server.
	SetServing(bool)
}

// ManagerConfig is what a Manager is made of. Node, Served and Changed are
// required.
type ManagerConfig struct {
	Node Announcer
	// Served is the pair that requests are redirected to, nil for none. Its
	// incremental has its full as base. Changed is closed when Served changes after
	// the call.
	Served  func() *Snapshots
	Changed func() <-chan struct{}
	// Load is how busy the server is, 1 when it cannot take one more download. It
	// is asked once a second. Nil is never busy.
	Load func() float64
	// WithdrawAt is the load from which on the node is no longer to be found, 0.9 by
	// default; ReturnAt the one below which it is again, 0.7. A joining node that is
	// turned away does not come back, so it is better not to be found by it.
	WithdrawAt, ReturnAt float64
	// Logger is nil to discard.
	Logger *slog.Logger
}

func (c ManagerConfig) withDefaults() ManagerConfig {
	if c.Load == nil {
		c.Load = func() float64 { return 0 }
	}
	inherit(&c.WithdrawAt, 0.9)
	inherit(&c.ReturnAt, 0.7)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Manager announces the pair that is served, so that whoever is sent here by
// gossip is redirected to what gossip said (Agave
// core/src/snapshot_packager_service/snapshot_gossip_manager.rs). It withdraws
// the node from the eyes of joining nodes when the server drains or is busy.
type Manager struct {
	cfg       ManagerConfig
	announced *Snapshots // owned by Run
	busy      bool       // owned by Run
	draining  bool       // owned by Run

	drain   sync.Once
	drained chan struct{} // closed by Drain
}

// NewManager is a Manager that does nothing until Run.
func NewManager(cfg ManagerConfig) *Manager {
	return &Manager{cfg: cfg.withDefaults(), drained: make(chan struct{})}
}

// Drain withdraws the node for good: the server takes no new downloads.
func (m *Manager) Drain() { m.drain.Do(func() { close(m.drained) }) }

// Run announces the pair of the start, and every one after it, until ctx is
// done.
func (m *Manager) Run(ctx context.Context) error {
	const second = time.Second
	ticker := time.NewTicker(second)
	defer ticker.Stop()
	drained := m.drained
	for {
		changed := m.cfg.Changed() // before Served, so that no change is missed
		m.announce(m.cfg.Served())
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-ticker.C:
			m.weigh(m.cfg.Load())
		case <-drained:
			drained, m.draining = nil, true
			m.cfg.Node.SetServing(false)
			m.cfg.Logger.Info("gossip: withdrawn, the server drains")
		}
	}
}

// announce says what is new. A full archive of its own replaces the incremental
// with itself: an incremental on another base would be an archive nobody can use.
func (m *Manager) announce(served *Snapshots) {
	if served.Equal(m.announced) {
		return
	}
	m.announced = served
	m.cfg.Node.Announce(served)
	if served == nil {
		m.cfg.Logger.Info("gossip: announcing no snapshot any more")
		return
	}
	m.cfg.Logger.Info("gossip: announcing", attributes(served)...)
}

// weigh withdraws a busy node and brings it back, with a distance between the
// two so that one download more or less does not do both.
func (m *Manager) weigh(load float64) {
	switch {
	case m.draining:
	case !m.busy && load >= m.cfg.WithdrawAt:
		m.busy = true
		m.cfg.Node.SetServing(false)
		m.cfg.Logger.Warn("gossip: withdrawn, the server is busy", "load", load)
	case m.busy && load < m.cfg.ReturnAt:
		m.busy = false
		m.cfg.Node.SetServing(true)
		m.cfg.Logger.Info("gossip: back, the server has room", "load", load)
	}
}

func attributes(s *Snapshots) []any {
	list := []any{"slot", s.Full.Slot, "hash", s.Full.Hash}
	if s.Incremental != nil {
		list = append(list, "incremental", slog.GroupValue(slog.Uint64("slot", s.Incremental.Slot), slog.Any("hash", s.Incremental.Hash)))
	}
	return list
}
