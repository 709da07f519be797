package middleware

import (
	"context"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// TestMinimumProgressRule plays the progress of a client, in bytes a second for
// each 10 seconds, against a minimum of 100 over a minute.
func TestMinimumProgressRule(t *testing.T) {
	limits := Limits{MinimumRate: 100, MinimumWindow: time.Minute}
	for name, c := range map[string]struct {
		rates []int64
		cutAt time.Duration // 0 is never
	}{
		"steady, just fast enough":         {[]int64{100, 100, 100, 100, 100, 100, 100, 100, 100, 100}, 0},
		"stalled from the start":           {[]int64{0, 0, 0, 0, 0, 0, 0, 0}, 60 * time.Second},
		"no verdict before a whole window": {[]int64{0, 0, 0, 0, 0, 600, 0}, 0},
		"stalls in the middle":             {[]int64{1000, 1000, 1000, 0, 0, 0, 0, 0, 0, 0}, 90 * time.Second},
		"pauses for less than a window":    {[]int64{1000, 0, 0, 0, 0, 0, 1000, 0, 0, 0, 0, 1000}, 0},
		"slower than the minimum":          {[]int64{99, 99, 99, 99, 99, 99, 99}, 60 * time.Second},
		"gets slower":                      {[]int64{200, 200, 200, 200, 200, 200, 50, 50, 50, 50, 50, 50}, 110 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Unix(1_700_000_000, 0)
			tr := &transfer{conn: &connection{}, source: steady{}, latest: progress{at: start}, window: []progress{{at: start}}}
			cutAt := time.Duration(0)
			for i, rate := range c.rates {
				now := start.Add(time.Duration(i+1) * 10 * time.Second)
				tr.sent.Add(rate * 10)
				tr.sample(now, limits)
				if tr.tooSlow(now, limits) && cutAt == 0 {
					cutAt = now.Sub(start)
				}
			}
			if cutAt != c.cutAt {
				t.Errorf("cut at %v, want %v", cutAt, c.cutAt)
			}
			if len(tr.window) > windowParts+1 {
				t.Errorf("%d samples are kept, want at most %d", len(tr.window), windowParts+1)
			}
		})
	}
}

// TestWaitingForUsIsNoStall: only the time that the peer has for taking what it is
// sent counts, before and after.
func TestWaitingForUsIsNoStall(t *testing.T) {
	limits := Limits{MinimumRate: 100, MinimumWindow: time.Minute}
	start := time.Unix(1_700_000_000, 0)
	tr := &transfer{conn: &connection{}, source: steady{}, latest: progress{at: start}, window: []progress{{at: start}}}
	cutAt := time.Duration(0)
	for passed := time.Duration(0); passed < 6*time.Minute && cutAt == 0; passed += 10 * time.Second {
		switch passed {
		case 30 * time.Second:
			tr.waiting = start.Add(passed)
		case 4 * time.Minute:
			tr.waited, tr.waiting = passed-30*time.Second, time.Time{}
		}
		tr.sample(start.Add(passed), limits)
		if tr.tooSlow(start.Add(passed), limits) {
			cutAt = passed
		}
	}
	if want := 4*time.Minute + 30*time.Second; cutAt != want {
		t.Errorf("cut at %v, want %v", cutAt, want)
	}
}

func TestAwaitTurnTellsHowLong(t *testing.T) {
	tr := &transfer{ctx: context.Background()}
	limiter := rate.NewLimiter(rate.Inf, tinyBody)
	if err := tr.awaitTurn(1000, limiter); err != nil || tr.waited <= 0 || !tr.waiting.IsZero() {
		t.Errorf("waited for %v, waiting since %v: %v", tr.waited, tr.waiting, err)
	}
	before := tr.waited
	if err := tr.awaitTurn(1000, limiter); err != nil || tr.waited <= before {
		t.Errorf("waited for %v after %v: %v", tr.waited, before, err)
	}
}
