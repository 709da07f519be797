package gossip

import (
	"iter"
	"math/bits"
)

// weightedShuffle draws indices with probabilities in proportion to their weights
// (Agave gossip/src/weighted_shuffle.rs). Indices whose weight is zero, or whose
// weight would overflow the sum, come last. One owner.
type weightedShuffle struct {
	// tree is the weights from index leaves on, each node below being the sum of
	// the two at twice its index. The root is at 1.
	tree   []uint64
	leaves int
	zeros  []int
}

func newWeightedShuffle(weights []uint64) *weightedShuffle {
	leaves := 1 << bits.Len(uint(max(len(weights), 1)-1))
	s := &weightedShuffle{tree: make([]uint64, 2*leaves), leaves: leaves}
	var sum uint64
	for i, w := range weights {
		total, carry := bits.Add64(sum, w, 0)
		if w == 0 || carry != 0 {
			s.zeros = append(s.zeros, i)
			continue
		}
		sum, s.tree[leaves+i] = total, w
	}
	for i := leaves - 1; i > 0; i-- {
		s.tree[i] = s.tree[2*i] + s.tree[2*i+1]
	}
	return s
}

// first draws an index and keeps it, so that it may be drawn again. It is false
// when there is none left.
func (s *weightedShuffle) first(random func() uint64) (int, bool) {
	if sum := s.tree[1]; sum > 0 {
		return s.find(below(sum, random)), true
	}
	if len(s.zeros) > 0 {
		return s.zeros[below(uint64(len(s.zeros)), random)], true
	}
	return 0, false
}

// all draws every index once. What was drawn is gone.
func (s *weightedShuffle) all(random func() uint64) iter.Seq[int] {
	return func(yield func(int) bool) {
		for s.tree[1] > 0 {
			i := s.find(below(s.tree[1], random))
			s.remove(i)
			if !yield(i) {
				return
			}
		}
		for n := len(s.zeros); n > 0; n-- {
			at := below(uint64(n), random)
			i := s.zeros[at]
			s.zeros[at] = s.zeros[n-1]
			s.zeros = s.zeros[:n-1]
			if !yield(i) {
				return
			}
		}
	}
}

// find is the index in whose share of the sum a number lies.
func (s *weightedShuffle) find(number uint64) int {
	at := 1
	for at < s.leaves {
		at *= 2
		if left := s.tree[at]; number >= left {
			number -= left
			at++
		}
	}
	return at - s.leaves
}

func (s *weightedShuffle) remove(i int) {
	weight := s.tree[s.leaves+i]
	for at := s.leaves + i; at > 0; at /= 2 {
		s.tree[at] -= weight
	}
}

// below is a uniform number less than n, which is not 0 (Lemire, Fast Random
// Integer Generation in an Interval).
func below(n uint64, random func() uint64) uint64 {
	high, low := bits.Mul64(random(), n)
	if low < n {
		for reject := -n % n; low < reject; {
			high, low = bits.Mul64(random(), n)
		}
	}
	return high
}
