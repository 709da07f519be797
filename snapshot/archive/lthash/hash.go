package lthash

import (
	"encoding/binary"

	"lukechampine.com/blake3/guts"
)

// Size is the length of a Hash in bytes.
const Size = 2048

// Hash is a lattice hash: 1024 words of 16 bits, little-endian on the wire. The
// zero value is the identity, the hash of no accounts. Hashes of the same
// accounts compare equal with ==.
type Hash struct {
	// quads holds four words each, the first in the lowest bits, so that they
	// are added together.
	quads [Size / 8]uint64
}

// high has the top bit of every word. Kept apart from the other fifteen, it
// stops a carry from reaching the next word.
const high = 0x8000_8000_8000_8000

// addQuad adds four words.
func addQuad(x, y uint64) uint64 {
	return (x&^high + y&^high) ^ (x^y)&high
}

// subQuad subtracts four words.
func subQuad(x, y uint64) uint64 {
	return ((x | high) - y&^high) ^ (x^^y)&high
}

// FromBytes reads a Hash as a bank's manifest holds it.
func FromBytes(b *[Size]byte) Hash {
	var h Hash
	for i := range h.quads {
		h.quads[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return h
}

// Bytes is the Hash as FromBytes reads it.
func (h Hash) Bytes() [Size]byte {
	var b [Size]byte
	for i, q := range h.quads {
		binary.LittleEndian.PutUint64(b[8*i:], q)
	}
	return b
}

// Add mixes other in: every word grows by the same word of other, modulo 2^16.
func (h *Hash) Add(other *Hash) {
	for i := range h.quads {
		h.quads[i] = addQuad(h.quads[i], other.quads[i])
	}
}

// Sub mixes other out. It undoes Add.
func (h *Hash) Sub(other *Hash) {
	for i := range h.quads {
		h.quads[i] = subQuad(h.quads[i], other.quads[i])
	}
}

// Checksum is the BLAKE3 hash of the bytes. In base58 it is the hash in the name
// of a snapshot archive (SIMD-0220).
func (h Hash) Checksum() [32]byte {
	b := h.Bytes()
	left := guts.CompressChunk(b[:guts.ChunkSize], &guts.IV, 0, 0)
	right := guts.CompressChunk(b[guts.ChunkSize:], &guts.IV, 1, 0)
	root := guts.ParentNode(guts.ChainingValue(left), guts.ChainingValue(right), &guts.IV, guts.FlagRoot)
	return wordBytes(guts.ChainingValue(root))
}

// wordBytes is a chaining value as BLAKE3 writes it.
func wordBytes(words [8]uint32) [32]byte {
	var b [32]byte
	for i, w := range words {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
	return b
}
