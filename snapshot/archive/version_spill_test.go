package archive

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// TestSupersededAreAllButTheNewest compares the spill with a map.
func TestSupersededAreAllButTheNewest(t *testing.T) {
	dir := t.TempDir()
	spill, err := newVersionSpill(dir, 3*partitionBytes/versionSize) // several partitions
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	live := make(map[[32]byte]accountVersion)
	var all []accountVersion
	for ordinal := range uint64(20_000) {
		v := accountVersion{slot: random.Uint64N(5), writeVersion: random.Uint64N(2), ordinal: ordinal, empty: random.IntN(4) == 0}
		binary.LittleEndian.PutUint64(v.pubkey[24:], random.Uint64N(5_000))
		if best, ok := live[v.pubkey]; !ok || compareVersions(v, best) < 0 {
			live[v.pubkey] = v
		}
		all = append(all, v)
		if err := spill.add(v); err != nil {
			t.Fatal(err)
		}
	}
	var want, got []uint64
	for _, v := range all {
		if live[v.pubkey].ordinal != v.ordinal {
			want = append(want, v.ordinal)
		}
	}
	if _, err := spill.superseded(func(v accountVersion) error {
		if all[v.ordinal] != v {
			t.Errorf("got %+v, want %+v", v, all[v.ordinal])
		}
		got = append(got, v.ordinal)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d superseded, want %d", len(got), len(want))
	}
	assertEmptyDir(t, dir)
}

func TestOrdinalListContainsWhatWasAdded(t *testing.T) {
	const records = 3 * partitionBytes / 8 // several ranges
	dir := t.TempDir()
	list, err := newOrdinalList(dir, records)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	added := map[uint64]bool{0: true, records - 1: true}
	for range 1000 {
		added[random.Uint64N(records)] = true
	}
	for ordinal := range added {
		if err := list.add(ordinal); err != nil {
			t.Fatal(err)
		}
	}
	found := 0
	for ordinal := range uint64(records) {
		if ordinal%1000 != 0 && !added[ordinal] {
			continue // ask of some that were not added, too
		}
		got, err := list.contains(ordinal)
		if err != nil || got != added[ordinal] {
			t.Fatalf("ordinal %d: %v, %v", ordinal, got, err)
		}
		if got {
			found++
		}
	}
	if found != len(added) {
		t.Errorf("found %d of %d", found, len(added))
	}
	if err := list.close(); err != nil {
		t.Error(err)
	}
	assertEmptyDir(t, dir)
}

func assertEmptyDir(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the scratch directory: %v, %v", left, err)
	}
}

func TestKeySetHasWhatWasAdded(t *testing.T) {
	set := newKeySet()
	key := func(n uint64) *[32]byte {
		var k [32]byte
		binary.BigEndian.PutUint64(k[:], n)
		return &k
	}
	const n = 100_000
	for i := range uint64(n) {
		set.add(key(i))
		set.add(key(i))
	}
	if set.count != n || set.full {
		t.Fatalf("%d keys, full %v", set.count, set.full)
	}
	for i := range uint64(2 * n) {
		if set.has(key(i)) != (i < n) {
			t.Fatalf("key %d: %v", i, set.has(key(i)))
		}
	}
}
