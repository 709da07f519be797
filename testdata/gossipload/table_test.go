//go:build linux

package main

import (
	"math"
	"slices"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

func newTestTable(t *testing.T) (*cluster, *table) {
	t.Helper()
	c := newVillage(t)
	table, err := newTable(t.Context(), c, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(table.close)
	return c, table
}

// TestTableIsGood has all of its values decode and verify, as their place says,
// and none from the future or older than two days.
func TestTableIsGood(t *testing.T) {
	c, table := newTestTable(t)
	now := millis(time.Now())
	for i := range c.mix {
		p := &c.mix[i]
		for slot := p.first; slot < p.first+p.owners*p.each; slot += 1 + p.each/3 {
			v, err := wire.DecodeValue(table.bytes(int32(slot)))
			check(t, "error", err, nil)
			_, err = v.Verify()
			check(t, "signature", err, nil)
			e := table.entries[slot]
			check(t, "hash", v.Hash(), e.hash)
			check(t, "wallclock", v.Wallclock(), e.when)
			check(t, "kind", v.Kind(), e.kind)
			check(t, "index", int(v.Label().Index), (slot-p.first)%p.each)
			check(t, "origin", v.Origin(), c.nodes[e.node].pubkey)
			if e.when > now || now-e.when > 2*86_400_000 {
				t.Errorf("%v is %d ms old", v.Label(), int64(now-e.when))
			}
		}
	}
}

// TestTableGrowsOldInOrder has the values come first that the stream replaces
// first.
func TestTableGrowsOldInOrder(t *testing.T) {
	_, table := newTestTable(t)
	whens := map[int32][]uint64{}
	for _, e := range table.entries {
		if e.kind == wire.KindVote {
			whens[e.node] = append(whens[e.node], e.when)
		}
	}
	for _, when := range whens {
		if !slices.IsSorted(when) {
			t.Fatalf("votes of %v, want the first to be the oldest", when)
		}
	}
}

// TestTableMissing asks for every partition with filters of half the table.
func TestTableMissing(t *testing.T) {
	_, table := newTestTable(t)
	set, err := wire.NewFilterSet(0, 900, wire.PullShare, wire.MaxFilters, seeded().Uint64)
	check(t, "error", err, nil)
	for slot := range table.entries {
		if slot%2 == 0 {
			set.Add(table.entries[slot].hash)
		}
	}
	found := 0
	for _, f := range set.Filters() {
		var want []int32
		for slot := range table.entries {
			if e := &table.entries[slot]; f.Covers(e.hash) && !f.Contains(e.hash) {
				want = append(want, int32(slot))
			}
		}
		got := table.missing(&f, math.MaxUint64)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		found += len(got)
		check(t, "older than everything", len(table.missing(&f, 1)), 0)
	}
	if found == 0 {
		t.Error("nothing is missing")
	}
}

// TestTableMissingOfSmallPartitions has filters that cover less than a shard.
func TestTableMissingOfSmallPartitions(t *testing.T) {
	_, table := newTestTable(t)
	for slot, e := range table.entries {
		f := wire.CrdsFilter{Bloom: wire.NewBloom(1, 0.1, 64, seeded().Uint64), Mask: e.hash.Prefix() | math.MaxUint64>>40, MaskBits: 40}
		if got := table.missing(&f, math.MaxUint64); !slices.Equal(got, []int32{int32(slot)}) {
			t.Errorf("got %v, want %d alone", got, slot)
		}
	}
}

// TestTableReplace has a filter find the new value, and the old one no longer.
func TestTableReplace(t *testing.T) {
	c, table := newTestTable(t)
	before := table.entries[0].hash
	v, err := newAuthor(c, newRandom(2, 0)).write(table.entries[0].kind, table.entries[0].node, 0, millis(time.Now()))
	check(t, "error", err, nil)
	table.replace(0, v)
	for want, hash := range map[int]wire.Hash{0: before, 1: v.hash} {
		f := wire.CrdsFilter{Bloom: wire.NewBloom(1, 0.1, 64, seeded().Uint64), Mask: hash.Prefix(), MaskBits: 63}
		check(t, "found", len(table.missing(&f, math.MaxUint64)), want)
	}
	check(t, "bytes", string(table.bytes(0)), string(v.bytes))
	listed := 0
	for _, shard := range table.shards {
		listed += len(shard)
	}
	check(t, "listed", listed, len(table.entries))
}
