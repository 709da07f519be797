package wire

import (
	"fmt"
	"math"
)

// Bloom is a Bloom filter of byte strings: it may take what was never added for
// a member, never the other way round (Agave bloom/src/bloom.rs).
type Bloom struct {
	// Keys are the initial states of the hash functions.
	Keys []uint64
	Bits BitVec[uint64]
	// NumSet is how many bits are set, by the sender's account. Nobody checks it.
	NumSet uint64
}

// NewBloom is an empty filter for a number of items at a rate of false
// positives, of at most maxBits bits. Its keys come from random, which gives
// numbers of 64 bits.
func NewBloom(items int, rate float64, maxBits int, random func() uint64) Bloom {
	bits := int(min(max(numBits(float64(items), rate), 1), float64(maxBits)))
	b := Bloom{
		Keys: make([]uint64, numKeys(float64(bits), float64(items))),
		Bits: BitVec[uint64]{Blocks: make([]uint64, (bits+63)/64), Len: uint64(bits)},
	}
	for i := range b.Keys {
		b.Keys[i] = random()
	}
	return b
}

// numBits is how many bits a filter of n items needs.
func numBits(n, rate float64) float64 {
	return math.Ceil(n * math.Log(rate) / math.Log(1/math.Pow(2, math.Ln2)))
}

// numKeys is how many hash functions use bits best.
func numKeys(bits, n float64) int {
	if n == 0 {
		return 0
	}
	return int(max(1, math.Round(bits/n*math.Ln2)))
}

// Add makes item a member. The filter has bits.
func (b *Bloom) Add(item []byte) {
	for _, key := range b.Keys {
		word, bit := b.position(item, key)
		if b.Bits.Blocks[word]&bit == 0 {
			b.NumSet++
			b.Bits.Blocks[word] |= bit
		}
	}
}

// Contains reports whether item may be a member. A filter without keys contains
// everything, as for Agave, so that nobody need be sent everything for it; one
// with keys but without bits contains nothing.
func (b *Bloom) Contains(item []byte) bool {
	if b.Bits.Len == 0 {
		return len(b.Keys) == 0
	}
	for _, key := range b.Keys {
		if word, bit := b.position(item, key); b.Bits.Blocks[word]&bit == 0 {
			return false
		}
	}
	return true
}

func (b *Bloom) position(item []byte, key uint64) (word, bit uint64) {
	at := fnv(item, key) % b.Bits.Len
	return at / 64, 1 << (at % 64)
}

// fnv is FNV-1a with an initial state of the caller's.
func fnv(item []byte, state uint64) uint64 {
	for _, octet := range item {
		state = (state ^ uint64(octet)) * 1099511628211
	}
	return state
}

func (b *Bloom) walk(c *codec) {
	c.uint64s("keys", &b.Keys)
	b.Bits.walk(c)
	if b.Bits.Len == 0 && !c.legacy {
		c.fail("bits", fmt.Errorf("%d bits, want at least 1", b.Bits.Len))
	}
	c.uint64("num_bits_set", &b.NumSet)
}
