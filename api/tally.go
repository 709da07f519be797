package api

import (
	"context"
	"sync"
)

// tally counts things that come and go, and lets one goroutine wait until none
// is left. The zero value is ready.
type tally struct {
	mu   sync.Mutex
	n    int           // guarded by mu
	none chan struct{} // closed when n falls to 0; nil while nobody waits; guarded by mu
}

// add counts one more.
func (t *tally) add() {
	t.mu.Lock()
	t.n++
	t.mu.Unlock()
}

// addBelow counts one more unless there are limit already.
func (t *tally) addBelow(limit int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n >= limit {
		return false
	}
	t.n++
	return true
}

// done counts one less.
func (t *tally) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n--
	if t.n == 0 && t.none != nil {
		close(t.none)
		t.none = nil
	}
}

// count is how many there are now.
func (t *tally) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}

// wait returns nil when there are none, else the context's error.
func (t *tally) wait(ctx context.Context) error {
	none := t.whenNone()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// whenNone is a channel that is closed when there are none.
func (t *tally) whenNone() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.none == nil {
		t.none = make(chan struct{})
	}
	none := t.none
	if t.n == 0 {
		close(t.none)
		t.none = nil
	}
	return none
}
