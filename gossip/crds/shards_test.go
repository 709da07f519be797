package crds

import (
	"math"
	"slices"
	"testing"

	"solsnap/gossip/wire"
)

// everything is a filter that asks for all of a partition.
func everything(mask uint64, bits uint32) *wire.CrdsFilter {
	return &wire.CrdsFilter{Bloom: wire.Bloom{Keys: []uint64{1}, Bits: wire.BitVec[uint64]{Blocks: []uint64{0}, Len: 64}}, Mask: mask, MaskBits: bits}
}

// populated is a table of n values of one node.
func populated(t testing.TB, n uint16) *Table {
	t.Helper()
	table := NewTable(self, Limits{})
	for i := range n {
		table.Insert(shred(t, 1, i, now, 0), Pushed, now)
	}
	return table
}

func missingOf(table *Table, f *wire.CrdsFilter, latest uint64, work int) (all []wire.Verified) {
	for v := range table.Missing(f, latest, &work) {
		all = append(all, v)
	}
	return all
}

// TestMissingByPartition: the partitions of any number of bits, fewer, as many or
// more than those that make a shard, have every value once.
func TestMissingByPartition(t *testing.T) {
	table := populated(t, 500)
	for _, bits := range []uint32{0, 1, 6, 11, 12, 13, 16} {
		seen := map[wire.Hash]int{}
		for partition := range uint64(1) << bits {
			f := everything(partition<<(64-bits)|math.MaxUint64>>bits, bits)
			for _, v := range missingOf(table, f, now, math.MaxInt) {
				seen[v.Hash()]++
				check(t, "covered", f.Covers(v.Hash()), true)
			}
		}
		check(t, "values", len(seen), 500)
		for _, n := range seen {
			check(t, "times", n, 1)
		}
	}
	for _, e := range table.values.all() { // of 63 bits there are too many partitions to try
		f := everything(e.value.Hash().Prefix()|1, 63)
		check(t, "values of a partition of its own", len(missingOf(table, f, now, math.MaxInt)), 1)
	}
}

// TestMissingIgnoresLowBitsOfTheMask, as others do.
func TestMissingIgnoresLowBitsOfTheMask(t *testing.T) {
	table := populated(t, 200)
	mask := shred(t, 1, 0, now, 0).Hash().Prefix()
	ones := missingOf(table, everything(mask|math.MaxUint64>>6, 6), now, math.MaxInt)
	zeros := missingOf(table, everything(mask&^(math.MaxUint64>>6), 6), now, math.MaxInt)
	check(t, "values", len(ones) > 0 && len(ones) == len(zeros), true)
}

// TestMissingIsForThoseWhoPull: deprecated kinds, what is younger than asked for
// and what Agave would take for a forgery are not.
func TestMissingIsForThoseWhoPull(t *testing.T) {
	table := NewTable(self, Limits{})
	given := []wire.Verified{contact(t, 1, 1, now), snapshots(t, 1, now)}
	kept := []wire.Verified{
		sign(t, 1, &wire.RestartHeaviestFork{From: node(1), Wallclock: now}),
		sign(t, 1, &wire.RestartLastVotedForkSlots{From: node(1), Wallclock: now}),
		shred(t, 1, 0, now+1, 0),
	}
	for _, v := range slices.Concat(given, kept) {
		table.Insert(v, Pushed, now)
	}
	check(t, "values", table.values.len(), 5)
	check(t, "missing", len(missingOf(table, everything(0, 0), now, math.MaxInt)), 2)
	check(t, "missing a ms later", len(missingOf(table, everything(0, 0), now+1, math.MaxInt)), 3)
	table.values.at(table.find(given[0].Label())).value = wire.Verified{} // as if it had extensions
	check(t, "relayable", len(missingOf(table, everything(0, 0), now, math.MaxInt)), 1)
}

// TestMissingEndsWithTheWork, or when told to, and begins anywhere.
func TestMissingEndsWithTheWork(t *testing.T) {
	table := populated(t, 200)
	first := map[wire.Hash]bool{}
	for range 100 {
		work := 10
		n := 0
		for v := range table.Missing(everything(0, 0), now, &work) {
			if n++; n == 1 {
				first[v.Hash()] = true
			}
		}
		check(t, "values", n, 10)
		check(t, "work left", work, 0)
	}
	check(t, "beginnings differ", len(first) > 20, true)
	work := 10
	for range table.Missing(everything(0, 0), now, &work) {
		break
	}
	check(t, "work left", work, 9)
	own := everything(shred(t, 1, 0, now, 0).Hash().Prefix(), 12)
	for work, want := range map[int]bool{-1: false, 0: false, 1: true} {
		check(t, "values for little work", len(missingOf(table, own, now, work)) > 0, want)
	}
}

// TestFiltersAskForTheRest: who has our filters sends everything of their
// partitions that we have not got, but for a tenth at most, and nothing else. All
// that is of node 1 we have, or had, or did not want.
func TestFiltersAskForTheRest(t *testing.T) {
	const ours, held, purged, refused, failed = 500, 200, 100, 100, 100
	theirs, table := populated(t, ours), NewTable(self, Limits{})
	table.Insert(contact(t, 1, 1, now), Pushed, now)
	for i := range uint16(held + purged + refused + failed) {
		switch v := shred(t, 1, i, now, 0); {
		case i < held+purged:
			table.Insert(v, Pushed, now)
			if i >= held {
				table.Insert(shred(t, 1, i, now+1, 0), Pushed, now)
			}
		case i < held+purged+refused:
			table.Refuse(v.Label(), v.Wallclock(), v.Hash(), now)
		default:
			table.Fail(v.Hash(), now)
		}
	}
	for range 9 { // each time an eighth of the partitions
		roundTrip(t, theirs, table)
	}
	for i := range uint16(500) {
		theirs.Insert(shred(t, 2, i, now, 0), Pushed, now)
	}
	var lacking, sent int
	for range 9 {
		l, s := roundTrip(t, theirs, table)
		lacking, sent = lacking+l, sent+s
	}
	if sent < lacking*8/10 {
		t.Errorf("%d are sent of %d that are lacking, want about nine tenths", sent, lacking)
	}
}

// TestFiltersLeaveOwnValuesOut, those of now and those of before, since others
// show by giving them back that they have them.
func TestFiltersLeaveOwnValuesOut(t *testing.T) {
	table := NewTable(self, Limits{})
	old, recent := contact(t, 0, 1, now), contact(t, 0, 1, now+1)
	check(t, "origin", old.Origin(), self)
	table.Insert(old, Local, now)
	table.Insert(recent, Local, now+1)
	for range 100 { // each time an eighth of the partitions
		set, err := table.Filters(1078, wire.PullShare, wire.MaxFilters, more)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range set.Filters() {
			check(t, "old is in a filter", f.Covers(old.Hash()) && f.Contains(old.Hash()), false)
			check(t, "recent is in a filter", f.Covers(recent.Hash()) && f.Contains(recent.Hash()), false)
		}
	}
}

// roundTrip checks that what is missing of a table's own filters is what is in
// their partitions and not in them. It counts what the table lacks and gets.
func roundTrip(t *testing.T, theirs, table *Table) (lacking, sent int) {
	t.Helper()
	set, err := table.Filters(1078, wire.PullShare, wire.MaxFilters, more)
	if err != nil {
		t.Fatal(err)
	}
	for i := range set.Filters() {
		f := &set.Filters()[i]
		want := map[wire.Hash]bool{}
		for _, e := range theirs.values.all() {
			h := e.value.Hash()
			if !f.Covers(h) {
				continue
			}
			if e.value.Origin() == node(1) {
				check(t, "filter contains what we have", f.Contains(h), true)
			} else {
				lacking++
			}
			if !f.Contains(h) {
				want[h] = true
			}
		}
		for _, v := range missingOf(theirs, f, now, math.MaxInt) {
			check(t, "sent is wanted", want[v.Hash()], true)
			delete(want, v.Hash())
			sent++
		}
		check(t, "wanted but not sent", len(want), 0)
	}
	return lacking, sent
}

// TestFiltersNeedRoom says so.
func TestFiltersNeedRoom(t *testing.T) {
	if _, err := NewTable(self, Limits{}).Filters(40, wire.PullShare, wire.MaxFilters, random()); err == nil {
		t.Error("filters fit in 40 bytes, want an error")
	}
}

// TestFiltersCountEverything: there are as many partitions as values and hashes of
// any list need together, none of which would need them alone.
func TestFiltersCountEverything(t *testing.T) {
	const each, most = 36_000, 64 * 1682
	table := NewTable(self, Limits{})
	table.Insert(contact(t, 1, 1, now), Pushed, now)
	for i := range each {
		table.purged.add(numbered(i), now)
		table.Fail(numbered(each+i), now)
		table.Refuse(wire.Label{Kind: wire.KindVote, Index: uint16(i), Origin: node(1)}, now, numbered(2*each+i), now)
	}
	maskBits := func() uint32 {
		set, err := table.Filters(1078, wire.PullShare, wire.MaxFilters, more)
		if err != nil {
			t.Fatal(err)
		}
		return set.Filters()[0].MaskBits
	}
	for table.purged.len()+table.failed.len()+table.refused.len()+1 > most+1 {
		table.unrefuse(table.refused.prev(0))
	}
	check(t, "mask bits of one too many for 64", maskBits(), 7)
	table.unrefuse(table.refused.prev(0))
	check(t, "mask bits of as many as fit into 64", maskBits(), 6)
}
