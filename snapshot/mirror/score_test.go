package mirror

import (
	"crypto/ed25519"
	"testing"
	"time"

	"solsnap/gossip/discovery"
)

func newDirectory(t *testing.T) *discovery.Directory {
	t.Helper()
	d, err := discovery.NewDirectory(discovery.Config{Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestCaughtUp: what is behind is replayed while the cluster goes on.
func TestCaughtUp(t *testing.T) {
	m := Model{SlotRate: 2, ReplayRate: 6}
	for name, tt := range map[string]struct {
		download time.Duration
		behind   uint64
		want     time.Duration
	}{
		"there already": {0, 0, 0},
		"behind":        {0, 400, 100 * time.Second},
		"a download":    {100 * time.Second, 0, 150 * time.Second}, // 200 slots behind by then, and 100 more while those are replayed
		"never":         {longest, 1 << 63, longest},
	} {
		t.Run(name, func(t *testing.T) {
			if got := m.caughtUp(tt.download, tt.behind); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestGuess(t *testing.T) {
	for rtt, want := range map[time.Duration]int64{
		time.Microsecond: mostGuess, 0: 40 << 20, 100 * time.Millisecond: 40 << 20, 200 * time.Millisecond: 20 << 20, time.Minute: leastGuess,
	} {
		if got := guess(rtt); got != want {
			t.Errorf("at %v: %d, want %d", rtt, got, want)
		}
	}
}
