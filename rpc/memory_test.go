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
	for _, m := range []*memory{u.memory, u.ownMemory} {
		if m.taken != 0 || len(m.clients) != 0 {
			t.Errorf("%d bytes are taken, by clients %v", m.taken, m.clients)
		}
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

// TestOneClientHoldsItsShare: who does not read is refused above an eighth, at
// once, and nobody else notices.
func TestOneClientHoldsItsShare(t *testing.T) {
	for _, told := range []bool{false, true} {
		t.Run(fmt.Sprint(told), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const size = 100_000
				log := new(lines)
				u := newUpstream(t, UpstreamConfig{
					URL: "http://validator", MaxResponseBytes: 2 * size, MaxHeldBytes: 32 * size, Client: bulky(size, told), Logger: log.logger(),
				})
				s := NewServer(Config{Upstream: u})
				read, written := make(chan struct{}), make(chan string, 40)
				var held atomic.Int32
				for range 40 {
					go func() {
						w := &stalled{recorder: newRecorder(), read: read, held: &held}
						s.ServeHTTP(w, newRequest(askBalance))
						written <- w.body.String()
					}()
				}
				synctest.Wait()
				if n := held.Load(); n == 0 || n > 4 || len(written) != int(40-n) {
					t.Errorf("%d responses are held, %d are refused", n, len(written))
				}
				for range len(written) {
					if got := <-written; got != unavailable+"\n" {
						t.Errorf("a refusal is %s", got)
					}
				}
				expectServed(t, s, "192.0.2.2:1")
				expectServed(t, s, "[2001:db8::1]:1")
				if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "client=192.0.2.1/32 method=getBalance") {
					t.Errorf("the log is %s", text)
				}
				close(read)
				for range held.Load() {
					<-written
				}
				expectServed(t, s, "192.0.2.1:2")
				expectNothingHeld(t, u)
			})
		})
	}
}

// expectServed has a client ask for a balance, and wants it at once.
func expectServed(t *testing.T, s *Server, client string) {
	t.Helper()
	start, w, r := time.Now(), newRecorder(), newRequest(askBalance)
	r.RemoteAddr = client
	s.ServeHTTP(w, r)
	if took := time.Since(start); took != 0 || !strings.Contains(w.body.String(), `"result":`) {
		t.Errorf("%s got %.100s after %v", client, w.body.String(), took)
	}
}

// TestNoClientRateIsNoShare: behind a proxy all clients have one address.
func TestNoClientRateIsNoShare(t *testing.T) {
	const size = 1000
	u := bulkyServer(t, UpstreamConfig{MaxResponseBytes: size, MaxHeldBytes: 4 * size, Client: bulky(1, true)}).config.Upstream
	if _, err := u.memory.take(clientKey("192.0.2.1:1"), 4*size); err != nil {
		t.Error(err)
	}
}

// TestMemoryRefusalsAreLoggedNowAndThen: once a minute.
func TestMemoryRefusalsAreLoggedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(lines)
		u := newUpstream(t, UpstreamConfig{URL: "http://validator", Timeout: time.Second, Client: bulky(1000, true), Logger: log.logger()})
		if _, err := u.memory.take(clientKey("192.0.2.9:1"), u.memory.share); err != nil {
			t.Fatal(err)
		}
		r := newRequest("")
		r.RemoteAddr = "192.0.2.9:1"
		for range 90 {
			if _, err := u.forward(r, upstreamCall{method: "getBalance"}); resultOf(err) != resultMemory {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 2 {
			t.Errorf("%d warnings in 90 s", n)
		}
	})
}

// TestShortResponsesPassLongOnes that wait for memory.
func TestShortResponsesPassLongOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 100_000
		u := newUpstream(t, UpstreamConfig{URL: "http://validator", ClientRate: -1, MaxResponseBytes: size, MaxHeldBytes: size, Client: clientOf(func(r *http.Request) (*http.Response, error) {
			n := 10
			if body, _ := r.GetBody(); strings.Contains(readAll(body), "getBlock") {
				n = size / 2
			}
			return bulky(n, true).Transport.RoundTrip(r)
		})})
		first, err := u.call(t.Context(), upstreamCall{method: "getBlock"})
		if err != nil {
			t.Fatal(err)
		}
		second := make(chan error, 1)
		go func() {
			answer, err := u.call(t.Context(), upstreamCall{method: "getBlock"})
			answer.release()
			second <- err
		}()
		synctest.Wait()
		start := time.Now()
		short, err := u.call(t.Context(), upstreamCall{method: "getSlot"})
		if err != nil || time.Since(start) != 0 || len(second) > 0 {
			t.Errorf("a short one: %v, after %v", err, time.Since(start))
		}
		short.release()
		first.release()
		if err := <-second; err != nil {
			t.Error(err)
		}
		expectNothingHeld(t, u)
	})
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

// TestOwnCallsNeedNoSharedMemory: clients that take all of it make neither the
// cluster's slot nor the supply unknown.
func TestOwnCallsNeedNoSharedMemory(t *testing.T) {
	result := `7`
	u := newUpstream(t, UpstreamConfig{URL: "http://validator", ClientRate: -1, Client: clientOf(func(r *http.Request) (*http.Response, error) {
		return replyTo(r, `"result":`+result)
	})})
	if _, err := u.memory.take(clientKey("192.0.2.1:1"), u.memory.total); err != nil {
		t.Fatal(err)
	}
	if err := u.poll(t.Context()); err != nil {
		t.Error(err)
	}
	if slot, ok := u.Slot(); !ok || slot != 7 {
		t.Errorf("polled slot is %d, %t", slot, ok)
	}
	result = `{"value":{"circulating":1,"total":2}}`
	if total, _, err := u.Supply(t.Context()); err != nil || total != 2 {
		t.Errorf("supply is %d, %v", total, err)
	}
	result = `"` + strings.Repeat("x", maxOwnResponse) + `"`
	if err := u.poll(t.Context()); resultOf(err) != resultTooLarge {
		t.Errorf("a long slot: %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
