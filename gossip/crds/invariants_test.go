package crds

import (
	"slices"

	"solsnap/gossip/wire"
)

// verify checks that all parts of a table agree.
func verify(t errorer, table *Table) {
	t.Helper()
	verifyValues(t, table)
	verifyOrigins(t, table)
	verifyRefused(t, table)
	verifyRecent(t, table.purged)
	verifyRecent(t, table.failed)
}

// verifyValues checks that each value is in its shard, once, among those of its
// origin, and in the order of ordinals.
func verifyValues(t errorer, table *Table) {
	t.Helper()
	var counts [wire.KindRestartHeaviestFork + 1]int
	var ordinal uint64
	inOrder := 0
	for place := table.values.next(0); place != 0; place = table.values.next(place) {
		e := table.values.at(place)
		v := e.value
		counts[v.Kind()]++
		inOrder++
		check(t, "order", ordinal < e.ordinal && e.ordinal <= table.ordinal, true)
		ordinal = e.ordinal
		check(t, "place", table.find(v.Label()), place)
		check(t, "origin", table.origins.at(e.origin).pubkey, v.Origin())
		check(t, "in the shard", slices.Contains(table.shards[v.Hash().Prefix()>>52], place), true)
		check(t, "predecessor's successor", table.values.next(table.values.prev(place)), place)
	}
	check(t, "last", table.values.prev(0) == 0, inOrder == 0)
	inShards := 0
	for _, shard := range table.shards {
		inShards += len(shard)
	}
	inMemory := 0
	for place, e := range table.values.all() {
		inMemory++
		check(t, "place in memory", table.find(e.value.Label()), place)
	}
	check(t, "values in order", inOrder, table.values.len())
	check(t, "values in shards", inShards, table.values.len())
	check(t, "values in memory", inMemory, table.values.len())
	check(t, "counts", counts, table.counts)
	if table.cursor != 0 {
		check(t, "cursor is at a value", table.values.at(table.cursor).ordinal > 0, true)
	}
}

// verifyOrigins checks that each origin has values, knows no others, and is where
// it should be in the ranking.
func verifyOrigins(t errorer, table *Table) {
	t.Helper()
	var values, refused, ranked int
	for place, o := range table.origins.all() {
		check(t, "place of origin", table.places[o.pubkey], place)
		check(t, "origin's place", o.place, place)
		check(t, "stake", o.stake, table.stakes[o.pubkey])
		check(t, "has values", len(o.values) > 0, true)
		values += len(o.values)
		refused += len(o.refused)
		byLabel := func(a, b listed) int { return int(a.label) - int(b.label) }
		check(t, "values are sorted", slices.IsSortedFunc(o.values, byLabel), true)
		check(t, "refusals are sorted", slices.IsSortedFunc(o.refused, byLabel), true)
		_, oldest := table.oldest(o)
		check(t, "oldest is a bound", o.oldest <= oldest, true)
		if o.pubkey != table.self {
			ranked++
			check(t, "rank", table.ranking[o.rank], o)
			check(t, "heap", o.rank == 0 || !table.ranking.Less(o.rank, (o.rank-1)/2), true)
		}
	}
	check(t, "values of origins", values, table.values.len())
	check(t, "refusals of origins", refused, table.refused.len())
	check(t, "ranked", ranked, len(table.ranking))
	check(t, "origins", len(table.places), table.origins.len())
	check(t, "hand is at an origin", table.hand == 0 || table.origins.at(table.hand).place == table.hand, true)
}

func verifyRefused(t errorer, table *Table) {
	t.Helper()
	n := 0
	for place := table.refused.next(0); place != 0; place = table.refused.next(place) {
		n++
		r := table.refused.at(place)
		check(t, "refusal of the origin", table.origins.at(r.origin).refused.find(r.short()), place)
	}
	check(t, "refusals in order", n, table.refused.len())
	if n > table.limits.Refused {
		t.Errorf("%d are refused, want at most %d", n, table.limits.Refused)
	}
}

// verifyRecent checks that each hash is found where it came last, and that the
// index has no others.
func verifyRecent(t errorer, r *recent) {
	t.Helper()
	last := map[wire.Hash]uint32{}
	for i := range r.count {
		at := (r.first + i) % len(r.ring)
		last[r.ring[at].hash] = uint32(at) + 1
	}
	for h, at := range last {
		cell, found := r.find(h)
		check(t, "found", found && r.cells[cell] == at, true)
	}
	n := 0
	for _, cell := range r.cells {
		if cell != 0 {
			n++
		}
	}
	check(t, "cells", n, len(last))
	if r.count > r.limit {
		t.Errorf("%d hashes, want at most %d", r.count, r.limit)
	}
}
