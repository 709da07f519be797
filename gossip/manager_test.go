package gossip

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/gossip/wire"
)

// said records what an Announcer was told, as words.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) add(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// take is what was said since the last take.
func (s *said) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines
	s.lines = nil
	return lines
}

func (s *said) Announce(snapshots *Snapshots) {
	switch {
	case snapshots == nil:
		s.add("nothing")
	case snapshots.Incremental == nil:
		s.add("full %d", snapshots.Full.Slot)
	default:
		s.add("full %d, incremental %d", snapshots.Full.Slot, snapshots.Incremental.Slot)
	}
}

func (s *said) SetServing(serving bool) { s.add("serving %t", serving) }

// shelf is a served pair that a test changes.
type shelf struct {
	mu      sync.Mutex
	served  *Snapshots
	changed chan struct{}
	load    float64
}

func (s *shelf) set(served *Snapshots) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.served, s.changed = served, make(chan struct{})
}

func (s *shelf) setLoad(load float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load = load
}

func (s *shelf) Served() *Snapshots {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served
}

func (s *shelf) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *shelf) Load() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load
}

func slotHash(slot uint64) wire.SlotHash {
	return wire.SlotHash{Slot: slot, Hash: wire.Hash{byte(slot)}}
}

func full(slot uint64) *Snapshots { return &Snapshots{Full: slotHash(slot)} }

func onFull(fullSlot, incremental uint64) *Snapshots {
	s, i := full(fullSlot), slotHash(incremental)
	s.Incremental = &i
	return s
}

// runManager runs a Manager over a shelf in a bubble of time, until the script
// ends.
func runManager(t *testing.T, start *Snapshots, script func(m *Manager, s *shelf, heard func(want ...string))) {
	synctest.Test(t, func(t *testing.T) {
		shelf, said := &shelf{served: start, changed: make(chan struct{})}, &said{}
		m := NewManager(ManagerConfig{Node: said, Served: shelf.Served, Changed: shelf.Changed, Load: shelf.Load})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		script(m, shelf, func(want ...string) {
			t.Helper()
			synctest.Wait()
			if got := said.take(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("the node was told %q, want %q", got, want)
			}
		})
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// The states of Agave's SnapshotGossipManager (gossip-wire §13).
func TestManagerAnnouncesWhatIsServed(t *testing.T) {
	runManager(t, onFull(100, 110), func(_ *Manager, s *shelf, heard func(...string)) {
		heard("full 100, incremental 110") // the starting pair
		s.set(onFull(100, 120))
		heard("full 100, incremental 120") // one incremental, the newest
		s.set(full(200))
		heard("full 200") // a new full clears the incremental
		s.set(onFull(200, 210))
		heard("full 200, incremental 210")
		s.set(onFull(200, 210))
		heard() // nothing new, nothing said
		s.set(nil)
		heard("nothing")
	})
}

func TestManagerStartsWithoutSnapshots(t *testing.T) {
	runManager(t, nil, func(_ *Manager, s *shelf, heard func(...string)) {
		heard()
		s.set(full(100))
		heard("full 100")
	})
}

func TestManagerWithdrawsWhenBusy(t *testing.T) {
	runManager(t, full(100), func(_ *Manager, s *shelf, heard func(...string)) {
		heard("full 100")
		for _, step := range []struct {
			load float64
			want []string
		}{
			{0.89, nil}, {0.9, []string{"serving false"}}, {0.8, nil}, {0.7, nil}, {0.69, []string{"serving true"}}, {0.8, nil},
			{1.5, []string{"serving false"}},
		} {
			s.setLoad(step.load)
			time.Sleep(time.Second)
			heard(step.want...)
		}
	})
}

func TestManagerWithdrawsForGoodWhenDraining(t *testing.T) {
	runManager(t, full(100), func(m *Manager, s *shelf, heard func(...string)) {
		heard("full 100")
		m.Drain()
		m.Drain()
		heard("serving false")
		for _, load := range []float64{1, 0} {
			s.setLoad(load)
			time.Sleep(time.Second)
			heard()
		}
		s.set(full(200))
		heard("full 200") // the node keeps it to itself
	})
}
