package gossip

import (
	"testing"

	"solsnap/gossip/crds"
	"solsnap/gossip/wire"
)

// measure measures the engine on batches of 64 datagrams, as they come from the
// socket. Each iteration is one datagram.
func measure(b *testing.B, l *lab, from actor, datagrams [][]byte) {
	b.Helper()
	const size = 64
	in := make([]packet, 0, size)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		in = append(in, packet{addr: from.addr, data: datagrams[i%len(datagrams)]})
		if len(in) == size || i == b.N-1 {
			l.receive(in, l.clock)
			l.outbox.empty()
			in = in[:0]
		}
	}
}

// BenchmarkReceiveDuplicatePush is the most frequent of all packets.
func BenchmarkReceiveDuplicatePush(b *testing.B) {
	l := newLab(b, Full, Limits{})
	s := l.knows(newActor(1))
	datagrams := encoded(b, s.push(b, s.hashes(1000, l.clock)), &wire.Push{From: s.pubkey, Values: []wire.Value{madeVote(b, s.key, 1, l.clock).Value()}})
	l.hearsBytes(s.addr, datagrams...)
	measure(b, l, s, datagrams)
}

// benchmarkVotes measures votes that are new to the table.
func benchmarkVotes(b *testing.B, mode Mode) {
	l := newLab(b, mode, Limits{})
	s := l.knows(newActor(1))
	const votes = 4096
	var datagrams [][]byte
	for i := range uint64(votes) {
		datagrams = append(datagrams, encoded(b, &wire.Push{From: s.pubkey, Values: []wire.Value{madeVote(b, s.key, uint8(i%12), l.clock+i).Value()}})...)
	}
	in := make([]packet, 0, 64)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i%votes == 0 { // all of them are new again
			b.StopTimer()
			l = newLab(b, mode, Limits{})
			l.knows(s)
			b.StartTimer()
		}
		in = append(in, packet{addr: s.addr, data: datagrams[i%votes]})
		if len(in) == cap(in) || i == b.N-1 {
			l.receive(in, l.clock)
			l.outbox.empty()
			in = in[:0]
		}
	}
}

// BenchmarkReceiveVoteInLight is for votes that are dropped, all but one in 32
// unverified.
func BenchmarkReceiveVoteInLight(b *testing.B) { benchmarkVotes(b, Light) }

// BenchmarkReceiveVoteInFull is for votes that are verified, inserted and pushed.
func BenchmarkReceiveVoteInFull(b *testing.B) { benchmarkVotes(b, Full) }

// BenchmarkReceivePullRequest answers from a table of 20,000 values.
func BenchmarkReceivePullRequest(b *testing.B) {
	l := newLab(b, Full, Limits{PullBudget: 1 << 30, ScanRate: 1 << 40, ScanBurst: 1 << 40})
	l.fill(100, 20_000)
	s := l.knows(newActor(1))
	l.clock += 10_000
	var datagrams [][]byte
	for partition := range uint64(64) {
		datagrams = append(datagrams, encoded(b, s.request(b, partition, l.clock))...)
	}
	measure(b, l, s, datagrams)
}

// BenchmarkRound is a round with 6000 nodes in the table, one in five of which also
// pulls and one in 75 also refreshes.
func BenchmarkRound(b *testing.B) {
	l := newLab(b, Light, Limits{PingRate: 10_000})
	for i := range 6000 {
		a := newActor(1 + i)
		l.table.Insert(signed(b, a.key, a.info(l.clock)), crds.Pulled, l.clock)
		_, token := l.pings.check(a.pubkey, a.addr, l.clock)
		l.pings.pong(&wire.Pong{From: a.pubkey, Hash: wire.PongHash(*token)}, a.addr, l.clock)
	}
	l.clock++
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		l.clock += roundsInBeat
		l.round(l.clock)
		l.outbox.empty()
		if l.clock%60_000 < roundsInBeat {
			for node := range l.table.Nodes() {
				l.table.Touch(node.Info.Pubkey, l.clock)
			}
		}
	}
}
