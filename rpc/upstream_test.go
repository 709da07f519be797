package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

const (
	unavailable = `{"jsonrpc":"2.0","error":{"code":-32005,"message":"Node is unhealthy","data":{"numSlotsBehind":null}},"id":1}`
	askSlot     = `{"jsonrpc":"2.0","id":1,"method":"getSlot"}`
	askBalance  = `{"jsonrpc":"2.0","id":1,"method":"getBalance","params":["x"]}`
)

// validator starts a fake upstream and a server in front of it.
func validator(t *testing.T, config UpstreamConfig, handler http.HandlerFunc) string {
	t.Helper()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	config.URL = web.URL
	return serve(t, Config{Upstream: newUpstream(t, config)}, node())
}

func newUpstream(t testing.TB, config UpstreamConfig) *Upstream {
	t.Helper()
	u, err := NewUpstream(config)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// idOf is the id of a request as Upstream writes it.
func idOf(body []byte) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(string(body), `{"id":`), ",")
	return id
}

// answering answers every call with text after "jsonrpc", under the right id.
func answering(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"jsonrpc":"2.0",%s,"id":%s}`+"\n", text, idOf(body))
	}
}

// TestPassesBigtableHeaderOn, the only one that means something to Agave.
func TestPassesBigtableHeaderOn(t *testing.T) {
	var got []string
	url := validator(t, UpstreamConfig{Methods: []string{"getBalance"}}, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("X-Bigtable"))
		answering(`"result":1`)(w, r)
	})
	for _, value := range []string{"disabled", "enabled", ""} {
		request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(askBalance))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Bigtable", value)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	if want := []string{"disabled", "", ""}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("upstream got %q, want %q", got, want)
	}
}

// TestForwardsRawBytes: parameters go up and results come down as they are,
// numbers beyond 2^53 and members that we know nothing of among them.
func TestForwardsRawBytes(t *testing.T) {
	var seen atomic.Pointer[string]
	url := validator(t, UpstreamConfig{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text := r.Header.Get("Content-Type") + " " + string(body)
		seen.Store(&text)
		fmt.Fprintf(w, `{"result":{"b":18446744073709551615,"a":1.0,"<":null},"jsonrpc":"2.0","id":%s}`, idOf(body))
	})
	expect(t, url, `{"jsonrpc":"2.0","id":"mine","method":"getBalance","params":["x", {"minContextSlot" : 9007199254740993}]}`,
		`{"jsonrpc":"2.0","result":{"b":18446744073709551615,"a":1.0,"<":null},"id":"mine"}`)
	want := `application/json {"id":1,"jsonrpc":"2.0","method":"getBalance","params":["x", {"minContextSlot" : 9007199254740993}]}`
	if *seen.Load() != want {
		t.Errorf("the upstream was sent\n%s\nwant\n%s", *seen.Load(), want)
	}
	expect(t, url, `[{"jsonrpc":"2.0","id":1,"method":"getBalance"},`+askHealth+`]`,
		`[{"jsonrpc":"2.0","result":{"b":18446744073709551615,"a":1.0,"<":null},"id":1},{"jsonrpc":"2.0","result":"ok","id":1}]`)
}

func TestForwardsErrors(t *testing.T) {
	url := validator(t, UpstreamConfig{}, answering(`"error":{"message":"m","code":-32602,"data":{"x":[]}, "more":1}`))
	expect(t, url, askBalance, `{"jsonrpc":"2.0","error":{"message":"m","code":-32602,"data":{"x":[]}, "more":1},"id":1}`)
}

func TestForwardsOnlyWhatIsAllowed(t *testing.T) {
	var calls atomic.Int32
	url := validator(t, UpstreamConfig{Methods: []string{"getBalance"}}, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		answering(`"result":1`)(w, r)
	})
	expect(t, url, `{"jsonrpc":"2.0","id":1,"method":"sendTransaction","params":["x"]}`, fmt.Sprintf(notFoundFormat, "1"))
	expect(t, url, askSlot, `{"jsonrpc":"2.0","result":150,"id":1}`)
	expect(t, url, `{"jsonrpc":"2.0","method":"getBalance"}`, ``)
	if n := calls.Load(); n != 0 {
		t.Errorf("the upstream saw %d calls", n)
	}
}

// TestHostileUpstream: whatever the upstream does, clients get Agave's words
// for a node that cannot answer, or the local answer if there is one.
func TestHostileUpstream(t *testing.T) {
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(code)
			answering(`"result":1`)(w, r)
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		result  upstreamResult
	}{
		"500":            {status(500), resultStatus},
		"404":            {status(404), resultRejected},
		"redirect":       {status(307), resultRejected},
		"204":            {status(204), resultRejected},
		"empty":          {raw(``), resultGarbage},
		"HTML":           {raw(`<html>`), resultGarbage},
		"array":          {raw(`[]`), resultGarbage},
		"wrong id":       {raw(`{"jsonrpc":"2.0","result":1,"id":99}`), resultGarbage},
		"id as string":   {raw(`{"jsonrpc":"2.0","result":1,"id":"1"}`), resultGarbage},
		"no id":          {raw(`{"jsonrpc":"2.0","result":1}`), resultGarbage},
		"neither":        {answering(`"x":1`), resultGarbage},
		"both":           {answering(`"result":1,"error":{"code":1,"message":"m"}`), resultGarbage},
		"error is text":  {answering(`"error":"broken"`), resultGarbage},
		"error, no code": {answering(`"error":{"message":"m"}`), resultGarbage},
		"trailing":       {raw(`{"jsonrpc":"2.0","result":1,"id":1}}`), resultGarbage},
		"not UTF-8":      {answering("\"result\":\"\xff\""), resultGarbage},
		"deep":           {answering(`"result":` + strings.Repeat("[", 200) + strings.Repeat("]", 200)), resultGarbage},
		"huge":           {answering(`"result":"` + strings.Repeat("x", 2000) + `"`), resultTooLarge},
		"closes":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, resultFailed},
		"closes half-way": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			io.WriteString(w, "{")
		}, resultFailed},
	} {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(c.handler)
			defer web.Close()
			u := newUpstream(t, UpstreamConfig{URL: web.URL, MaxResponseBytes: 1000})
			url := serve(t, Config{Upstream: u}, node())
			expect(t, url, askBalance, unavailable)
			if got := testutil.ToFloat64(u.metrics.calls.WithLabelValues("getBalance", string(c.result))); got != 1 {
				t.Errorf("not counted as %s", c.result)
			}
			expect(t, url, askSlot, `{"jsonrpc":"2.0","result":150,"id":1}`)
		})
	}
}

// TestUpstreamIsPreferredForGetSlot: the validator's slot is the higher one.
func TestUpstreamIsPreferredForGetSlot(t *testing.T) {
	url := validator(t, UpstreamConfig{}, answering(`"result":999`))
	expect(t, url, askSlot, `{"jsonrpc":"2.0","result":999,"id":1}`)
	expect(t, url, `{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}`, `{"jsonrpc":"2.0","result":{"full":100,"incremental":150},"id":1}`)
}

func TestUpstreamConfigIsChecked(t *testing.T) {
	for name, c := range map[string]struct{ url, method, want string }{
		"typo":      {"http://v", "getAcountInfo", `"getAcountInfo" is not known`},
		"case":      {"http://v", "getblockcommitment", `"getblockcommitment" is not known`},
		"local":     {"http://v", "getVersion", "leave it out"},
		"no URL":    {"", "getSlot", "http://host:port"},
		"no scheme": {"user:secret@host:8899", "getSlot", "http://host:port"},
		"no host":   {"http://", "getSlot", "http://host:port"},
		"ws":        {"ws://user:secret@host", "getSlot", `scheme "ws"`},
		"garbled":   {"http://user:secret@host:port%", "getSlot", "http://host:port"},
	} {
		_, err := NewUpstream(UpstreamConfig{URL: c.url, Methods: []string{c.method}})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error is %v, want %s", name, err, c.want)
		}
	}
	for _, method := range DefaultUpstreamMethods {
		if _, err := NewUpstream(UpstreamConfig{URL: "https://v/key", Methods: []string{method}}); err != nil {
			t.Errorf("default: %v", err)
		}
	}
}

// transport is an upstream without a network, for bubbles.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func clientOf(f transport) *http.Client { return &http.Client{Transport: f} }

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}
}

// reply answers a request as answering does.
func replyTo(r *http.Request, text string) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	return answer(http.StatusOK, fmt.Sprintf(`{"jsonrpc":"2.0",%s,"id":%s}`, text, idOf(body))), nil
}

func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestHangingUpstreamIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpstream(t, UpstreamConfig{URL: "http://validator", Timeout: 4 * time.Second, Client: clientOf(hang)})
		start := time.Now()
		_, err := u.forward(newRequest(""), upstreamCall{method: "getBalance"})
		if resultOf(err) != resultTimeout || time.Since(start) != 4*time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

// TestHungUpstreamDoesNotBreakBootstrap: Agave gives getSlot 5 s. Clients have
// the local answer within 2 s, and once the poller has noticed, at once.
func TestHungUpstreamDoesNotBreakBootstrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpstream(t, UpstreamConfig{URL: "http://validator", Client: clientOf(hang)})
		s := NewServer(Config{Upstream: u})
		if err := s.Register(node()); err != nil {
			t.Fatal(err)
		}
		ask := func(most time.Duration) {
			t.Helper()
			start, w := time.Now(), newRecorder()
			s.ServeHTTP(w, newRequest(askSlot))
			if took := time.Since(start); took > most || !strings.Contains(w.body.String(), `"result":150`) {
				t.Errorf("got %s after %v", w.body.String(), took)
			}
		}
		ask(2 * time.Second)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- u.Run(ctx) }()
		time.Sleep(10 * time.Second)
		for range 100 {
			ask(0)
			time.Sleep(time.Second)
		}
		stop()
		<-done
	})
}

// TestDrippingUpstreamIsCutOff: a byte now and then does not buy more time.
func TestDrippingUpstreamIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpstream(t, UpstreamConfig{URL: "http://validator", Timeout: 4 * time.Second, Client: clientOf(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(dripping{r.Context()})}, nil
		})})
		start := time.Now()
		_, err := u.forward(newRequest(""), upstreamCall{method: "getBalance"})
		if resultOf(err) != resultTimeout || time.Since(start) > 4*time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

type dripping struct{ ctx context.Context }

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-time.After(300 * time.Millisecond):
		return copy(p, " "), nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

// TestUpstreamConcurrency: calls beyond the slots wait for their time and no
// longer, and our own poll is not among those that wait.
func TestUpstreamConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under, most atomic.Int32
		u := newUpstream(t, UpstreamConfig{URL: "http://validator", MaxConcurrent: 2, Timeout: 3 * time.Second, Client: clientOf(func(r *http.Request) (*http.Response, error) {
			if body, _ := r.GetBody(); strings.Contains(readAll(body), "getSlot") {
				return replyTo(r, `"result":7`)
			}
			most.Store(max(most.Load(), under.Add(1)))
			defer under.Add(-1)
			<-r.Context().Done()
			time.Sleep(time.Second) // slow to let go
			return nil, r.Context().Err()
		})})
		results := make(chan upstreamResult)
		for range 3 {
			go func() {
				_, err := u.forward(newRequest(""), upstreamCall{method: "getBalance"})
				results <- resultOf(err)
			}()
		}
		synctest.Wait()
		u.poll(t.Context())
		if slot, ok := u.Slot(); !ok || slot != 7 {
			t.Errorf("polled slot is %d, %t", slot, ok)
		}
		got := map[upstreamResult]int{}
		for range 3 {
			got[<-results]++
		}
		if got[resultTimeout] != 2 || got[resultBusy] != 1 || most.Load() != 2 {
			t.Errorf("results are %v, %d at once", got, most.Load())
		}
	})
}

// TestBatchHasOneTimeout: its calls run some at a time, and together take no
// longer than one call may. Those that did not get their turn fail, or are
// answered from here, and nothing of it is held against the upstream.
func TestBatchHasOneTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpstream(t, UpstreamConfig{URL: "http://validator", ClientRate: -1, Timeout: 10 * time.Second, Client: clientOf(func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(3 * time.Second):
				return replyTo(r, `"result":1`)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})})
		s := NewServer(Config{Upstream: u})
		if err := s.Register(node()); err != nil {
			t.Fatal(err)
		}
		start, w := time.Now(), newRecorder()
		s.ServeHTTP(w, newRequest("["+strings.Repeat(askBalance+",", 99)+askSlot+"]"))
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("the batch took %v", took)
		}
		got := w.body.String()
		served, failed, local := strings.Count(got, `"result":1,`), strings.Count(got, unavailable), strings.Count(got, `"result":150,`)
		if served != 3*maxParallel || failed != 99-served || local != 1 {
			t.Errorf("%d served, %d failed, %d local", served, failed, local)
		}
		late := testutil.ToFloat64(u.metrics.calls.WithLabelValues("getBalance", string(resultTimeout)))
		busy := testutil.ToFloat64(u.metrics.calls.WithLabelValues("getBalance", string(resultBusy)))
		if late != maxParallel || late+busy != float64(failed) {
			t.Errorf("%v calls were cut, %v were not sent", late, busy)
		}
		if u.breaker.state != breakerClosed || u.breaker.failures != 0 {
			t.Errorf("breaker is %s after %d failures", u.breaker.state, u.breaker.failures)
		}
	})
}

func readAll(r io.Reader) string {
	text, _ := io.ReadAll(r)
	return string(text)
}

func TestClientThatLeavesIsNotHeldAgainstUpstream(t *testing.T) {
	leave := make(chan context.CancelFunc, 1)
	u := newUpstream(t, UpstreamConfig{URL: "http://validator", Client: clientOf(func(r *http.Request) (*http.Response, error) {
		(<-leave)()
		return hang(r)
	})})
	for range 2 * breakerFailures {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		leave <- cancel
		if _, err := u.forward(newRequest("").WithContext(ctx), upstreamCall{method: "getBalance"}); resultOf(err) != resultCanceled {
			t.Fatal(err)
		}
	}
	if u.breaker.state != breakerClosed {
		t.Error("the breaker opened")
	}
}

// TestSecretsStayOutOfLogs: a URL may hold a password or an access key, and
// net/http quotes it in its errors.
func TestSecretsStayOutOfLogs(t *testing.T) {
	log := new(lines)
	web := httptest.NewServer(nil)
	web.Close()
	u := newUpstream(t, UpstreamConfig{
		URL:    "http://secret:secret@" + web.Listener.Addr().String() + "/secret?secret",
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if _, err := u.forward(newRequest(""), upstreamCall{method: "getBalance"}); resultOf(err) != resultFailed {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "upstream call failed") || strings.Contains(text, "secret") {
		t.Errorf("the log is %s", text)
	}
}

// TestSlotIsForgotten: Run polls, and what it saw is known for half a minute.
func TestSlotIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slot atomic.Int64
		slot.Store(5)
		u := newUpstream(t, UpstreamConfig{URL: "http://validator", Client: clientOf(func(r *http.Request) (*http.Response, error) {
			if slot.Load() == 0 {
				return nil, errors.New("no route")
			}
			return replyTo(r, `"result":`+strconv.FormatInt(slot.Load(), 10))
		})})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- u.Run(ctx) }()
		expectSlot := func(want uint64, known bool) {
			t.Helper()
			synctest.Wait()
			if got, ok := u.Slot(); uint64(got) != want || ok != known {
				t.Errorf("slot is %d, %t, want %d, %t", got, ok, want, known)
			}
		}
		expectSlot(5, true)
		slot.Store(9)
		time.Sleep(3 * time.Second)
		expectSlot(9, true)
		slot.Store(0)
		time.Sleep(sightingAge - 4*time.Second)
		expectSlot(9, true)
		time.Sleep(5 * time.Second)
		expectSlot(0, false)
		slot.Store(11)
		time.Sleep(2 * breakerMaxPause)
		expectSlot(11, true)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
