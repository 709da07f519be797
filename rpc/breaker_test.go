package rpc

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestBreaker follows an upstream that goes away and comes back.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		var up atomic.Bool
		log := new(lines)
		u := newUpstream(t, UpstreamConfig{URL: "http://user:secret@validator/secret?secret", Logger: log.logger(), Client: clientOf(func(r *http.Request) (*http.Response, error) {
			calls.Add(1)
			if up.Load() {
				return replyTo(r, `"result":1`)
			}
			return nil, errors.New("connection refused")
		})})
		ask := func() upstreamResult {
			_, err := u.forward(newRequest(""), upstreamCall{method: "getBalance"})
			return resultOf(err)
		}
		for range breakerFailures {
			ask()
		}
		if got := ask(); got != resultRefused || calls.Load() != breakerFailures {
			t.Fatalf("after %d failures a call ends as %s", calls.Load(), got)
		}
		if got := testutil.ToFloat64(u.metrics.state); got != float64(breakerOpen) {
			t.Errorf("state metric is %v", got)
		}
		time.Sleep(2 * breakerPause)
		if got := ask(); got != resultRefused {
			t.Errorf("a client's call is the probe and ends as %s", got)
		}
		if got := resultOf(u.poll(t.Context())); got != resultFailed {
			t.Errorf("the probe ends as %s", got)
		}
		if got := resultOf(u.poll(t.Context())); got != resultRefused {
			t.Errorf("after a failed probe a poll ends as %s", got)
		}
		up.Store(true)
		time.Sleep(4 * breakerPause)
		if probe, call := resultOf(u.poll(t.Context())), ask(); probe != resultOK || call != resultOK {
			t.Errorf("the upstream is back, and calls end as %s, %s", probe, call)
		}
		lost, found, _ := strings.Cut(log.String(), "\n")
		if !strings.HasSuffix(lost, `level=WARN msg="upstream does not answer; until it does, this node answers what it can and refuses the rest" `+
			`peer=validator failures=5 err="upstream: connection refused"`) {
			t.Errorf("the log of the loss is\n%s", lost)
		}
		if !strings.HasSuffix(found, "level=INFO msg=\"upstream answers again\" peer=validator after=6s\n") {
			t.Errorf("the log of the return is\n%s", found)
		}
	})
}

// TestBreakerProbesOnce: while a probe is out, all others are refused.
func TestBreakerProbesOnce(t *testing.T) {
	now := time.Now()
	b := newBreaker(new(lines).logger(), prometheus.NewGauge(prometheus.GaugeOpts{}))
	for range breakerFailures {
		b.report(b.allow(false, now), failed, nil, now)
	}
	late := now.Add(breakerMaxPause)
	if p := b.allow(true, late); p != probing {
		t.Fatalf("first call after the pause: %d", p)
	}
	if p := b.allow(true, late); p != refused {
		t.Errorf("second call: %d", p)
	}
	b.report(admitted, failed, nil, late)
	b.report(admitted, abandoned, nil, late)
	if b.state != breakerHalfOpen {
		t.Errorf("old failures moved it to %s", b.state)
	}
	b.report(probing, abandoned, nil, late)
	if p := b.allow(true, late); p != probing {
		t.Errorf("after an abandoned probe: %d", p)
	}
}

// TestBreakerCountsInARow: a failure now and then does not open it.
func TestBreakerCountsInARow(t *testing.T) {
	now := time.Now()
	b := newBreaker(new(lines).logger(), prometheus.NewGauge(prometheus.GaugeOpts{}))
	for range 3 {
		for range breakerFailures - 1 {
			b.report(b.allow(false, now), failed, nil, now)
		}
		b.report(b.allow(false, now), succeeded, nil, now)
	}
	if b.state != breakerClosed {
		t.Errorf("it is %s", b.state)
	}
}

func TestBreakerBackoff(t *testing.T) {
	for openings, want := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 4: 16 * time.Second, 5: 30 * time.Second, 1000: 30 * time.Second} {
		if got := breakerBackoff(openings); got < want/2 || got >= want*3/2 {
			t.Errorf("after %d openings the pause is %v", openings, got)
		}
	}
}
