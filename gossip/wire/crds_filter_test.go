package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFilterOfTheFixtures has the items and positions of the README.
func TestFilterOfTheFixtures(t *testing.T) {
	m, err := Decode(fixture(t, "derived_pull_request_ci.bin"))
	if err != nil {
		t.Fatal(err)
	}
	f := m.(*PullRequest).Filter
	check(t, "mask", f.Mask, 0x17ffffffffffffff)
	check(t, "mask bits", f.MaskBits, 6)
	check(t, "bits", f.Bloom.Bits.Len, 8062)
	check(t, "words", len(f.Bloom.Bits.Blocks), 126)
	check(t, "bits set", f.Bloom.NumSet, 15)
	positions := map[byte][3]uint64{92: {5661, 748, 1622}, 133: {3683, 5876, 6422}, 134: {5206, 6933, 2047}, 164: {6189, 7162, 6318}, 166: {7530, 2867, 523}}
	made := Bloom{Keys: f.Bloom.Keys, Bits: BitVec[uint64]{make([]uint64, 126), 8062}}
	for i := range 256 {
		hash := Hash(sha256.Sum256([]byte{byte(i)}))
		want, member := positions[byte(i)]
		check(t, "covers", f.Covers(hash), member)
		check(t, "contains", f.Covers(hash) && f.Contains(hash), member)
		for k, at := range want {
			if member {
				check(t, "position", fnv(hash[:], f.Bloom.Keys[k])%8062, at)
			}
		}
		if member {
			made.Add(hash[:])
		}
	}
	again := *m.(*PullRequest)
	again.Filter.Bloom = made
	check(t, "made anew", hex.EncodeToString(encode(t, &again)), hex.EncodeToString(fixture(t, "derived_pull_request_ci.bin")))
}

// TestFilterOfRadiance is a real one of 2022.
func TestFilterOfRadiance(t *testing.T) {
	m, err := Legacy.Decode(fixture(t, "pull_request.bin"))
	if err != nil {
		t.Fatal(err)
	}
	f := m.(*PullRequest).Filter
	check(t, "keys", [3]uint64(f.Bloom.Keys), [3]uint64{0x0e1f75695561c8f4, 0x7edda0f717d55580, 0x221a275bb8650ed4})
	check(t, "bits", f.Bloom.Bits.Len, 6168)
	check(t, "words", len(f.Bloom.Bits.Blocks), 97)
	check(t, "mask", f.Mask, 0x03ffffffffffffff)
	check(t, "mask bits", f.MaskBits, 6)
}

// TestDefaultFilterIsLegacy is the empty filter of Sig's tests.
func TestDefaultFilterIsLegacy(t *testing.T) {
	b := unhex(t, strings.Repeat("00", 8+9+8)+"ffffffffffffffff 00000000")
	var f CrdsFilter
	c := Legacy.reader(b)
	f.walk(c)
	check(t, "error", c.finish(), nil)
	check(t, "covers everything", f.Covers(Hash{1, 2, 3}), true)
	c = Modern.reader(b)
	f.walk(c)
	checkError(t, c.finish(), "0 bits, want at least 1")
}

func TestMask(t *testing.T) {
	check(t, "mask", mask(2, 3), 6917529027641081855)
	check(t, "mask of everything", mask(0, 0), math.MaxUint64)
	var hash Hash
	for i := range hash {
		hash[i] = byte(i + 1)
	}
	check(t, "prefix", hash.Prefix(), 0x0807060504030201)
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.Uint32Range(1, 63).Draw(t, "bits")
		partition := rapid.Uint64Max(1<<bits-1).Draw(t, "partition")
		var hash Hash
		copy(hash[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "hash"))
		f := CrdsFilter{Mask: mask(partition, bits), MaskBits: bits}
		if got, want := f.Covers(hash), hash.Prefix()>>(64-bits) == partition; got != want {
			t.Fatalf("covers %v: %v, want %v", hash, got, want)
		}
		f.Mask &^= lowBits(bits)
		if got, want := f.Covers(hash), hash.Prefix()>>(64-bits) == partition; got != want {
			t.Fatalf("covers %v without the low bits of the mask: %v, want %v", hash, got, want)
		}
	})
}

// TestMaskBitsOfRequests has the ends of the range.
func TestMaskBitsOfRequests(t *testing.T) {
	m := madeMessages(t)["pull request"].(*PullRequest)
	for bits, good := range map[uint32]bool{0: false, 5: false, 6: true, 63: true, 64: false, math.MaxUint32: false} {
		m.Filter.MaskBits = bits
		b, err := Legacy.Append(nil, m)
		check(t, "error in the old dialect", err, nil)
		_, err = Decode(b)
		check(t, "taken", err == nil, good)
		if got, err := Legacy.Decode(b); err != nil || got.(*PullRequest).Filter.MaskBits != bits {
			t.Errorf("old dialect reads %v, error %v, want %d bits", got, err, bits)
		}
		_, err = Append(nil, m)
		check(t, "written", err == nil, good)
	}
}
