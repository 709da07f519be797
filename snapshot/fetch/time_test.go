package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// transport answers requests without a network, in whatever time there is.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func answer(r *http.Request, status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, ContentLength: -1, Body: io.NopCloser(body)}
}

// pour is an archive whose bytes come as a function says: it returns how many
// bytes per second there are after so much time, and 0 for none.
type pour struct {
	ctx  context.Context
	now  func() time.Duration
	rate func(time.Duration) int
	left int64
}

func (p *pour) Read(b []byte) (int, error) {
	const tick = 100 * time.Millisecond
	if p.left == 0 {
		return 0, io.EOF
	}
	for {
		select {
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		case <-time.After(tick):
		}
		if rate := p.rate(p.now()); rate > 0 {
			n := min(int64(rate)/int64(time.Second/tick), p.left, int64(len(b)))
			p.left -= n
			return int(n), nil
		}
	}
}

// pouring is a source without ranges, as Agave's, that pours so much.
func pouring(size int64, rate func(time.Duration) int) transport {
	return func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			return answer(r, http.StatusMethodNotAllowed, strings.NewReader("")), nil
		}
		began := time.Now()
		response := answer(r, http.StatusOK, &pour{r.Context(), func() time.Duration { return time.Since(began) }, rate, size})
		response.ContentLength = size
		return response, nil
	}
}

// TestRateFloor looks at every window of the download, not only at the first.
func TestRateFloor(t *testing.T) {
	const floor = 100 << 10
	always := func(rate int) func(time.Duration) int { return func(time.Duration) int { return rate } }
	for name, tt := range map[string]struct {
		rate func(time.Duration) int
		ends time.Duration // 0: it is quick enough
	}{
		"just quick enough": {always(floor + 5<<10), 0},
		"too slow":          {always(floor - 5<<10), 10 * time.Second},
		"slow at first": {func(at time.Duration) int {
			if at < 5*time.Second {
				return 1 << 10
			}
			return 3 * floor
		}, 0},
		"a pause": {func(at time.Duration) int {
			if at > 20*time.Second && at < 24*time.Second {
				return 0
			}
			return 2 * floor
		}, 0},
		"drips after a while": {func(at time.Duration) int {
			if at > 20*time.Second {
				return 1 << 10
			}
			return 2 * floor
		}, 26 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tempDir(t)
			synctest.Test(t, func(t *testing.T) {
				c := config(dir, "http://192.0.2.1")
				c.Transport, c.MinRate, c.StallTimeout = pouring(6<<20, tt.rate), floor, 8*time.Second
				began := time.Now()
				_, err := fetchInto(t, c)
				elapsed := time.Since(began)
				if tt.ends == 0 && err != nil {
					t.Errorf("after %s: %v", elapsed, err)
				}
				if tt.ends > 0 && (!errors.Is(err, ErrTooSlow) || elapsed < tt.ends-time.Second || elapsed > tt.ends+time.Second) {
					t.Errorf("after %s: %v; want ErrTooSlow after %s", elapsed, err, tt.ends)
				}
			})
		})
	}
}

// TestX7Stall: a source that falls silent is left after the stall timeout, at
// whatever point it does.
func TestX7Stall(t *testing.T) {
	silent := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	for name, source := range map[string]transport{
		"no answer":     silent,
		"no first byte": pouring(mib, func(time.Duration) int { return 0 }),
		"in the middle": pouring(mib, func(at time.Duration) int {
			if at < 2*time.Second {
				return 100 << 10
			}
			return 0
		}),
	} {
		t.Run(name, func(t *testing.T) {
			dir := tempDir(t)
			synctest.Test(t, func(t *testing.T) {
				c := config(dir, "http://192.0.2.1")
				c.Transport, c.StallTimeout, c.Attempts = source, 5*time.Second, 1
				began := time.Now()
				_, err := fetchInto(t, c)
				if elapsed := time.Since(began); !errors.Is(err, ErrNoSource) || !strings.Contains(err.Error(), "stalled") || elapsed > 8*time.Second {
					t.Errorf("after %s: %v", elapsed, err)
				}
			})
			assertFiles(t, dir)
		})
	}
}

func TestBackoff(t *testing.T) {
	for name, tt := range map[string]struct {
		failures int
		asked    time.Duration
		chance   float64
		want     time.Duration
	}{
		"first":            {1, 0, 0, 125 * time.Millisecond},
		"first, with luck": {1, 0, 0.5, 187500 * time.Microsecond},
		"third":            {3, 0, 0, 500 * time.Millisecond},
		"never longer":     {1000, 0, 1, lastDelay},
		"as asked":         {1, 20 * time.Second, 0, 20 * time.Second},
		"asked too much":   {1, time.Hour, 0, longestDelay},
	} {
		if got := backoff(tt.failures, tt.asked, tt.chance); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestBacksOff: a source that is overloaded is asked again when it said, and no
// more often than configured.
func TestBacksOff(t *testing.T) {
	dir := tempDir(t)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var asked []string
		c := config(dir, "http://192.0.2.1")
		c.Attempts = 4
		c.Transport = transport(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, fmt.Sprint(time.Since(began)))
			response := answer(r, http.StatusServiceUnavailable, strings.NewReader(""))
			if len(asked) == 2 {
				response.Header.Set("Retry-After", "7")
			}
			return response, nil
		})
		if _, err := fetchInto(t, c); !errors.Is(err, ErrNoSource) {
			t.Errorf("error is %v", err)
		}
		if got, want := strings.Join(asked, " "), "0s 125ms 7.125s 7.625s"; got != want {
			t.Errorf("asked at %s, want %s", got, want)
		}
	})
}

// TestX1CancelsWaits: whatever it waits for, a Run that is cancelled ends at once.
func TestX1CancelsWaits(t *testing.T) {
	for name, source := range map[string]transport{
		"answer": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"body": pouring(mib, func(time.Duration) int { return 0 }),
		"back-off": func(r *http.Request) (*http.Response, error) {
			response := answer(r, http.StatusServiceUnavailable, strings.NewReader(""))
			response.Header.Set("Retry-After", "20")
			return response, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tempDir(t)
			synctest.Test(t, func(t *testing.T) {
				c := config(dir, "http://192.0.2.1")
				c.Transport, c.StallTimeout = source, time.Minute
				d, err := New(c)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				began := time.Now()
				if _, err := d.Run(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
			})
			assertFiles(t, dir)
		})
	}
}
