package gossip

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"solsnap/gossip/wire"
)

// TestStakeBucket has the numbers of Agave's test_get_stake_bucket.
func TestStakeBucket(t *testing.T) {
	buckets := map[uint64]int{4_194_303: 22, 4_194_304: 23, 8_388_607: 23, 8_388_608: 24}
	for sol, bucket := range []int{0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5} {
		buckets[uint64(sol)] = bucket
	}
	for sol, want := range buckets {
		same(t, fmt.Sprintf("bucket of %d SOL", sol), stakeBucket(sol*lamportsPerSOL), want)
	}
	same(t, "bucket of a lamport less than a SOL", stakeBucket(lamportsPerSOL-1), 0)
	same(t, "bucket of everything", stakeBucket(math.MaxUint64), 24)
}

// crowd is a number of candidates, whose stakes rise from 0 SOL.
func crowd(n int) []candidate {
	nodes := make([]candidate, n)
	for i := range nodes {
		nodes[i] = candidate{numbered(uint64(i)), uint64(i) * lamportsPerSOL}
	}
	return nodes
}

func peersOf(s *activeSet, bucket int) (peers []wire.Pubkey) {
	for _, p := range s.buckets[bucket] {
		peers = append(peers, p.pubkey)
	}
	return peers
}

var (
	self     = numbered(math.MaxUint64)
	stranger = numbered(math.MaxUint64 - 1)
)

// TestRotate fills every bucket, then replaces one peer each time: the oldest by
// one that was not there.
func TestRotate(t *testing.T) {
	s := newActiveSet(self, dice())
	for bucket := range numBuckets {
		same(t, "peers at first", len(slices.Collect(s.nodes(bucket, stranger))), 0)
	}
	s.rotate(crowd(100), 100)
	for bucket := range numBuckets {
		same(t, "peers", len(s.buckets[bucket]), 12)
	}
	for range 30 {
		var before [numBuckets][]wire.Pubkey
		for bucket := range numBuckets {
			before[bucket] = peersOf(s, bucket)
		}
		s.rotate(crowd(100), 100)
		for bucket := range numBuckets {
			after := peersOf(s, bucket)
			same(t, "those that stay", slices.Equal(after[:11], before[bucket][1:]), true)
			same(t, "the new one was there", slices.Contains(before[bucket], after[11]), false)
		}
	}
}

func TestRotateWithoutCandidates(t *testing.T) {
	s := newActiveSet(self, dice())
	s.rotate(crowd(5), 5)
	s.rotate(nil, 0)
	same(t, "peers", len(s.buckets[0]), 5)
}

// TestRotateOfASmallCluster has everybody, each once.
func TestRotateOfASmallCluster(t *testing.T) {
	s := newActiveSet(self, dice())
	for range 5 {
		s.rotate(crowd(12), 12)
		peers := peersOf(s, 3)
		slices.SortFunc(peers, func(a, b wire.Pubkey) int { return slices.Compare(a[:], b[:]) })
		same(t, "peers", len(slices.Compact(peers)), 12)
	}
}

// TestRotateDropsTheDead so that the living have their places.
func TestRotateDropsTheDead(t *testing.T) {
	s := newActiveSet(self, dice())
	s.rotate(crowd(12), 12)
	living := crowd(14)[11:]
	s.rotate(living, 3)
	got := slices.Collect(s.nodes(0, stranger))
	same(t, "peers", len(got), 3)
	for _, node := range living {
		same(t, "a living node is among them", slices.Contains(got, node.pubkey), true)
	}
}

// TestRotatePrefersStake as far as the bucket goes: in the lowest everybody is
// equal.
func TestRotatePrefersStake(t *testing.T) {
	s := newActiveSet(self, dice())
	nodes := crowd(200)
	for i := range nodes {
		nodes[i].stake = uint64(i%2) * 8_388_608 * lamportsPerSOL // bucket 0 or 24
	}
	var rich [numBuckets]int
	const turns = 150
	for range turns {
		for bucket := range numBuckets {
			s.buckets[bucket] = nil
		}
		s.rotate(nodes, 200)
		for _, bucket := range []int{0, 1, 24} {
			for _, peer := range peersOf(s, bucket) {
				rich[bucket] += int(peer[7] % 2)
			}
		}
	}
	share := func(bucket int) float64 { return float64(rich[bucket]) / (turns * 12) }
	for bucket, want := range map[int]float64{0: 0.5, 1: 0.8, 24: 0.998} { // 1:1, 4:1, 625:1
		if got := share(bucket); math.Abs(got-want) > 0.05 {
			t.Errorf("the rich have %.3f of bucket %d, want about %.3f", got, bucket, want)
		}
	}
}

// TestNodes are the first nine that have not pruned the origin. The order is that
// of coming, whatever is pruned elsewhere.
func TestNodes(t *testing.T) {
	s := newActiveSet(self, dice())
	s.rotate(crowd(100), 100)
	peers := peersOf(s, 2)
	origin := stranger
	same(t, "before pruning", slices.Equal(slices.Collect(s.nodes(2, origin)), peers[:9]), true)

	s.prune(peers[0], origin, 2)
	s.prune(peers[4], origin, 2)
	s.prune(peers[5], origin, 3) // another bucket
	s.prune(numbered(500), origin, 2)
	want := slices.Concat(peers[1:4], peers[5:11])
	same(t, "after pruning", slices.Equal(slices.Collect(s.nodes(2, origin)), want), true)
	same(t, "of another origin", slices.Equal(slices.Collect(s.nodes(2, numbered(700))), peers[:9]), true)

	for _, peer := range peers {
		s.prune(peer, origin, 2)
	}
	same(t, "after all have pruned", len(slices.Collect(s.nodes(2, origin))), 0)
	for range s.nodes(2, numbered(700)) {
		break // may be left early
	}
}

// TestNodesAreNotSentTheirOwn values.
func TestNodesAreNotSentTheirOwn(t *testing.T) {
	s := newActiveSet(self, dice())
	s.rotate(crowd(10), 10)
	for _, peer := range peersOf(s, 0) {
		same(t, "is sent its own", slices.Contains(slices.Collect(s.nodes(0, peer)), peer), false)
	}
}

// TestOwnValuesCannotBePruned by asking, nor by a filter that is full.
func TestOwnValuesCannotBePruned(t *testing.T) {
	s := newActiveSet(self, dice())
	s.rotate(crowd(9), 9)
	for i := range s.buckets[0] {
		p := &s.buckets[0][i]
		s.prune(p.pubkey, self, 0)
		same(t, "is in the filter", p.pruned.Contains(self[:]), false)
		p.pruned.Add(self[:]) // as a false positive
	}
	same(t, "peers", len(slices.Collect(s.nodes(0, self))), 9)
}

// TestPruneFiltersAreThoseOfAgave in size.
func TestPruneFiltersAreThoseOfAgave(t *testing.T) {
	s := newActiveSet(self, dice())
	s.rotate(crowd(1), 100)
	small := s.buckets[0][0].pruned
	same(t, "bits", small.Bits.Len, 32768)
	same(t, "keys", len(small.Keys), 3)
	s = newActiveSet(self, dice())
	s.rotate(crowd(1), 20_000)
	same(t, "keys for a large cluster", len(s.buckets[0][0].pruned.Keys), 1)
}

func BenchmarkActiveSetNodes(b *testing.B) {
	s := newActiveSet(self, dice())
	s.rotate(crowd(100), 100)
	for n := uint64(0); b.Loop(); n++ {
		for peer := range s.nodes(5, numbered(n)) {
			_ = peer
		}
	}
}

func BenchmarkActiveSetRotate(b *testing.B) {
	s := newActiveSet(self, dice())
	nodes := crowd(8192)
	for b.Loop() {
		s.rotate(nodes, len(nodes))
	}
}
