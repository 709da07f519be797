package rpc

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSupply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		text := atomic.Pointer[string]{}
		set := func(s string) { text.Store(&s) }
		u := newUpstream(t, UpstreamConfig{URL: "http://validator", Client: clientOf(func(r *http.Request) (*http.Response, error) {
			calls.Add(1)
			time.Sleep(time.Second)
			return replyTo(r, *text.Load())
		})})
		expectSupply := func(wantTotal, wantCirculating uint64, wantErr bool, wantCalls int32) {
			t.Helper()
			total, circulating, err := u.Supply(t.Context())
			if total != wantTotal || circulating != wantCirculating || (err != nil) != wantErr || calls.Load() != wantCalls {
				t.Errorf("supply is %d, %d, %v after %d calls", total, circulating, err, calls.Load())
			}
		}
		set(`"error":{"code":-32601,"message":"Method not found"}`)
		expectSupply(0, 0, true, 1)
		expectSupply(0, 0, true, 1)
		time.Sleep(supplyFailureAge)
		set(`"result":{"context":{"slot":1},"value":{"circulating":9007199254740993,"total":18446744073709551615}}`)
		joined := make(chan error)
		for range 10 {
			go func() { _, _, err := u.Supply(t.Context()); joined <- err }()
		}
		for range 10 {
			if err := <-joined; err != nil {
				t.Error(err)
			}
		}
		expectSupply(18446744073709551615, 9007199254740993, false, 2)
		time.Sleep(supplyAge)
		set(`"result":{"value":{}}`)
		expectSupply(0, 0, true, 3)
	})
}

// TestSupplyCallerThatLeaves: it neither waits nor spoils it for the next.
func TestSupplyCallerThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUpstream(t, UpstreamConfig{URL: "http://validator", Client: clientOf(func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(5 * time.Second):
				return replyTo(r, `"result":{"value":{"circulating":1,"total":2}}`)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})})
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, _, err := u.Supply(brief); err == nil || time.Since(start) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		if total, _, err := u.Supply(t.Context()); err != nil || total != 2 {
			t.Errorf("the next caller got %d, %v", total, err)
		}
	})
}
