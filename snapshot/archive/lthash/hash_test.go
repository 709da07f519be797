package lthash

import (
	"encoding/binary"
	"testing"

	"lukechampine.com/blake3"
	"pgregory.net/rapid"
)

// anyHash draws words that carry and borrow.
func anyHash(t *rapid.T, label string) (Hash, [Size]byte) {
	word := rapid.OneOf(rapid.SampledFrom([]uint16{0, 1, 0x7fff, 0x8000, 0xffff}), rapid.Uint16())
	var b [Size]byte
	// Distinct words at the beginning, then their repetition.
	words := rapid.SliceOfN(word, 8, 8).Draw(t, label)
	for i := range Size / 2 {
		binary.LittleEndian.PutUint16(b[2*i:], words[i%8]+uint16(i/8))
	}
	return FromBytes(&b), b
}

// TestHashArithmetic compares with the definition, word by word.
func TestHashArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, xb := anyHash(t, "x")
		y, yb := anyHash(t, "y")
		sum, difference := x, x
		sum.Add(&y)
		difference.Sub(&y)
		sb, db := sum.Bytes(), difference.Bytes()
		for i := 0; i < Size; i += 2 {
			a, b := binary.LittleEndian.Uint16(xb[i:]), binary.LittleEndian.Uint16(yb[i:])
			if got := binary.LittleEndian.Uint16(sb[i:]); got != a+b {
				t.Fatalf("word %d: %04x + %04x is %04x", i/2, a, b, got)
			}
			if got := binary.LittleEndian.Uint16(db[i:]); got != a-b {
				t.Fatalf("word %d: %04x - %04x is %04x", i/2, a, b, got)
			}
		}
		sum.Sub(&y)
		if sum != x || sum.Bytes() != xb {
			t.Fatal("Sub does not undo Add")
		}
	})
}

// TestChecksum compares with the library's own hash of the bytes.
func TestChecksum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, b := anyHash(t, "h")
		if got, want := h.Checksum(), blake3.Sum256(b[:]); got != want {
			t.Fatalf("checksum is %x, want %x", got, want)
		}
	})
}
