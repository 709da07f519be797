package fetch

import (
	"context"
	"time"
)

const (
	firstDelay = 250 * time.Millisecond
	lastDelay  = 10 * time.Second
	// longestDelay is as long as a server's Retry-After is heeded.
	longestDelay = 30 * time.Second
)

// backoff is how long to leave a source alone after so many failures in a row.
// Half of it is chance, in [0, 1), so that clients of a server that has failed do
// not come back together. What the server has asked for is heeded, up to a limit.
func backoff(failures int, asked time.Duration, chance float64) time.Duration {
	delay := firstDelay
	for range failures - 1 {
		delay = min(2*delay, lastDelay)
	}
	delay = delay/2 + time.Duration(chance*float64(delay/2))
	return max(delay, min(asked, longestDelay))
}

// pause waits, and returns early with the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
