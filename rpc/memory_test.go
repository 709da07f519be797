package rpc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// bulky answers with n bytes, their number told beforehand or not.
func bulky(n int, told bool) *http.Client {
	return clientOf(func(r *http.Request) (*http.Response, error) {
		response, err := replyTo(r, `"result":"`+strings.Repeat("x", n)+`"`)
		response.ContentLength = -1
		if told {
			text, _ := io.ReadAll(response.Body)
			response.ContentLength, response.Body = int64(len(text)), io.NopCloser(bytes.NewReader(text))
		}
		return response, err
	})
}

func bulkyServer(t *testing.T, config UpstreamConfig) *Server {
	t.Helper()
	config.URL, config.ClientRate = "http://validator", -1
	return NewServer(Config{Upstream: newUpstream(t, config)})
}

// TestLongResults arrive whole, in batches and alone, and leave no memory taken.
func TestLongResults(t *testing.T) {
	for _, told := range []bool{false, true} {
		for _, n := range []int{0, 1000, longText - 3, longText, 300_000} {
			t.Run(fmt.Sprint(told, n), func(t *testing.T) {
				s := bulkyServer(t, UpstreamConfig{Client: bulky(n, told)})
				url := serveHandler(t, s)
				one := `{"jsonrpc":"2.0","result":"` + strings.Repeat("x", n) + `","id":1}`
				expect(t, url, askBalance, one)
				expect(t, url, "["+askBalance+","+askHealth+","+askBalance+"]",
					"["+one+","+fmt.Sprintf(notFoundFormat, "1")+","+one+"]")
				expectNothingHeld(t, s.config.Upstream)
			})
		}
	}
}

// expectNothingHeld looks at the metric and at the memory itself.
func expectNothingHeld(t *testing.T, u *Upstream) {
	t.Helper()
	if held := testutil.ToFloat64(u.metrics.held); held != 0 {
		t.Errorf("%v bytes are held", held)
	}
	if total := max(u.config.MaxHeldBytes, u.config.MaxResponseBytes+1); !u.memory.room.TryAcquire(total) {
		t.Error("memory is taken")
	}
}

// TestHeldResponsesAreBounded: slow readers hold what memory there is. Others
// wait for it, for their time and no longer, and it is not the upstream's fault.
func TestHeldResponsesAreBounded(t *testing.T) {
	for _, told := range []bool{false, true} {
		t.Run(fmt.Sprint(told), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const size = 100_000
				s := bulkyServer(t, UpstreamConfig{MaxResponseBytes: 2 * size, MaxHeldBytes: 5 * size, Timeout: 3 * time.Second, Client: bulky(size, told)})
				u := s.config.Upstream
				read := make(chan struct{})
				written := make(chan struct{})
				var held atomic.Int32
				for range 20 {
					go func() {
						w := &stalled{recorder: newRecorder(), read: read, held: &held}
						s.ServeHTTP(w, newRequest(askBalance))
						written <- struct{}{}
					}()
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if n := held.Load(); n == 0 || n > 5 {
					t.Errorf("%d responses of a fifth are held", n)
				}
				if n := testutil.ToFloat64(u.metrics.held); n < size || n > 5*size {
					t.Errorf("%v bytes are held", n)
				}
				time.Sleep(3 * time.Second)
				close(read)
				for range 20 {
					<-written
				}
				full := testutil.ToFloat64(u.metrics.calls.WithLabelValues("getBalance", string(resultMemory)))
				if full != float64(20-held.Load()) || u.breaker.state != breakerClosed {
					t.Errorf("%v calls found no memory, breaker %s", full, u.breaker.state)
				}
				expectNothingHeld(t, u)
			})
		})
	}
}

// stalled is a client that does not read a long answer until told to.
type stalled struct {
	*recorder
	read <-chan struct{}
	held *atomic.Int32
}

func (s *stalled) Write(p []byte) (int, error) {
	if len(p) > longText {
		s.held.Add(1)
		<-s.read
	}
	return s.recorder.Write(p)
}

// TestWaitingForMemory: a call that waits is served when another has let go.
func TestWaitingForMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 100_000
		s := bulkyServer(t, UpstreamConfig{MaxResponseBytes: size + 100, MaxHeldBytes: 1, Client: bulky(size, true)})
		u := s.config.Upstream
		first, err := u.call(t.Context(), upstreamCall{method: "getBalance"})
		if err != nil {
			t.Fatal(err)
		}
		second := make(chan error, 1)
		go func() {
			answer, err := u.call(t.Context(), upstreamCall{method: "getBalance"})
			answer.release()
			second <- err
		}()
		synctest.Wait()
		if len(second) > 0 {
			t.Fatalf("two are held: %v", <-second)
		}
		first.release()
		if err := <-second; err != nil {
			t.Error(err)
		}
		expectNothingHeld(t, u)
	})
}

// TestRefusedResponsesLetGo: nothing is held of what is not passed on.
func TestRefusedResponsesLetGo(t *testing.T) {
	const size = 100_000
	for name, c := range map[string]struct {
		body   io.Reader
		length int64
		result upstreamResult
	}{
		"too large":       {strings.NewReader(strings.Repeat("x", size+1)), -1, resultTooLarge},
		"too large, told": {strings.NewReader(strings.Repeat("x", size+1)), size + 1, resultTooLarge},
		"garbage":         {strings.NewReader(strings.Repeat("x", size)), -1, resultGarbage},
		"broken":          {io.MultiReader(strings.NewReader(strings.Repeat("x", size)), broken{}), -1, resultFailed},
	} {
		t.Run(name, func(t *testing.T) {
			s := bulkyServer(t, UpstreamConfig{MaxResponseBytes: size, MaxHeldBytes: 1, Timeout: time.Minute, Client: clientOf(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, ContentLength: c.length, Body: io.NopCloser(c.body)}, nil
			})})
			u := s.config.Upstream
			expect(t, serveHandler(t, s), askBalance, unavailable)
			if testutil.ToFloat64(u.metrics.calls.WithLabelValues("getBalance", string(c.result))) != 1 {
				t.Errorf("not counted as %s", c.result)
			}
			expectNothingHeld(t, u)
		})
	}
	t.Run("batch", func(t *testing.T) {
		s := bulkyServer(t, UpstreamConfig{Client: bulky(size, false)})
		s.config.MaxBatchBytes = 2*size + 100
		got := post(t, serveHandler(t, s), "["+strings.Repeat(askBalance+",", 19)+askBalance+"]").body
		if n := strings.Count(got, `"result":`); n != 2 {
			t.Errorf("%d results", n)
		}
		expectNothingHeld(t, s.config.Upstream)
	})
}

// TestOwnCallsLetGo: the poller's, and those for the supply.
func TestOwnCallsLetGo(t *testing.T) {
	u := newUpstream(t, UpstreamConfig{URL: "http://validator", Client: bulky(1000, true)})
	if err := u.poll(t.Context()); err != nil {
		t.Error(err)
	}
	if _, _, err := u.Supply(t.Context()); err == nil {
		t.Error("a text is a supply")
	}
	expectNothingHeld(t, u)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
