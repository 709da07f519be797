package manifest

import (
	"encoding/binary"
	"math/bits"
)

// chacha20 is the key stream of ChaCha20 (RFC 8439) with a nonce of zero, taken
// eight bytes at a time: Rust's ChaCha20Rng. It is no cipher here, but a source
// of numbers on which a cluster agrees. The zero nonce leaves the two layouts of
// the counter, RFC 8439's and the original's, the same for the first 256 GiB.
type chacha20 struct {
	key     [32]byte
	counter uint32
	block   [64]byte
	used    int // of block
}

// newChacha20 keys the stream with a number, zero-extended.
func newChacha20(seed uint64) *chacha20 {
	c := &chacha20{used: 64}
	binary.LittleEndian.PutUint64(c.key[:], seed)
	return c
}

// uint64 gives the next eight bytes of the stream as a little-endian number.
func (c *chacha20) uint64() uint64 {
	if c.used == len(c.block) {
		c.block, c.used = chacha20Block(c.key, c.counter, [12]byte{}), 0
		c.counter++
	}
	n := binary.LittleEndian.Uint64(c.block[c.used:])
	c.used += 8
	return n
}

// chacha20Block is the block function of RFC 8439, section 2.3.
func chacha20Block(key [32]byte, counter uint32, nonce [12]byte) (block [64]byte) {
	first := [16]uint32{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574} // "expand 32-byte k"
	for i := range 8 {
		first[4+i] = binary.LittleEndian.Uint32(key[4*i:])
	}
	first[12] = counter
	for i := range 3 {
		first[13+i] = binary.LittleEndian.Uint32(nonce[4*i:])
	}
	s := first
	for range 10 {
		for i := range 4 { // columns
			quarterRound(&s[i], &s[4+i], &s[8+i], &s[12+i])
		}
		for i := range 4 { // diagonals
			quarterRound(&s[i], &s[4+(i+1)%4], &s[8+(i+2)%4], &s[12+(i+3)%4])
		}
	}
	for i := range s {
		binary.LittleEndian.PutUint32(block[4*i:], s[i]+first[i])
	}
	return block
}

// quarterRound is that of RFC 8439, section 2.1.
func quarterRound(a, b, c, d *uint32) {
	*a += *b
	*d = bits.RotateLeft32(*d^*a, 16)
	*c += *d
	*b = bits.RotateLeft32(*b^*c, 12)
	*a += *b
	*d = bits.RotateLeft32(*d^*a, 8)
	*c += *d
	*b = bits.RotateLeft32(*b^*c, 7)
}
