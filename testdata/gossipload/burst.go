//go:build linux

package main

import "solsnap/gossip/wire"

// A burst comes once in burstEvery and lasts burstLength, in ms. It is made of
// values that are known already, from relayers who have not been pruned: as when
// part of a cluster gets its packets late. burstAfter is how long the cluster has
// been there before the first.
const (
	burstEvery  = 10_000
	burstLength = 1000
)

// origined is a value and the node that it is from.
type origined struct {
	value []byte
	node  int32
}

// recent are the newest values, in no order.
type recent struct {
	values [4096]origined
	added  uint64
}

func (r *recent) add(v origined) {
	r.values[r.added%uint64(len(r.values))] = v
	r.added++
}

// bursts are those so far.
type bursts struct {
	owed float64 // packets
	sent uint64  // to the node under test, when the turn began
}

// burstAtRate fills what is sent up to the rate of the burst, while there is one.
func (l *loop) burstAtRate(elapsed uint64) {
	sent := l.counts.To.sum().Packets
	already := sent - l.bursts.sent
	l.bursts.sent = sent
	if l.burst == 0 || len(l.seen) == 0 || l.recent.added == 0 || l.now%burstEvery >= burstLength {
		l.bursts.owed = 0
		return
	}
	l.bursts.owed += float64(l.burst)*float64(elapsed)/1000 - float64(already)
	for ; l.bursts.owed >= 1; l.bursts.owed-- {
		v := l.recent.values[l.random.Uint64N(min(l.recent.added, uint64(len(l.recent.values))))]
		l.postValues(wire.ProtocolPush, l.anyPeer(), v.value)
		l.bursts.sent++
	}
}
