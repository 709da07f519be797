package gossip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/gossip/wire"
)

// reply is what a fake entrypoint answers, and after how long.
type reply struct {
	after time.Duration
	addr  string
	shred uint16
	err   error
}

// country is fake entrypoints, and the names that lead to them: e0, e1 and so on.
func country(t *testing.T, replies ...reply) *entrypoints {
	b := make(book)
	by := make(map[netip.Addr]reply)
	var names []string
	addr := ip("192.0.2.0")
	for i, r := range replies {
		addr = addr.Next()
		host := fmt.Sprintf("e%d", i)
		b[host], by[addr] = []netip.Addr{addr}, r
		names = append(names, host+":8001")
	}
	e := pointsIn(t, b, names...)
	e.ask = func(ctx context.Context, entrypoint netip.AddrPort, _ netip.Addr, ports wire.IPEchoRequest) (wire.IPEchoResponse, error) {
		same(t, "ports", ports, wire.IPEchoRequest{})
		r := by[entrypoint.Addr()]
		if !pause(ctx, r.after) {
			return wire.IPEchoResponse{}, ctx.Err()
		}
		if r.err != nil {
			return wire.IPEchoResponse{}, fmt.Errorf("ask entrypoint %v: %w", entrypoint, r.err)
		}
		return wire.IPEchoResponse{Addr: ip(r.addr), ShredVersion: r.shred}, nil
	}
	return e
}

var errDown = errors.New("down")

func TestLearn(t *testing.T) {
	const here = "203.0.113.7"
	answer := func(after time.Duration) reply { return reply{after: after, addr: here, shred: 50093} }
	for name, tt := range map[string]struct {
		replies []reply
		want    uint16
		takes   time.Duration
		shred   uint16
		refusal []string
	}{
		"one":                          {[]reply{answer(100)}, 0, 100, 50093, nil},
		"all answer":                   {[]reply{answer(100), answer(300), answer(200)}, 0, 300, 50093, nil},
		"one is down":                  {[]reply{{after: 300, err: errDown}, answer(100)}, 0, 300, 50093, nil},
		"one is slow":                  {[]reply{{after: 5 * time.Second, err: errDown}, answer(100)}, 0, 100 + time.Second, 50093, nil},
		"the only one up is slow":      {[]reply{{err: errDown}, answer(4 * time.Second)}, 0, 4 * time.Second, 50093, nil},
		"all are down":                 {[]reply{{err: errDown}, {err: errDown}}, 0, 0, 0, []string{"no entrypoint answered: e", "e0:8001: ask entrypoint 192.0.2.1:8001: down", "e1:8001: ask entrypoint 192.0.2.2:8001: down"}},
		"no entrypoint":                {nil, 0, 0, 0, []string{"no entrypoint to ask", "give one, or set both"}},
		"one knows no shred version":   {[]reply{{addr: here}, answer(0)}, 0, 0, 50093, nil},
		"none knows the shred version": {[]reply{{addr: here}}, 0, 0, 0, []string{"entrypoint e0:8001 (192.0.2.1:8001) does not know the shred version", "set the shred version"}},
		"that was not wanted":          {[]reply{{addr: here}}, 50093, 0, 0, nil},
		"they disagree": {[]reply{answer(0), {addr: here, shred: 9065}}, 0, 0, 0,
			[]string{"disagree", "e0:8001 (192.0.2.1:8001) has 50093", "e1:8001 (192.0.2.2:8001) has 9065", "give those of one cluster"}},
		"too late to disagree":     {[]reply{answer(0), {after: 2 * time.Second, addr: here, shred: 9065}}, 0, time.Second, 50093, nil},
		"another one is wanted":    {[]reply{{addr: here, shred: 9065}}, 50093, 0, 0, []string{"e0:8001 (192.0.2.1:8001) has the shred version 9065, want 50093"}},
		"the one wanted is found":  {[]reply{{addr: here, shred: 9065}, {after: 200, addr: here, shred: 50093}}, 50093, 200, 50093, nil},
		"one knows what is wanted": {[]reply{{addr: here}, {after: 200, addr: here, shred: 50093}}, 50093, 200, 50093, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				got, err := country(t, tt.replies...).learn(t.Context(), netip.Addr{}, tt.want)
				same(t, "time", time.Since(begun), tt.takes)
				if tt.refusal != nil {
					says(t, err, tt.refusal...)
					return
				}
				same(t, "error", err, nil)
				same(t, "address", got.Addr, ip(here))
				same(t, "shred version", got.ShredVersion, tt.shred)
			})
		})
	}
}

// TestLearnPrefersAnAddressForTheWorld to the one that a neighbour sees.
func TestLearnPrefersAnAddressForTheWorld(t *testing.T) {
	for range 10 {
		synctest.Test(t, func(t *testing.T) {
			e := country(t,
				reply{addr: "10.1.2.3", shred: 50093},
				reply{after: 500, addr: "203.0.113.7", shred: 50093},
				reply{addr: "127.0.0.1", shred: 50093},
			)
			got, err := e.learn(t.Context(), netip.Addr{}, 0)
			same(t, "error", err, nil)
			same(t, "address", got.Addr, ip("203.0.113.7"))
		})
	}
}

// TestLearnAsksSomeAtATime of many, in random order.
func TestLearnAsksSomeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replies := make([]reply, 40)
		for i := range replies {
			replies[i] = reply{after: time.Second, err: errDown}
		}
		e := country(t, replies...)
		var asking, most, first atomic.Int64
		slow := e.ask
		e.ask = func(ctx context.Context, entrypoint netip.AddrPort, local netip.Addr, ports wire.IPEchoRequest) (wire.IPEchoResponse, error) {
			first.CompareAndSwap(0, int64(entrypoint.Addr().As4()[3]))
			now := asking.Add(1)
			defer asking.Add(-1)
			for now > most.Load() {
				most.Store(now)
			}
			return slow(ctx, entrypoint, local, ports)
		}
		firsts := make(map[int64]bool)
		for range 10 {
			first.Store(0)
			begun := time.Now()
			_, err := e.learn(t.Context(), netip.Addr{}, 0)
			says(t, err, "no entrypoint answered")
			same(t, "time", time.Since(begun), 3*time.Second)
			firsts[first.Load()] = true
		}
		same(t, "most at a time", most.Load(), 16)
		if len(firsts) < 3 {
			t.Errorf("only %d of 40 entrypoints were asked first in 10 turns", len(firsts))
		}
	})
}

func TestLearnIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		_, err := country(t, reply{after: time.Hour}).learn(ctx, netip.Addr{}, 0)
		same(t, "cancelled", errors.Is(err, context.DeadlineExceeded), true)
		same(t, "time", time.Since(begun), time.Second)
	})
}

// TestLearnFromOurOwnEntrypoints over real sockets.
func TestLearnFromOurOwnEntrypoints(t *testing.T) {
	names := []string{echoAt(t, knows(50093)).String(), echoAt(t, knows(0)).String(), echoAt(t, knows(50093)).String()}
	e, err := newEntrypoints(names, nil)
	same(t, "error", err, nil)
	got, err := e.learn(t.Context(), ip("127.0.0.1"), 0)
	same(t, "error", err, nil)
	same(t, "answer", got, wire.IPEchoResponse{Addr: ip("127.0.0.1"), ShredVersion: 50093})
}
