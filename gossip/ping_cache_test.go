package gossip

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// answerTo is the pong of a node to a token. It is not signed: that is for whoever
// gives it to the cache.
func answerTo(from wire.Pubkey, token *wire.Token) *wire.Pong {
	return &wire.Pong{From: from, Hash: wire.PongHash(*token)}
}

const start = 1_700_000_000_000 // some time in ms

// gate is a ping cache with one node in it.
type gate struct {
	*testing.T
	*pingCache
	node wire.Pubkey
	addr netip.AddrPort
}

func newGate(t *testing.T) gate {
	return gate{t, newPingCache(pingLimits{}, dice()), numbered(1), at("192.0.2.1:8001")}
}

// wants checks what the cache says of the node at a time, and gives the token.
func (g gate) wants(now uint64, verified, ping bool) *wire.Token {
	g.Helper()
	got, token := g.check(g.node, g.addr, now)
	if got != verified || (token != nil) != ping {
		g.Errorf("at %d check says verified %v, ping %v; want %v, %v", now-start, got, token != nil, verified, ping)
	}
	return token
}

func (g gate) answer(token *wire.Token, now uint64) {
	g.Helper()
	if token == nil {
		g.Fatal("no ping to answer")
	}
	pong := answerTo(g.node, token)
	same(g, "expected", g.expects(pong, g.addr, now), true)
	_, ok := g.pong(pong, g.addr, now)
	same(g, "accepted", ok, true)
}

// TestPingGate follows one node, as Agave's test_ping_cache does.
func TestPingGate(t *testing.T) {
	g := newGate(t)
	token := g.wants(start, false, true)
	g.wants(start+1, false, false) // pinged just now
	g.wants(start+1_999, false, false)
	again := g.wants(start+2_000, false, true) // it may have been lost
	g.wants(start+4_000, false, true)
	g.wants(start+23_999, false, false) // enough for now
	token2 := g.wants(start+24_000, false, true)
	if *token != *again || *token == *token2 {
		t.Errorf("pings have the tokens %x, %x, %x; want the same two, so that a late pong counts, and another", token[:4], again[:4], token2[:4])
	}
	g.answer(token2, start+24_150)
	same(t, "round trip", g.rtt(g.node, g.addr, start+24_150), 150*time.Millisecond)

	ponged := uint64(start + 24_150)
	g.wants(ponged, true, false)
	g.wants(ponged+320_000, true, false)
	g.wants(ponged+320_001, true, true) // renewal
	g.wants(ponged+320_002, true, false)
	g.wants(ponged+322_001, true, true) // the pong was lost
	g.wants(ponged+1_280_000, true, true)
	token = g.wants(ponged+1_300_000, false, true) // expired
	same(t, "round trip", g.rtt(g.node, g.addr, ponged+1_300_000), 0)
	g.answer(token, ponged+1_300_001)
	g.wants(ponged+1_300_001, true, false)
	same(t, "shortest round trip", g.rtt(g.node, g.addr, ponged+1_300_001), time.Millisecond)
}

// TestRenewal moves the end of a verification.
func TestRenewal(t *testing.T) {
	g := newGate(t)
	g.answer(g.wants(start, false, true), start)
	for now := uint64(start + pongTTL/4 + 1); now < start+10*pongTTL; now += pongTTL/4 + 101 {
		g.answer(g.wants(now, true, true), now+100)
		g.wants(now+100, true, false)
	}
}

// TestPong is accepted for the pair that was pinged and no other, once, in time,
// and with the right hash.
func TestPong(t *testing.T) {
	node, addr := numbered(1), at("192.0.2.1:8001")
	for name, tt := range map[string]struct {
		pong  func(token *wire.Token) *wire.Pong
		from  string
		after uint64
		ok    bool
	}{
		"good":              {nil, "192.0.2.1:8001", 80, true},
		"in IPv6 form":      {nil, "[::ffff:192.0.2.1]:8001", 80, true},
		"at the last":       {nil, "192.0.2.1:8001", 60_000, true},
		"late":              {nil, "192.0.2.1:8001", 60_001, false},
		"from another port": {nil, "192.0.2.1:8002", 80, false},
		"from another host": {nil, "192.0.2.2:8001", 80, false},
		"from another node": {func(token *wire.Token) *wire.Pong { return answerTo(numbered(2), token) }, "192.0.2.1:8001", 80, false},
		"to another token":  {func(*wire.Token) *wire.Pong { return answerTo(node, new(wire.Token)) }, "192.0.2.1:8001", 80, false},
		"without a hash":    {func(*wire.Token) *wire.Pong { return &wire.Pong{From: node} }, "192.0.2.1:8001", 80, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newPingCache(pingLimits{}, dice())
			_, token := c.check(node, addr, start)
			pong := answerTo(node, token)
			if tt.pong != nil {
				pong = tt.pong(token)
			}
			now := start + tt.after
			same(t, "expected", c.expects(pong, at(tt.from), now), tt.ok)
			rtt, ok := c.pong(pong, at(tt.from), now)
			same(t, "accepted", ok, tt.ok)
			if ok {
				same(t, "round trip", rtt, time.Duration(tt.after)*time.Millisecond)
			}
			verified, _ := c.check(node, addr, now)
			same(t, "verified", verified, tt.ok)
			_, again := c.pong(pong, at(tt.from), now+1)
			same(t, "accepted again", again, false)
		})
	}
}

// TestPongNotAskedFor before any ping.
func TestPongNotAskedFor(t *testing.T) {
	g := newGate(t)
	pong := &wire.Pong{From: g.node}
	same(t, "expected", g.expects(pong, g.addr, start), false)
	_, ok := g.pong(pong, g.addr, start)
	same(t, "accepted", ok, false)
	same(t, "round trip", g.rtt(g.node, g.addr, start), 0)
	same(t, "pairs", g.len(), 0)
}

// TestPingCacheIsBounded forgets what was used longest ago.
func TestPingCacheIsBounded(t *testing.T) {
	c := newPingCache(pingLimits{pairs: 3, pings: rate{1, 1000}}, dice())
	addr := at("192.0.2.1:8001")
	verify := func(n uint64) {
		_, token := c.check(numbered(n), addr, start)
		c.pong(answerTo(numbered(n), token), addr, start)
	}
	for n := range uint64(3) {
		verify(n)
	}
	c.check(numbered(0), addr, start) // used, so that 1 is the oldest
	verify(3)
	same(t, "pairs", c.len(), 3)
	for n, want := range []bool{true, false, true, true} {
		same(t, fmt.Sprintf("node %d verified", n), c.rtt(numbered(uint64(n)), addr, start) > 0, want)
	}
}

// TestPingsAreLimited for all together. Who is refused takes no room and may try
// again; who has ponged is not refused.
func TestPingsAreLimited(t *testing.T) {
	c := newPingCache(pingLimits{}, dice())
	addr := at("192.0.2.1:8001")
	_, token := c.check(numbered(0), addr, start)
	c.pong(answerTo(numbered(0), token), addr, start)
	pings := 0
	now := uint64(start + pongTTL/4 + 1)
	for n := range uint64(5000) {
		if _, token := c.check(numbered(n+1), addr, now); token != nil {
			pings++
		}
	}
	same(t, "pings", pings, 1000)
	same(t, "pairs", c.len(), 1001)
	if _, token := c.check(numbered(0), addr, now); token == nil {
		t.Error("no renewal in a flood")
	}
	_, token = c.check(numbered(5000), addr, now+1)
	same(t, "refused still, as the renewal counts", token == nil, true)
	_, token = c.check(numbered(5000), addr, now+2)
	same(t, "pinged a moment later", token != nil, true)
	// A pair that was pinged long ago, without an answer, is refused like a new one.
	for n := range uint64(2000) {
		c.check(numbered(10_000+n), addr, now+30_000)
	}
	_, token = c.check(numbered(1), addr, now+30_000)
	same(t, "refused", token == nil, true)
}

// TestPingAfterTheClockWasSetBack is not put off until the clock has caught up.
func TestPingAfterTheClockWasSetBack(t *testing.T) {
	g := newGate(t)
	g.wants(start, false, true)
	token := g.wants(start-3_600_000, false, true)
	g.answer(token, start-3_600_000+5)
	g.wants(start-3_600_000+5, true, false)
}

// TestRoundTripAfterTheClockWasSetBack is short, not endless.
func TestRoundTripAfterTheClockWasSetBack(t *testing.T) {
	g := newGate(t)
	g.wants(start, false, true)
	token := g.wants(start+3000, false, true)
	g.answer(token, start+2500)
	same(t, "round trip", g.rtt(g.node, g.addr, start+2500), time.Millisecond)
}

func TestVerifiedAllocatesNothing(t *testing.T) {
	g := newGate(t)
	g.answer(g.wants(start, false, true), start)
	other := numbered(2)
	g.check(other, g.addr, start)
	allocations := testing.AllocsPerRun(100, func() {
		g.check(g.node, g.addr, start+1000) // moves to the front
		g.check(other, g.addr, start+1000)
	})
	same(t, "allocations", allocations, 0)
}

func BenchmarkPingCacheVerified(b *testing.B) {
	c := newPingCache(pingLimits{pings: rate{1, 10_000}}, dice())
	addr := at("192.0.2.1:8001")
	for n := range uint64(6000) {
		_, token := c.check(numbered(n), addr, start)
		c.pong(answerTo(numbered(n), token), addr, start)
	}
	for n := uint64(0); b.Loop(); n++ {
		c.check(numbered(n%6000), addr, start)
	}
}
