//go:build linux

package main

import "solsnap/gossip/wire"

// A burst comes once in burstEvery and lasts burstLength, in ms. It is made of
// values that are known already, from a few more relayers: as when part of a
// cluster gets its packets late.
const (
	burstEvery    = 10_000
	burstLength   = 1000
	burstRelayers = 8
)

// recent are the newest values, in no order.
type recent struct {
	values [4096][]byte
	added  uint64
}

func (r *recent) add(v []byte) {
	r.values[r.added%uint64(len(r.values))] = v
	r.added++
}

// bursts are those so far.
type bursts struct {
	relayers []int32 // of the burst that is; none while there is none
	owed     float64 // packets
	sent     uint64  // to the node under test, at the end of the last turn
}

// burstAtRate fills what is sent up to the rate of the burst, while there is one.
func (l *loop) burstAtRate(elapsed uint64) {
	b := &l.bursts
	before := b.sent
	b.sent = l.counts.To.sum().Packets
	if l.burst == 0 || len(l.seen) == 0 || l.recent.added == 0 || l.now%burstEvery >= burstLength {
		b.relayers = nil
		return
	}
	if b.relayers == nil {
		l.startBurst()
		return
	}
	b.owed += float64(l.burst)*float64(elapsed)/1000 - float64(b.sent-before)
	for ; b.owed >= 1; b.owed-- {
		v := l.recent.values[l.random.Uint64N(min(l.recent.added, uint64(len(l.recent.values))))]
		l.postValues(wire.ProtocolPush, b.relayers[l.random.IntN(len(b.relayers))], v)
		b.sent++
	}
	l.counts.BurstTime += elapsed
	l.counts.Burst += b.sent - before
}

func (l *loop) startBurst() {
	l.bursts.owed = 0
	for range burstRelayers {
		l.bursts.relayers = append(l.bursts.relayers, l.anyPeer())
	}
}
