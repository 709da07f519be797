package crds

import (
	"bytes"
	"slices"
	"testing"

	"solsnap/gossip/wire"
)

// crowded is a table of n origins, of which 10 are wanted, and their pubkeys in
// order. Nobody has been at self's.
func crowded(t *testing.T, n byte) (*Table, []wire.Pubkey) {
	t.Helper()
	table := NewTable(self, Limits{Pubkeys: 10})
	var origins []wire.Pubkey
	for key := range n {
		table.Insert(contact(t, key+1, 1, now), Pushed, now)
		table.Insert(snapshots(t, key+1, now), Pushed, now)
		origins = append(origins, node(key+1))
	}
	slices.SortFunc(origins, func(a, b wire.Pubkey) int { return bytes.Compare(a[:], b[:]) })
	return table, origins
}

// left are those of origins that have values.
func left(table *Table, origins []wire.Pubkey) []wire.Pubkey {
	return slices.DeleteFunc(slices.Clone(origins), func(k wire.Pubkey) bool { return !table.Has(k) })
}

// TestTrimAboveATenth of too many.
func TestTrimAboveATenth(t *testing.T) {
	table, origins := crowded(t, 11)
	table.Trim(nobody, constant(1))
	check(t, "left of 11", len(left(table, origins)), 11)
	table, origins = crowded(t, 12)
	table.Trim(nobody, constant(1))
	check(t, "left of 12", len(left(table, origins)), 10)
	check(t, "trimmed", table.Stats().Trimmed, 2)
	check(t, "purged", table.Stats().Purged, 4)
	verify(t, table)
}

// TestTrimLeastStakeThenSmallestPubkey is the order in which origins go.
func TestTrimLeastStakeThenSmallestPubkey(t *testing.T) {
	table, origins := crowded(t, 14)
	poor := []wire.Pubkey{origins[9], origins[13]}
	table.Trim(nobody, func(k wire.Pubkey) uint64 {
		if slices.Contains(poor, k) {
			return 1
		}
		return 2
	})
	want := slices.Clone(origins)
	want = slices.DeleteFunc(want, func(k wire.Pubkey) bool { return slices.Contains(poor, k) })[2:]
	if got := left(table, origins); !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
}

// TestTrimKeeps those that count all the same.
func TestTrimKeeps(t *testing.T) {
	table, origins := crowded(t, 14)
	table.self = origins[1]
	table.Trim(func(k wire.Pubkey) bool { return k == origins[0] }, constant(1))
	if got, want := left(table, origins), slices.Concat(origins[:2], origins[4:]); !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
}

// TestTrimWithoutStakes removes any: each as often as the others, more or less.
func TestTrimWithoutStakes(t *testing.T) {
	table, origins := crowded(t, 20)
	var infos []wire.Verified
	for key := range byte(20) {
		infos = append(infos, contact(t, key+1, 1, now))
	}
	var gone int
	for range 200 {
		table.Trim(nobody, constant(0))
		check(t, "left", len(left(table, origins)), 10)
		if !table.Has(infos[0].Origin()) {
			gone++
		}
		for _, info := range infos {
			table.Insert(info, Pushed, now)
		}
	}
	if gone < 60 || gone > 140 {
		t.Errorf("one of 20 is among 10 removed %d times of 200, want about 100", gone)
	}
}
