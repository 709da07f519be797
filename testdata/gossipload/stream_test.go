//go:build linux

package main

import (
	"context"
	"testing"
	"testing/synctest"

	"solsnap/gossip/wire"
)

// TestStreamKeepsTheRates counts ten seconds of mainnet, in chunks as they are
// signed.
func TestStreamKeepsTheRates(t *testing.T) {
	m, err := newMix(mainnet)
	check(t, "error", err, nil)
	const start, span = 1_800_000_000_000, 10_000
	s := newStream(m, start, seeded())
	born := map[wire.Kind]int{}
	last := uint64(start)
	for end := uint64(start); end < start+span; {
		from := end
		end += uint64(chunk.Milliseconds())
		for _, b := range s.until(end) {
			if b.at < last || b.at < from || b.at >= end {
				t.Fatalf("born at %d, after %d and between %d and %d", b.at, last, from, end)
			}
			last = b.at
			born[b.kind]++
		}
	}
	for i := range m {
		checkWithin(t, m[i].kind.String(), float64(born[m[i].kind]), m[i].rate*span/1000, 0.02)
	}
}

// TestStreamTakesOwnersInTurn has every owner write as often as every other, and
// replace its oldest value: one EpochSlots many times over, one vote after the
// other.
func TestStreamTakesOwnersInTurn(t *testing.T) {
	m, err := newMix(village)
	check(t, "error", err, nil)
	s := newStream(m, 0, seeded())
	last := map[int32]birth{}
	counted := map[wire.Kind]map[int32]int{}
	for _, b := range s.until(60_000) {
		if counted[b.kind] == nil {
			counted[b.kind] = map[int32]int{}
		}
		counted[b.kind][b.node]++
		if b.kind == wire.KindVote {
			if before, ok := last[b.node]; ok {
				check(t, "index of a vote", b.index, (before.index+1)%votesEach)
				checkWithin(t, "ms between two votes", float64(b.at-before.at), 400, 0.01)
			}
			last[b.node] = b
		}
	}
	for i := range m {
		low, high := 1<<30, 0
		for owner := range m[i].owners {
			n := counted[m[i].kind][int32(m[i].firstNode+owner)]
			low, high = min(low, n), max(high, n)
		}
		if high-low > 1 {
			t.Errorf("%v: some owner has written %d, another %d", m[i].kind, low, high)
		}
	}
}

// TestSignerStaysAhead has it sign as much as it may and no more, and end with
// its context.
func TestSignerStaysAhead(t *testing.T) {
	c := newVillage(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(newStream(c.mix, 1_800_000_000_000, seeded()), newAuthor(c, newRandom(1, 0)))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		check(t, "chunks ahead", len(s.births), int(lead/chunk))
		for _, b := range <-s.births {
			check(t, "wallclock", b.value.when, b.at)
		}
		cancel()
		check(t, "error", <-ended, nil)
	})
}
