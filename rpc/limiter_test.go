package rpc

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"
)

func TestClientRateLimit(t *testing.T) {
	url := validator(t, UpstreamConfig{ClientRate: 0.01, ClientBurst: 2}, answering(`"result":1`))
	one := `{"jsonrpc":"2.0","result":1,"id":1}`
	refused := `{"jsonrpc":"2.0","error":{"code":429,"message":"Too many requests"},"id":1}`
	expect(t, url, askBalance, one)
	expect(t, url, askBalance, one)
	got := post(t, url, askBalance)
	if got.status != http.StatusTooManyRequests || got.body != refused+"\n" {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if wait, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || wait < 95 || wait > 102 {
		t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
	}
	expect(t, url, "["+askBalance+","+askHealth+"]", "["+refused+`,{"jsonrpc":"2.0","result":"ok","id":1}]`)
	expect(t, url, askHealth, `{"jsonrpc":"2.0","result":"ok","id":1}`)
}

// TestLimitedClientIsAnsweredLocally: where this node has an answer, a client
// over its rate gets that, and not the validator's.
func TestLimitedClientIsAnsweredLocally(t *testing.T) {
	url := validator(t, UpstreamConfig{ClientRate: 0.01, ClientBurst: 1}, answering(`"result":999`))
	expect(t, url, askSlot, `{"jsonrpc":"2.0","result":999,"id":1}`)
	expect(t, url, askSlot, `{"jsonrpc":"2.0","result":150,"id":1}`)
	if got := post(t, url, askBalance); got.status != http.StatusTooManyRequests {
		t.Errorf("a call that only the upstream can answer gets %d", got.status)
	}
}

func TestClientRateLimitIsOff(t *testing.T) {
	url := validator(t, UpstreamConfig{ClientRate: -1, ClientBurst: 1}, answering(`"result":1`))
	for range 10 {
		expect(t, url, askBalance, `{"jsonrpc":"2.0","result":1,"id":1}`)
	}
}

func TestUpstreamRateLimitIsPassedOn(t *testing.T) {
	u := newUpstream(t, UpstreamConfig{URL: "http://validator", Client: clientOf(func(*http.Request) (*http.Response, error) {
		r := answer(http.StatusTooManyRequests, "")
		r.Header = http.Header{"Retry-After": {"3"}}
		return r, nil
	})})
	s := NewServer(Config{Upstream: u})
	for range 2 * breakerFailures {
		w := newRecorder()
		s.ServeHTTP(w, newRequest(askBalance))
		wait, _ := strconv.Atoi(w.header.Get("Retry-After"))
		if w.status != http.StatusTooManyRequests || wait < 3 || wait > 5 {
			t.Fatalf("got %d, Retry-After %d", w.status, wait)
		}
	}
}

func TestClientKeys(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:5": "192.0.2.1/32", "[::ffff:192.0.2.1]:5": "192.0.2.1/32",
		"[2001:db8:1:2:3::4]:5": "2001:db8:1:2::/64", "[fe80::1%eth0]:5": "fe80::/64",
		"": "invalid Prefix", "@": "invalid Prefix",
	} {
		if got := clientKey(remote).String(); got != want {
			t.Errorf("%q is known as %s, want %s", remote, got, want)
		}
	}
}

func TestClientLimitsAreBounded(t *testing.T) {
	c := newClientLimits(0.001, 1)
	now := time.Now()
	first := clientKey("10.0.0.0:1")
	c.wait(first, now)
	for i := range maxClients {
		c.wait(clientKey(fmt.Sprintf("10.1.%d.%d:1", i/256, i%256)), now)
		if c.wait(first, now) == 0 {
			t.Fatal("a busy client was forgotten")
		}
	}
	if len(c.clients) != maxClients || c.recent.Len() != maxClients {
		t.Errorf("%d clients are remembered", len(c.clients))
	}
}
