package wire

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestFilterSizes has the numbers of the reference: what a node makes beside a
// ContactInfo of a size, for tables of three sizes.
func TestFilterSizes(t *testing.T) {
	for _, tt := range []struct{ value, budget, items, bits, words, size int }{
		{150, 1213, 1682, 8062, 126, 1077},
		{170, 1184, 1641, 7865, 123, 1053},
		{190, 1165, 1615, 7740, 121, 1037},
		{210, 1136, 1575, 7549, 118, 1013},
	} {
		room := MaxPacket - 4 - tt.value
		check(t, "budget", bloomBudget(room), tt.budget)
		check(t, "items", maxItems(tt.budget), tt.items)
		for items, want := range map[int]uint32{0: 6, 65_536: 6, 300_000: 8, 1_000_000: 10} {
			s, err := NewFilterSet(items, room, PullShare, MaxFilters, rand.New(rand.NewPCG(1, 2)).Uint64)
			check(t, "error", err, nil)
			check(t, "mask bits", s.maskBits, want)
			check(t, "filters", len(s.Filters()), 1<<want/8)
			for i := range s.Filters() {
				f := &s.Filters()[i]
				check(t, "keys", len(f.Bloom.Keys), 3)
				check(t, "bits", f.Bloom.Bits.Len, uint64(tt.bits))
				check(t, "words", len(f.Bloom.Bits.Blocks), tt.words)
				check(t, "size", len(encodeFilter(t, f)), tt.size)
			}
		}
	}
	check(t, "items of Sig's test", maxItems(928), 1287)
	check(t, "bits of Sig's test", numBits(1287, filterRate), 6168)
	check(t, "mask bits of Sig's test", numMaskBits(800, 100), 3)
	check(t, "mask bits of Agave's test", numMaskBits(55_345_017, maxItems(4098)), 14)
	check(t, "mask bits of Agave's test", numMaskBits(59_672_788, maxItems(8196)), 13)
}

func encodeFilter(t testing.TB, f *CrdsFilter) []byte {
	t.Helper()
	c := Modern.writer(nil)
	f.walk(c)
	check(t, "error", c.finish(), nil)
	return c.buf
}

// TestFilterSetFillsAPacket has the request of a real node.
func TestFilterSetFillsAPacket(t *testing.T) {
	caller := signed(t, madeContactInfo(t))
	s, err := NewFilterSet(0, FilterRoom(caller), PullShare, MaxFilters, rand.New(rand.NewPCG(1, 2)).Uint64)
	check(t, "error", err, nil)
	b := encode(t, &PullRequest{s.Filters()[0], caller.Value()})
	check(t, "size", len(b), 1231)
	_, err = Decode(b)
	check(t, "error", err, nil)
}

// TestFilterSetHoldsWhatIsAdded adds hashes of every partition: each filter has
// its own and, but for a tenth, no others.
func TestFilterSetHoldsWhatIsAdded(t *testing.T) {
	s, err := NewFilterSet(0, 1078, PullShare, MaxFilters, rand.New(rand.NewPCG(1, 2)).Uint64)
	check(t, "error", err, nil)
	hash := func(i uint64) Hash { return sha256.Sum256(binary.LittleEndian.AppendUint64(nil, i)) }
	for i := range uint64(minItems) {
		s.Add(hash(i))
	}
	var asked, falsely, strangers int
	for i := range uint64(2 * minItems) {
		h := hash(i)
		at := slices.IndexFunc(s.Filters(), func(f CrdsFilter) bool { return f.Covers(h) })
		if at < 0 {
			continue
		}
		contains := s.Filters()[at].Contains(h)
		if i < minItems {
			asked++
			check(t, "contains what was added", contains, true)
			continue
		}
		strangers++
		if contains {
			falsely++
		}
	}
	if asked < minItems/8*9/10 || asked > minItems/8*11/10 {
		t.Errorf("%d of %d are asked for, want about an eighth", asked, minItems)
	}
	if falsely > strangers*15/100 {
		t.Errorf("%d of %d strangers are taken for members, want about a tenth", falsely, strangers)
	}
}

// TestFilterSetIsBounded has the largest tables and the smallest rooms.
func TestFilterSetIsBounded(t *testing.T) {
	s, err := NewFilterSet(100_000_000, 1078, PullShare, MaxFilters, rand.New(rand.NewPCG(1, 2)).Uint64)
	check(t, "error", err, nil)
	check(t, "filters", len(s.Filters()), MaxFilters)
	for _, room := range []int{-1, 0, 40, 76} {
		_, err := NewFilterSet(0, room, PullShare, MaxFilters, counter())
		checkError(t, err, "no pull filter fits")
	}
	rapid.Check(t, func(t *rapid.T) {
		room := rapid.IntRange(77, 2000).Draw(t, "room")
		s, err := NewFilterSet(0, room, PullShare, MaxFilters, counter())
		if err != nil {
			t.Fatal(err)
		}
		c := Modern.writer(nil)
		s.Filters()[0].walk(c)
		if err := c.finish(); err != nil {
			t.Fatal(err)
		}
		if len(c.buf) > min(room, MaxPacket) {
			t.Fatalf("filter has %d bytes, want at most %d", len(c.buf), room)
		}
	})
}

// TestSampleIsFair picks each number about as often as any other, and none
// twice.
func TestSampleIsFair(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)).Uint64
	var counts [64]int
	for range 8000 {
		picked := sample(8, 64, random)
		check(t, "picked", len(picked), 8)
		slices.Sort(picked)
		check(t, "different", len(slices.Compact(picked)), 8)
		for _, i := range picked {
			counts[i]++
		}
	}
	for i, n := range counts {
		if n < 850 || n > 1150 {
			t.Errorf("%d is picked %d times of 8000, want about 1000", i, n)
		}
	}
}

func TestFilterSetAsks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i, h := range hashes(200) {
		s, err := NewFilterSet(minItems<<(i%3), 1078, PullShare, MaxFilters, random.Uint64)
		if err != nil {
			t.Fatal(err)
		}
		before := len(s.Filters())
		s.Ask(h)
		s.Ask(h) // once more changes nothing
		check(t, "filters", len(s.Filters()), before)
		s.Add(h)
		covered, partitions := 0, map[uint64]bool{}
		for j, f := range s.Filters() {
			partitions[f.Mask] = true
			if f.Covers(h) {
				covered++
				check(t, "contains", f.Contains(h), true)
				check(t, "filter", j, 0)
			}
		}
		check(t, "filters of the partition", covered, 1)
		check(t, "partitions", len(partitions), before)
	}
}
