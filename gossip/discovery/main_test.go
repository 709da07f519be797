package discovery

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handClock is moved by tests.
type handClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *handClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *handClock) step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// self is the key of the directory under test.
const self = 100

func newTestDirectory(t testing.TB, change func(*Config)) (*Directory, *handClock) {
	t.Helper()
	clock := &handClock{at: epoch}
	cfg := Config{Key: seeded(self), Network: network, Now: clock.now}
	if change != nil {
		change(&cfg)
	}
	d, err := NewDirectory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d, clock
}

func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pending is the kinds of the events that wait for a subscriber, and checks that the
// catalog has each already.
func pending(t testing.TB, s *Subscription) (kinds []EventKind) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for {
		e, more := s.take()
		if more != nil {
			if _, err := s.Next(ctx); err == nil {
				t.Fatal("an event appeared by itself")
			}
			return kinds
		}
		kinds = append(kinds, e.Kind)
	}
}

func wantEvents(t testing.TB, s *Subscription, want ...EventKind) {
	t.Helper()
	if got := pending(t, s); !slices.Equal(got, want) {
		t.Errorf("events: got %v, want %v", got, want)
	}
}

func leaving(t testing.TB, n byte, v Version, at time.Time) SignedDeparture {
	t.Helper()
	s, err := SignDeparture(seeded(n), Departure{network, peer(n), v, millis(at)})
	noError(t, err)
	return s
}
