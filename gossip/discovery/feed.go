package discovery

import (
	"context"
	"sync"
)

// feed keeps the last events for all who listen. What one more costs does not
// depend on how many listen, nor on what is in the catalog.
type feed struct {
	run  uint64 // of the ids
	mu   sync.Mutex
	ring []Event       // guarded by mu; the event of number n is at n % len
	last uint64        // guarded by mu; the number of the newest event
	more chan struct{} // guarded by mu; closed by the next event, nil while nobody waits
}

func newFeed(run uint64, backlog int) *feed {
	return &feed{run: run, ring: make([]Event, backlog)}
}

func (f *feed) publish(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	e.ID = EventID{f.run, f.last}
	f.ring[f.last%uint64(len(f.ring))] = e
	if f.more != nil {
		close(f.more)
		f.more = nil
	}
}

// read is the event after a number, or what to wait for.
func (f *feed) read(after uint64) (e Event, more <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if gone := f.last - min(f.last, uint64(len(f.ring))); after < gone {
		return Event{ID: EventID{f.run, gone}, Kind: Lagged, Lost: gone - after}, nil
	}
	if after < f.last {
		return f.ring[(after+1)%uint64(len(f.ring))], nil
	}
	if f.more == nil {
		f.more = make(chan struct{})
	}
	return Event{}, f.more
}

// Subscription reads events in their order. It holds nothing that would have to be
// given back. It is for one goroutine.
type Subscription struct {
	feed  *feed
	after uint64
	lost  *Event // to tell first
}

func (f *feed) subscribe(after EventID) *Subscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case after == EventID{}:
		return &Subscription{feed: f, after: f.last}
	case after.Run == f.run && after.Number <= f.last:
		return &Subscription{feed: f, after: after.Number}
	}
	lost := &Event{ID: EventID{f.run, f.last}, Kind: Lagged, Lost: f.last}
	return &Subscription{feed: f, after: f.last, lost: lost}
}

// Next waits for an event. The error is that of ctx. A subscriber that lags gets an
// event that is Lagged, and then the oldest that is left.
func (s *Subscription) Next(ctx context.Context) (Event, error) {
	for {
		e, more := s.take()
		if more == nil {
			return e, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Event{}, context.Cause(ctx)
		}
	}
}

// take is the next event, or what to wait for.
func (s *Subscription) take() (Event, <-chan struct{}) {
	if s.lost != nil {
		e := *s.lost
		s.lost = nil
		return e, nil
	}
	e, more := s.feed.read(s.after)
	if more == nil {
		s.after = e.ID.Number
	}
	return e, more
}
