package crds

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"solsnap/gossip/wire"
)

// TestRecentIsLikeModel adds and expires at random.
func TestRecentIsLikeModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{1, 2, 5, 100, 1000, 5000}).Draw(t, "limit")
		r, m, now := newRecent(failedFor, limit), &modelRecent{keep: failedFor, limit: limit}, uint64(now)
		most := rapid.SampledFrom([]int{5, 100, 2000}).Draw(t, "hashes")
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				h := numbered(rapid.IntRange(0, most).Draw(t, "hash"))
				if got, want := r.add(h, now), m.add(h, now); got != want {
					t.Fatalf("known %v, want %v", got, want)
				}
			},
			"many": func(t *rapid.T) {
				from := rapid.IntRange(0, most).Draw(t, "from")
				for i := range rapid.IntRange(0, 300).Draw(t, "many") {
					r.add(numbered(from+i), now)
					m.add(numbered(from+i), now)
				}
			},
			"expire": func(t *rapid.T) {
				now += rapid.Uint64Range(0, failedFor).Draw(t, "ms")
				r.expire(now)
				m.expire(now)
			},
			"": func(t *rapid.T) {
				h := numbered(rapid.IntRange(0, most).Draw(t, "asked"))
				if got, want := r.has(h), m.has(h); got != want {
					t.Fatalf("has %v, want %v", got, want)
				}
			},
		})
		verifyRecent(t, r)
		var want []wire.Hash
		for _, s := range m.list {
			want = append(want, s.hash)
		}
		if got := slices.Collect(r.all()); !slices.Equal(got, want) {
			t.Fatalf("%d hashes, want %d", len(got), len(want))
		}
	})
}

// TestRecentAgainLater: what comes again in the second half of its time is
// remembered anew, and what comes in the first is not.
func TestRecentAgainLater(t *testing.T) {
	for after, want := range map[uint64]int{0: 1, 9_999: 1, 10_000: 2, 20_000: 2} {
		r, h := newRecent(failedFor, 100), numbered(1)
		check(t, "known", r.add(h, now), false)
		check(t, "known", r.add(h, now+after), true)
		check(t, "count", r.len(), want)
		r.expire(now + failedFor + 1)
		check(t, "has", r.has(h), want == 2)
		verifyRecent(t, r)
	}
}

// TestRecentOverTheEndOfItsClock, which has 32 bits.
func TestRecentOverTheEndOfItsClock(t *testing.T) {
	const end = 400 << 32
	r := newRecent(failedFor, 100)
	r.add(numbered(1), end-5)
	r.add(numbered(2), end+5)
	r.expire(end - 5 + failedFor)
	check(t, "count", r.len(), 2)
	r.expire(end + failedFor)
	check(t, "count", r.len(), 1)
	r.expire(end + 6 + failedFor)
	check(t, "count", r.len(), 0)
}

// TestRecentIsBounded: the oldest goes, of either list.
func TestRecentIsBounded(t *testing.T) {
	table := NewTable(self, Limits{Failed: 3, Purged: 2})
	for i := range 5 {
		table.Fail(numbered(i), now)
	}
	for i := range 5 {
		check(t, "known", table.known(numbered(i)), i >= 2)
	}
	check(t, "failed", table.Stats().Failed, 3)
	for i := range uint64(5) {
		table.Insert(snapshots(t, 1, now+i), Pushed, now)
	}
	check(t, "purged", table.Stats().Purged, 2)
}
