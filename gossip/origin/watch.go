package origin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"solsnap/gossip/discovery"
	"solsnap/gossip/wire"
	"solsnap/snapshot"
)

// watch keeps one origin's entry. All of it is owned by run.
type watch struct {
	cfg  *Config
	base base
	key  wire.Pubkey

	started  time.Time
	last     *answer   // of the last good probe; nil before
	said     bool      // whether the log knows how it is
	failures int       // in a row
	failing  time.Time // since when; zero while all is good
	listed   bool      // in the directory, for all we know

	highest  *uint64   // slot that was ever seen
	advanced time.Time // when that rose; zero if it was not seen to

	measured   snapshot.Name // what the speed was measured with
	measuredAt time.Time     // when that was; zero if it is to be done
}

func newWatch(cfg *Config, b base) *watch {
	return &watch{cfg: cfg, base: b, key: b.key(), started: time.Now()}
}

// run probes until ctx is done, and then leaves no entry behind.
func (w *watch) run(ctx context.Context) {
	defer w.withdraw()
	for ctx.Err() == nil {
		a, err := w.probe(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = w.list(a)
		}
		if err != nil {
			w.pause(ctx, w.fail(err))
			continue
		}
		w.succeed(a)
		w.measure(ctx, a.full.name)
		w.pause(ctx, w.jittered())
	}
}

// list puts what an answer says into the directory. The round trips follow: the
// directory takes none of strangers.
func (w *watch) list(a *answer) error {
	now := time.Now()
	w.advance(a, now)
	if err := w.cfg.Directory.Insert(w.entry(a, now), discovery.Origin); err != nil {
		return fmt.Errorf("list: %w", err)
	}
	w.listed = true
	for _, rtt := range a.rtts {
		w.cfg.Directory.Sample(w.key, discovery.OverHTTP, rtt)
	}
	return nil
}

// advance notes when there is something newer than ever. When the first came to be
// is not known. Behind one name there may be servers that are not equally far: who
// goes back and forth between their slots has not advanced.
func (w *watch) advance(a *answer, now time.Time) {
	s := a.stream()
	slot := s.Slot()
	if w.highest != nil && slot <= *w.highest {
		return
	}
	if w.highest != nil {
		w.advanced = now
	}
	w.highest = &slot
}

func (w *watch) succeed(a *answer) {
	if w.failures > 0 || !w.said {
		s := a.stream()
		w.cfg.Logger.Info("origin is reachable", "url", w.base.text, "slot", s.Slot(), "server", product(a.server))
	}
	w.last, w.said = a, true
	w.failures, w.failing = 0, time.Time{}
}

// fail notes a failure, and returns for how long to leave the origin alone.
func (w *watch) fail(err error) time.Duration {
	const longest = 300
	if w.failures == 0 {
		w.failing = time.Now()
		w.cfg.Logger.Warn("origin is unreachable", "url", w.base.text, "err", cut(err.Error(), longest))
	}
	w.said = true
	w.failures++
	var status *statusError
	var asked time.Duration
	if errors.As(err, &status) {
		asked = status.retryAfter
	}
	return w.cfg.backoff(w.failures, asked)
}

// backoff grows with the failures in a row. Half of it is chance, so that those who
// ask a server that has failed do not come back together.
func (c *Config) backoff(failures int, asked time.Duration) time.Duration {
	most := max(c.MaxRetry, c.Interval)
	delay := c.Interval
	for i := 1; i < failures && delay < most; i++ {
		delay = min(2*delay, most)
	}
	delay = delay/2 + time.Duration(c.Random()*float64(delay/2))
	return max(delay, min(asked, most))
}

// jittered is the interval, give or take a tenth: origins are not to be asked in step.
func (w *watch) jittered() time.Duration {
	i := float64(w.cfg.Interval)
	return time.Duration(0.9*i + 0.2*i*w.cfg.Random())
}

// pause waits for the next probe. An origin that has failed for too long loses its
// entry meanwhile.
func (w *watch) pause(ctx context.Context, delay time.Duration) {
	next := time.NewTimer(delay)
	defer next.Stop()
	var expired <-chan time.Time
	if w.listed && !w.failing.IsZero() {
		hold := time.NewTimer(time.Until(w.failing.Add(w.cfg.Hold)))
		defer hold.Stop()
		expired = hold.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			return
		case <-expired:
			w.withdraw()
			expired = nil
		}
	}
}

// withdraw removes the entry, and with it what was measured.
func (w *watch) withdraw() {
	if !w.listed {
		return
	}
	w.listed, w.measuredAt = false, time.Time{}
	w.cfg.Directory.Remove(w.key)
}
