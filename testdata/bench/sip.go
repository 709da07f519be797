//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// sipPeriod is how often a slow client reads, sipStep how often the next group
// of them does: they are spread over the period.
const (
	sipPeriod = 50 * time.Millisecond
	sipStep   = time.Millisecond
)

// sip lets each client that has asked take rate bytes per second for a while,
// and returns the bytes of bodies that came.
func (l *load) sip(ctx context.Context, rate float64, d time.Duration) (tally, error) {
	var t tally
	const groups = int(sipPeriod / sipStep)
	each := int64(rate * sipPeriod.Seconds())
	began := time.Now()
	for step := 0; ; step++ {
		at := began.Add(time.Duration(step) * sipStep)
		t.elapsed = time.Since(began)
		if t.elapsed >= d {
			return t, nil
		}
		if err := pause(ctx, time.Until(at)); err != nil {
			return t, err
		}
		for i := step % groups; i < len(l.clients); i += groups {
			n, err := l.take(l.clients[i], each)
			t.bytes += n
			if err != nil {
				return t, fmt.Errorf("slow client %d: %w", i, err)
			}
		}
	}
}

// take receives up to n bytes of what has arrived.
func (l *load) take(c *client, n int64) (int64, error) {
	var taken int64
	for taken < n {
		got, err := c.receive(l.scratch[:min(n-taken, int64(len(l.scratch)))])
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		if err != nil {
			return taken, err
		}
		taken += got
	}
	return taken, nil
}

// awaitHeads returns once every client that has asked has the head of its
// response, none of them reading on.
func (l *load) awaitHeads(ctx context.Context) error {
	for i, c := range l.clients {
		for !c.inBody {
			if _, err := c.receiveHead(); err != nil && !errors.Is(err, unix.EAGAIN) {
				return fmt.Errorf("client %d: %w", i, err)
			}
			if err := pause(ctx, 0); err != nil {
				return err
			}
		}
	}
	return nil
}
