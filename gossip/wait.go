package gossip

import (
	"context"
	"time"
)

// pause waits, and reports whether it did: it returns at once when the context
// ends.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// backoff is how long to wait before trying again: 5 ms, and twice as long each
// time, up to a second.
type backoff struct {
	wait time.Duration
}

func (b *backoff) reset() { b.wait = 0 }

// next is how long to wait now.
func (b *backoff) next() time.Duration {
	b.wait = min(max(2*b.wait, 5*time.Millisecond), time.Second)
	return b.wait
}
