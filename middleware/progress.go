package middleware

import (
	"time"

	"golang.org/x/time/rate"
)

// progress is what the peer had received at a time.
type progress struct {
	at    time.Time
	bytes int64
}

// received is how many bytes the peer has acknowledged, or, where the kernel
// does not say, how many it was sent.
func (t *transfer) received() int64 {
	if acked, ok := ackedBytes(t.conn.raw); ok && acked >= t.ackedAt0 {
		return int64(acked - t.ackedAt0)
	}
	return t.sent.Load()
}

// sample records the progress at now. The caller holds registry.mu.
func (t *transfer) sample(now time.Time, l Limits) {
	select {
	case <-t.source.Done():
		t.cut(errRecycled)
	default:
	}
	look := progress{at: now, bytes: t.received()}
	if passed := now.Sub(t.latest.at).Seconds(); passed > 0 {
		t.rate = float64(look.bytes-t.latest.bytes) / passed
	}
	t.latest = look
	look.at = t.clock(now)
	if look.at.Sub(t.window[len(t.window)-1].at) >= l.MinimumWindow/windowParts {
		t.window = append(t.window, look)
	}
	for len(t.window) > 1 && look.at.Sub(t.window[1].at) >= l.MinimumWindow {
		t.window = append(t.window[:0], t.window[1:]...)
	}
}

// tooSlow reports whether the last whole window brought less than the minimum.
// The caller holds registry.mu and has called sample.
func (t *transfer) tooSlow(now time.Time, l Limits) bool {
	first := t.window[0]
	passed := t.clock(now).Sub(first.at)
	if passed < l.MinimumWindow {
		return false
	}
	return float64(t.latest.bytes-first.bytes) < float64(l.MinimumRate)*passed.Seconds()
}

// demand is how much the client would take. The caller holds registry.mu.
func (t *transfer) demand() float64 { return guessDemand(t.rate, t.share()) }

// share is what it is paced to, in bytes per second; 0 is unpaced. The caller
// holds registry.mu.
func (t *transfer) share() float64 {
	if t.limiter != nil && t.pieces == nil {
		return t.kept
	}
	return t.conn.share
}

// guessDemand guesses how much somebody would take who takes rate of share: more
// than the share if he fills that, else a quarter more than he takes.
func guessDemand(rate, share float64) float64 {
	const fills, growth, floor = 0.85, 1.25, 64 << 10
	if share == 0 || rate == 0 || rate >= fills*share {
		return demandless
	}
	return max(rate*growth, floor)
}

// pace limits the download to share bytes per second; 0 lifts the limit. The
// caller holds registry.mu.
func (t *transfer) pace(share float64) {
	const worthIt = 0.02
	was := t.share()
	if share == was || (share > 0 && share > was*(1-worthIt) && share < was*(1+worthIt)) {
		return
	}
	if setPacing(t.conn.raw, pacingRate(share)) == nil {
		t.conn.share = share
		return
	}
	if t.pieces != nil {
		return // it waits for its turn among them
	}
	if t.limiter == nil {
		t.limiter = rate.NewLimiter(rate.Inf, tinyBody)
	}
	t.limiter.SetLimit(rate.Inf)
	t.kept = share
	if share > 0 {
		t.limiter.SetLimit(rate.Limit(share))
	}
}

func pacingRate(share float64) uint64 {
	if share <= 0 {
		return unpaced
	}
	return uint64(max(share, 1))
}

// awaitTurn waits until size bytes, at most tinyBody, may be sent, where the
// process keeps the rate.
func (t *transfer) awaitTurn(size int64, limiter *rate.Limiter) error {
	if limiter == nil {
		return nil
	}
	t.mu.Lock()
	t.waiting = time.Now()
	t.mu.Unlock()
	err := limiter.WaitN(t.ctx, int(size))
	t.mu.Lock()
	t.waited += time.Since(t.waiting)
	t.waiting = time.Time{}
	t.mu.Unlock()
	return err
}

// clock is now less the time for which the peer had to wait for us: the minimum
// is demanded of the peer alone.
func (t *transfer) clock(now time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.waiting.IsZero() {
		return now.Add(-t.waited - max(0, now.Sub(t.waiting)))
	}
	return now.Add(-t.waited)
}

// describe is for Transfers.List; the caller holds registry.mu.
func (t *transfer) describe() Transfer {
	received := t.received()
	rate := t.rate
	if rate == 0 {
		rate = float64(received) / max(time.Since(t.started).Seconds(), 0.001)
	}
	return Transfer{
		Name:      t.name,
		Peer:      t.request.RemoteAddr,
		Started:   t.started,
		Sent:      min(received, t.size),
		Size:      t.size,
		Rate:      int64(rate),
		RequestID: RequestID(t.request.Header),
	}
}
