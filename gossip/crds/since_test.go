package crds

import (
	"slices"
	"testing"

	"solsnap/gossip/wire"
)

func since(table *Table, ordinal uint64) (ordinals []uint64) {
	for ordinal := range table.Since(ordinal) {
		ordinals = append(ordinals, ordinal)
	}
	return ordinals
}

func checkSince(t *testing.T, table *Table, ordinal uint64, want ...uint64) {
	t.Helper()
	if got := since(table, ordinal); !slices.Equal(got, want) {
		t.Errorf("since %d: %v, want %v", ordinal, got, want)
	}
}

// TestSince is what was inserted after an ordinal, by any route, in that order;
// what is replaced is there once, anew.
func TestSince(t *testing.T) {
	table := NewTable(self, Limits{})
	checkSince(t, table, 0)
	for i, route := range []Route{Local, Pushed, Pulled} {
		table.Insert(shred(t, 1, uint16(i), now, 0), route, now)
	}
	checkSince(t, table, 0, 1, 2, 3)
	checkSince(t, table, 3)
	table.Insert(shred(t, 1, 1, now+1, 0), Pushed, now)
	table.Insert(shred(t, 1, 1, now, 0), Pushed, now)   // stale
	table.Insert(shred(t, 1, 1, now+1, 0), Pushed, now) // duplicate
	checkSince(t, table, 3, 4)
	checkSince(t, table, 1, 3, 4)
	checkSince(t, table, table.Ordinal())
	checkSince(t, table, 1000)
	checkSince(t, table, 0, 1, 3, 4)
}

// TestSinceGoesOn where it was left, while what it was left at goes.
func TestSinceGoesOn(t *testing.T) {
	table := populated(t, 10)
	var cursor uint64
	for ordinal := range table.Since(0) {
		cursor = ordinal
		if ordinal == 5 {
			break
		}
	}
	table.Insert(shred(t, 1, 4, now+1, 0), Pushed, now) // the one of ordinal 5
	table.Insert(shred(t, 1, 5, now+1, 0), Pushed, now)
	verify(t, table)
	checkSince(t, table, cursor, 7, 8, 9, 10, 11, 12)
	table.Expire(now+100_000, constant(15_000))
	checkSince(t, table, cursor)
	table.Insert(snapshots(t, 2, now), Pushed, now)
	checkSince(t, table, cursor, 13)
}

// TestGet has what is there to be asked of a table.
func TestGet(t *testing.T) {
	table, info, hashes := NewTable(self, Limits{}), contact(t, 1, 1, now), snapshots(t, 1, now)
	check(t, "has", table.Has(node(1)), false)
	_, ok := table.Get(info.Label())
	check(t, "get", ok, false)
	_, ok = table.ContactInfo(node(1))
	check(t, "contact info", ok, false)
	_, ok = table.SnapshotHashes(node(1))
	check(t, "snapshot hashes", ok, false)

	table.Insert(hashes, Pushed, now)
	_, ok = table.ContactInfo(node(1))
	check(t, "contact info", ok, false)
	table.Insert(info, Pushed, now+1)
	check(t, "has", table.Has(node(1)), true)
	n, _ := table.ContactInfo(node(1))
	check(t, "received", n.Received, now+1)
	check(t, "pubkey", n.Info.Pubkey, node(1))
	again, _ := table.ContactInfo(node(1))
	check(t, "decoded once", again.Info, n.Info)
	s, _ := table.SnapshotHashes(node(1))
	check(t, "wallclock", s.Wallclock, now)
	s2, _ := table.SnapshotHashes(node(1))
	check(t, "decoded once", s2, s)
}

// TestRevision changes with ContactInfos and SnapshotHashes, and with nothing else.
func TestRevision(t *testing.T) {
	table, last := NewTable(self, Limits{}), uint64(0)
	changed := func() bool {
		before := last
		last = table.Revision()
		return before != last
	}
	for name, tt := range map[string]wire.Verified{"contact info": contact(t, 1, 1, now), "snapshot hashes": snapshots(t, 1, now)} {
		table.Insert(tt, Pushed, now)
		check(t, name, changed(), true)
		table.Insert(tt, Pushed, now)
		check(t, name+" again", changed(), false)
	}
	table.Insert(contact(t, 1, 1, now+1), Pushed, now)
	check(t, "another contact info", changed(), true)
	n, _ := table.ContactInfo(node(1))
	check(t, "its wallclock", n.Info.Wallclock, now+1)
	table.Insert(shred(t, 1, 0, now, 0), Pushed, now)
	table.Touch(node(1), now+5)
	check(t, "others", changed(), false)
	table.Expire(now+100_000, constant(15_000))
	check(t, "expiry", changed(), true)
	table.Expire(now+200_000, constant(15_000))
	check(t, "nothing", changed(), false)
}
