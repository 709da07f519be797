package wire

import (
	"fmt"
	"math"
	"math/bits"
)

// How pull filters are made (Agave gossip/src/crds_gossip_pull.rs). With these,
// no filter asks for more than a 64th of all values, which is the most that
// others answer.
const (
	filterRate    = 0.1 // of false positives
	filterKeys    = 8   // in the estimate of how many items fit; filters get three
	minItems      = 65_536
	filterMinimum = 8 + 1 + 8 + 8 + 8 + 8 + 4 // bytes of a filter without keys and words
)

// How much Agave asks for at a time: one in PullShare partitions, and MaxFilters at
// most.
const (
	PullShare  = 8
	MaxFilters = 1024
)

// FilterSet is pull filters for a random part of all partitions. It has one owner.
type FilterSet struct {
	maskBits   uint32
	partitions []*CrdsFilter // nil where it is not the turn of the partition
	filters    []CrdsFilter
}

// FilterRoom is how many bytes are left for the filter of a PullRequest beside
// the caller's ContactInfo.
func FilterRoom(caller Verified) int { return MaxPacket - 4 - len(caller.Bytes()) }

// NewFilterSet is an empty set for a number of items, whose filters take at most
// room bytes each on the wire. The items are the values of the table, those
// replaced and those refused of late. One in share partitions is asked for, but no
// more than most, which are chosen at random.
func NewFilterSet(items, room, share, most int, random func() uint64) (*FilterSet, error) {
	budget := bloomBudget(room)
	if budget == 0 {
		return nil, fmt.Errorf("no pull filter fits in %d bytes", room)
	}
	capacity := maxItems(budget)
	maskBits := numMaskBits(max(items, minItems), capacity)
	s := &FilterSet{maskBits: maskBits, partitions: make([]*CrdsFilter, 1<<maskBits)}
	s.filters = make([]CrdsFilter, min((len(s.partitions)+share-1)/share, most))
	for i, partition := range sample(len(s.filters), len(s.partitions), random) {
		s.filters[i] = CrdsFilter{NewBloom(capacity, filterRate, 8*budget, random), mask(uint64(partition), maskBits), maskBits}
		s.partitions[partition] = &s.filters[i]
	}
	return s, nil
}

// Ask makes it the turn of the partition of a hash, with the first of the Filters.
// It must be called before Add.
func (s *FilterSet) Ask(h Hash) {
	first, partition := &s.filters[0], h.Prefix()>>(64-s.maskBits)
	replaced := first.Mask >> (64 - s.maskBits)
	f := s.partitions[partition]
	if f == nil {
		f = first
	}
	s.partitions[replaced], s.partitions[partition] = nil, first
	if f != first {
		f.Mask, s.partitions[replaced] = first.Mask, f
	}
	first.Mask = mask(partition, s.maskBits)
}

// Add says that the caller has a value or wants no more of it.
func (s *FilterSet) Add(h Hash) {
	if f := s.partitions[h.Prefix()>>(64-s.maskBits)]; f != nil {
		f.Bloom.Add(h[:])
	}
}

// Filters are the filters, one for each partition whose turn it is. They are the
// set's own.
func (s *FilterSet) Filters() []CrdsFilter { return s.filters }

// bloomBudget is for how many bytes of bits a filter may be made at most, so that
// it takes no more than room bytes on the wire: more than room, since a filter
// has fewer bits than it may. It is 0 when none fits.
func bloomBudget(room int) int {
	for budget := MaxPacket; budget > 0; budget-- {
		n := float64(maxItems(budget))
		size := min(numBits(n, filterRate), float64(8*budget))
		words := (int(size) + 63) / 64
		if filterMinimum+8*numKeys(size, n)+8*words <= room {
			return budget
		}
	}
	return 0
}

// maxItems is how many items fit into a Bloom filter of so many bytes.
func maxItems(budget int) int {
	each := -filterKeys / math.Log(1-math.Exp(math.Log(filterRate)/filterKeys)) // bits
	return int(math.Ceil(float64(8*budget) / each))
}

// numMaskBits is the logarithm of the number of partitions of items that have at
// most so many each.
func numMaskBits(items, most int) uint32 {
	return uint32(max(0, math.Ceil(math.Log2(float64(items)/float64(most)))))
}

// sample picks k of the numbers below n, each set of them as likely as any other
// (Floyd).
func sample(k, n int, random func() uint64) []int {
	picked := make([]int, 0, k)
	taken := make([]bool, n)
	for last := n - k; last < n; last++ {
		i := int(below(uint64(last)+1, random))
		if taken[i] {
			i = last
		}
		taken[i] = true
		picked = append(picked, i)
	}
	return picked
}

// below is a random number below n.
func below(n uint64, random func() uint64) uint64 {
	high, _ := bits.Mul64(random(), n)
	return high
}
