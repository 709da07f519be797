package gossip

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"solsnap/gossip/crds"
	"solsnap/gossip/wire"
)

// TestGossipFloodOfPings: an address gets 256 pongs at once and 64 a second
// (gossip-wire §2.1), and others theirs all the same.
func TestGossipFloodOfPings(t *testing.T) {
	l := newLab(t, Light, Limits{})
	flooder, other := newActor(1), newActor(2)
	ping := wire.NewPing(flooder.key, wire.Token{1})
	pongs := 0
	for range 20 { // two seconds
		for port := range uint16(10) {
			from := netip.AddrPortFrom(flooder.addr.Addr(), 8001+port)
			pongs += len(only[*wire.Pong](l.hears(from, ping, ping, ping, ping, ping, ping, ping, ping, ping, ping)))
		}
		l.clock += 100
	}
	same(t, "pongs for 2000 pings of one address in 2 s", pongs, 256+64*19/10)
	same(t, "pongs for another address", len(l.hears(other.addr, wire.NewPing(other.key, wire.Token{2}))), 1)
}

// fill puts values of many origins into the table.
func (l *lab) fill(origins, values int) {
	l.t.Helper()
	for i := range origins {
		a := newActor(1000 + i)
		l.table.Insert(signed(l.t, a.key, a.info(l.clock)), crds.Pulled, l.clock)
		for j := 1; j < values/origins; j++ {
			l.table.Insert(madeEpochSlots(l.t, a.key, uint8(j), l.clock), crds.Pulled, l.clock)
		}
	}
}

// TestGossipFloodOfPullRequests: all responses together keep to the budget, and
// what one address makes us search is limited (gossip-wire §7.6).
func TestGossipFloodOfPullRequests(t *testing.T) {
	l := newLab(t, Full, Limits{PullBudget: 4096})
	l.fill(20, 3000)
	flooder := l.knows(newActor(1))
	l.clock += 10_000
	bytes := 0
	for i := range uint64(200) { // two seconds
		for _, s := range l.hears(flooder.addr, flooder.request(t, i%64, l.clock), flooder.request(t, (i+32)%64, l.clock)) {
			bytes += s.size
		}
		l.clock += 10
	}
	if budget := 5*4096 + 20*4096; bytes < budget/2 || bytes > budget {
		t.Errorf("400 requests in 2 s got %d bytes, want up to %d", bytes, budget)
	}

	scan := newLab(t, Full, Limits{PullBudget: 1 << 20, ScanRate: 100, ScanBurst: 1000})
	scan.fill(20, 3000)
	curious, other := scan.knows(newActor(1)), scan.knows(newActor(2))
	scan.clock += 10_000
	answered := 0
	for i := range uint64(64) {
		if len(only[*wire.PullResponse](scan.hears(curious.addr, curious.request(t, i, scan.clock)))) > 0 {
			answered++
		}
	}
	if answered == 0 || answered > 15 {
		t.Errorf("%d requests of 3 × 47 tests each are answered from a budget of 1000, want about 7", answered)
	}
	if out := scan.hears(other.addr, other.request(t, 5, scan.clock)); len(out) == 0 {
		t.Error("another address is not answered")
	}
}

// TestGossipFloodOfGarbage costs no signature, no memory and no answer.
func TestGossipFloodOfGarbage(t *testing.T) {
	l := newLab(t, Full, Limits{})
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 1233 {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		if n > 4 {
			data[0], data[1], data[2], data[3] = byte(n%8), 0, 0, 0
		}
		same(t, "datagrams for garbage", len(l.hearsBytes(placeOf(1), data)), 0)
	}
	same(t, "signatures checked", l.stats.Verified, 1) // of the one that is as long as a ping, and has its tag
	same(t, "origins", l.table.Stats().Pubkeys, 1)
}

// TestGossipOversizeTable: however many nodes and values there are, the table has
// no more than its limits (gossip-wire §7.7).
func TestGossipOversizeTable(t *testing.T) {
	l := newLab(t, Light, Limits{Pubkeys: 40, Values: 60, Refused: 100})
	for i := range 300 {
		s := newActor(1 + i)
		l.introduces(s)
		l.hears(s.addr, s.push(t, s.hashes(1000, l.clock)))
		l.within(t, 80, 60, 100)
		if i%30 == 29 {
			l.passes(100 * time.Millisecond)
			l.within(t, 44, 60, 100)
		}
	}
	same(t, "has itself", l.table.Has(l.self), true)
	var s actor
	for s = newActor(300); !l.table.Has(s.pubkey); {
		l.introduces(s)
	}
	for i := range uint8(250) {
		l.hears(s.addr, &wire.Push{Values: []wire.Value{madeEpochSlots(t, s.key, i, l.clock).Value()}})
		l.within(t, 44, 60, 100)
	}
	same(t, "refused", l.table.Stats().Refused, 100)
}

// introduces lets a node prove its address and push its contact info, which the
// table may refuse.
func (l *lab) introduces(s actor) {
	for _, ping := range only[*wire.Ping](l.hears(s.addr, s.push(l.t, s.info(l.clock)))) {
		l.hears(s.addr, wire.NewPong(s.key, ping.Token))
	}
	l.clock++
	l.hears(s.addr, s.push(l.t, s.info(l.clock)))
}

// within checks what a table has.
func (l *lab) within(t *testing.T, pubkeys, values, refused int) {
	t.Helper()
	s := l.table.Stats()
	total := 0
	for _, n := range s.Values {
		total += n
	}
	if s.Pubkeys > pubkeys || total > values || s.Refused > refused {
		t.Fatalf("table has %d origins, %d values and %d refused, want at most %d, %d and %d", s.Pubkeys, total, s.Refused, pubkeys, values, refused)
	}
}

// TestGossipFloodOfStaleHashes: what is too old to be of use is remembered for 20 s
// by its hash, and checked by nobody (gossip-wire §7.7).
func TestGossipFloodOfStaleHashes(t *testing.T) {
	l := newLab(t, Light, Limits{})
	s := l.knows(newActor(1))
	l.hears(s.addr, s.push(t, s.hashes(1000, l.clock)))
	verified := l.stats.Verified
	for i := range uint64(500) {
		l.hears(s.addr, &wire.PullResponse{Values: s.push(t, s.hashes(i, l.clock-1-i)).Values})
	}
	same(t, "signatures checked", l.stats.Verified-verified, 0)
	same(t, "failed", l.table.Stats().Failed, 500)
	l.passes(21 * time.Second)
	same(t, "failed, later", l.table.Stats().Failed, 0)
}

// TestGossipFloodOfNewAddresses: with new keys and addresses one can have us send
// so many pings a second and no more.
func TestGossipFloodOfNewAddresses(t *testing.T) {
	l := newLab(t, Light, Limits{PingRate: 50})
	pings := 0
	for i := range 300 {
		s := newActor(1 + i)
		pings += len(l.hears(s.addr, s.push(t, s.info(l.clock))))
		l.clock += 10
	}
	if most := 50 + 3*50; pings < 50 || pings > most {
		t.Errorf("%d pings in 3 s, want at most %d", pings, most)
	}
}
