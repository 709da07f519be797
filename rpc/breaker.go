package rpc

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The breaker's limits.
const (
	// breakerFailures in a row open the breaker.
	breakerFailures = 5
	// It stays open for about breakerPause the first time, and twice as long
	// after each probe that fails, up to breakerMaxPause.
	breakerPause    = time.Second
	breakerMaxPause = 30 * time.Second
)

// verdict is what a call says about the upstream.
type verdict uint8

const (
	abandoned verdict = iota // nothing
	succeeded
	failed
)

// pass is what the breaker says to a call.
type pass uint8

const (
	refused  pass = iota
	admitted      // as all calls are while closed
	probing       // as the one call of half-open, the poller's
)

// breakerState is also the value of the metric.
type breakerState uint8

const (
	breakerClosed breakerState = iota
	breakerHalfOpen
	breakerOpen
)

func (s breakerState) String() string {
	return [...]string{"closed", "half-open", "open"}[s]
}

// breaker keeps calls away from an upstream that has stopped to answer, so
// that clients hear so at once. When its pause is over it lets one call
// through, the probe, and goes by how that ends. The probe is the poller's:
// a client's call would have that client wait for the end of the timeout.
type breaker struct {
	log   *slog.Logger
	gauge prometheus.Gauge

	mu       sync.Mutex
	state    breakerState // guarded by mu
	failures int          // in a row, while closed; guarded by mu
	openings int          // since the last success; guarded by mu
	opened   time.Time    // when it last left closed; guarded by mu
	until    time.Time    // end of the pause, while open; guarded by mu
}

func newBreaker(log *slog.Logger, gauge prometheus.Gauge) *breaker {
	return &breaker{log: log, gauge: gauge}
}

// allow decides about a call, which may be the probe if it is the poller's.
// Unless it was refused, a report must follow.
func (b *breaker) allow(poller bool, now time.Time) pass {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state == breakerClosed:
		return admitted
	case poller && b.state == breakerOpen && !now.Before(b.until):
		b.enter(breakerHalfOpen)
		return probing
	default:
		return refused
	}
}

// report tells how an allowed call ended, and why if it failed. Calls from before the breaker opened
// may end while it is open: their failure is old news, their success is good news.
func (b *breaker) report(p pass, v verdict, cause error, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case v == succeeded:
		b.close(now)
	case p == probing && b.state == breakerHalfOpen:
		// It failed or was abandoned. In the latter case the next poll probes.
		b.open(v, now)
	case v == failed && b.state == breakerClosed:
		if b.failures++; b.failures >= breakerFailures {
			b.log.Warn("upstream does not answer; until it does, this node answers what it can and refuses the rest",
				"failures", b.failures, "err", cause)
			b.opened = now
			b.open(v, now)
		}
	}
}

// open starts a pause. Callers hold mu.
func (b *breaker) open(v verdict, now time.Time) {
	b.until = now
	if v == failed {
		b.until = now.Add(breakerBackoff(b.openings))
		b.openings++
	}
	b.enter(breakerOpen)
}

// close forgets all failures. Callers hold mu.
func (b *breaker) close(now time.Time) {
	b.failures, b.openings = 0, 0
	if b.state != breakerClosed {
		b.log.Info("upstream answers again", "after", now.Sub(b.opened).Round(time.Millisecond))
		b.enter(breakerClosed)
	}
}

// enter changes the state. Callers hold mu, and log what an operator would act
// on: that the upstream is lost, and found. Probes in between are not.
func (b *breaker) enter(state breakerState) {
	b.state = state
	b.gauge.Set(float64(state))
	b.log.Debug("upstream circuit breaker moved", "state", state.String())
}

// breakerBackoff is the pause after so many openings: doubled each time, and
// spread by half to both sides so that many nodes do not probe in step.
func breakerBackoff(openings int) time.Duration {
	pause := min(breakerPause<<min(openings, 10), breakerMaxPause)
	return pause/2 + rand.N(pause)
}
