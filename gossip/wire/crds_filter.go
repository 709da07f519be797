package wire

import "fmt"

// minMaskBits is how small a part of all values a filter must ask for (Agave,
// MIN_PULL_REQUEST_MASK_BITS).
const minMaskBits = 6

// CrdsFilter is what a PullRequest asks for: the values of one partition that
// are not in the Bloom filter.
type CrdsFilter struct {
	Bloom Bloom
	// Mask has the partition in its top MaskBits bits. Those below are ones.
	Mask uint64
	// MaskBits is the logarithm of the number of partitions: 6 to 63.
	MaskBits uint32
}

// lowBits are the bits of a mask that name no partition.
func lowBits(maskBits uint32) uint64 { return ^uint64(0) >> maskBits }

// mask is the Mask of a partition.
func mask(partition uint64, maskBits uint32) uint64 {
	return partition<<(64-maskBits) | lowBits(maskBits)
}

// Covers reports whether a value with that hash is in the partition.
func (f *CrdsFilter) Covers(h Hash) bool {
	low := lowBits(f.MaskBits)
	return h.Prefix()|low == f.Mask|low
}

// Contains reports whether the sender may have the value, if it is in the
// partition.
func (f *CrdsFilter) Contains(h Hash) bool { return f.Bloom.Contains(h[:]) }

func (f *CrdsFilter) walk(c *codec) {
	f.Bloom.walk(c)
	c.uint64("mask", &f.Mask)
	c.uint32("mask_bits", &f.MaskBits)
	if (f.MaskBits < minMaskBits || f.MaskBits > 63) && !c.legacy {
		c.fail("mask_bits", fmt.Errorf("%d, want %d to 63", f.MaskBits, minMaskBits))
	}
}
