package wire

import (
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"
)

// TestBloomIsEncodedAsBySig has the vectors of v1/src/bloom/bloom.zig, which were
// compared with Agave's there.
func TestBloomIsEncodedAsBySig(t *testing.T) {
	for name, tt := range map[string]struct {
		keys  []uint64
		items []string
		want  string
	}{
		"one key": {[]uint64{1}, []string{"01"},
			"010000000000000001000000000000000102000000000000000100000000000000000000000000000080000000000000000100000000000000"},
		"three keys": {[]uint64{1, 2, 3}, []string{"0102", "0304"},
			"03000000000000000100000000000000020000000000000003000000000000000102000000000000004000000000000000001000004210200080000000000000000600000000000000"},
	} {
		t.Run(name, func(t *testing.T) {
			b := Bloom{Keys: tt.keys, Bits: BitVec[uint64]{make([]uint64, 2), 128}}
			for _, item := range tt.items {
				check(t, "contains before", b.Contains(unhex(t, item)), false)
				b.Add(unhex(t, item))
				check(t, "contains after", b.Contains(unhex(t, item)), true)
			}
			c := Modern.writer(nil)
			b.walk(c)
			check(t, "encoded", hex.EncodeToString(c.buf), tt.want)
		})
	}
}

// TestBloomSizes has the numbers of Agave's tests (bloom/src/bloom.rs).
func TestBloomSizes(t *testing.T) {
	check(t, "bits", numBits(100, 0.1), 480)
	check(t, "bits", numBits(100, 0.01), 959)
	check(t, "keys", numKeys(1000, 50), 14)
	check(t, "keys", numKeys(2000, 50), 28)
	check(t, "keys", numKeys(2000, 25), 55)
	check(t, "keys", numKeys(20, 1000), 1)
	for _, tt := range []struct{ items, most, keys, bits int }{{0, 100, 0, 1}, {10, 100, 3, 48}, {100, 100, 1, 100}} {
		b := NewBloom(tt.items, 0.1, tt.most, counter())
		check(t, "keys", len(b.Keys), tt.keys)
		check(t, "bits", b.Bits.Len, uint64(tt.bits))
		check(t, "words", len(b.Bits.Blocks), (tt.bits+63)/64)
	}
}

// TestBloomWithoutKeysOrBits contains everything, or nothing.
func TestBloomWithoutKeysOrBits(t *testing.T) {
	for name, tt := range map[string]struct {
		bloom Bloom
		want  bool
	}{
		"no keys, no bits": {Bloom{}, true},
		"no keys":          {NewBloom(0, 0.1, 100, counter()), true},
		"no bits":          {Bloom{Keys: []uint64{1}}, false},
		"empty":            {NewBloom(10, 0.1, 100, counter()), false},
	} {
		check(t, name, tt.bloom.Contains([]byte{1}), tt.want)
	}
}

// TestBloomForgetsNothing adds anything and finds it.
func TestBloomForgetsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 1, 50).Draw(t, "items")
		random := func() uint64 { return rapid.Uint64().Draw(t, "random") }
		b := NewBloom(len(items), 0.1, rapid.IntRange(1, 1000).Draw(t, "most"), random)
		for _, item := range items {
			b.Add(item)
		}
		for _, item := range items {
			if !b.Contains(item) {
				t.Fatalf("%x is lost", item)
			}
		}
	})
}
