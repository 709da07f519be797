package crds

import (
	"testing"

	"solsnap/gossip/wire"
)

// full is a table with room for four values: of node 1, then 2, then 1 again,
// then 2 again.
func full(t *testing.T) (*Table, []wire.Verified) {
	t.Helper()
	table := NewTable(self, Limits{Values: 4})
	values := []wire.Verified{shred(t, 1, 0, now, 0), shred(t, 2, 0, now, 0), shred(t, 1, 1, now, 0), shred(t, 2, 1, now, 0)}
	for _, v := range values {
		check(t, "outcome", table.Insert(v, Pushed, now).Verdict, New)
	}
	return table, values
}

// TestEvictOldest: without stakes, the values inserted first go first.
func TestEvictOldest(t *testing.T) {
	table, values := full(t)
	table.Insert(shred(t, 1, 0, now+1, 0), Pushed, now) // no new label, so the oldest is that of 2 now
	check(t, "values", table.values.len(), 4)
	check(t, "outcome", table.Insert(snapshots(t, 3, now), Pushed, now).Verdict, New)
	holds(t, table, values[1], false)
	check(t, "purged", table.known(values[1].Hash()), true)
	check(t, "outcome", table.Insert(contact(t, 3, 1, now), Pushed, now).Verdict, New)
	holds(t, table, values[2], false)
	check(t, "evicted", table.Stats().Evicted, 2)
	check(t, "values", table.values.len(), 4)
	verify(t, table)
}

// TestEvictLeastStake first, whoever's is the oldest.
func TestEvictLeastStake(t *testing.T) {
	table, values := full(t)
	table.SetStakes(map[wire.Pubkey]uint64{node(1): 5, node(3): 7, node(4): 5})
	table.Insert(snapshots(t, 3, now), Pushed, now)
	holds(t, table, values[1], false)
	table.Insert(contact(t, 3, 1, now), Pushed, now)
	holds(t, table, values[3], false)
	check(t, "has origin", table.Has(node(2)), false)
	table.Insert(snapshots(t, 4, now), Pushed, now)
	holds(t, table, values[0], false)
}

// TestEvictNobodyForLessStake: the newcomer is rejected, and fails.
func TestEvictNobodyForLessStake(t *testing.T) {
	table, values := full(t)
	table.SetStakes(map[wire.Pubkey]uint64{node(1): 5, node(2): 5, node(3): 4})
	v := snapshots(t, 3, now)
	check(t, "judgement", table.Judge(v.Value(), v.Hash()), Outcome{Verdict: Rejected})
	check(t, "outcome", table.Insert(v, Pushed, now), Outcome{Verdict: Rejected})
	check(t, "failed", table.failed.has(v.Hash()), true)
	for _, v := range values {
		holds(t, table, v, true)
	}
	check(t, "outcome of a winner", table.Insert(shred(t, 1, 0, now+1, 0), Pushed, now).Verdict, Replaces)
}

// TestEvictNeverSelf, and self always finds room.
func TestEvictNeverSelf(t *testing.T) {
	table := NewTable(self, Limits{Values: 2})
	own := []wire.Verified{contact(t, 0, 1, now), snapshots(t, 0, now), shred(t, 0, 0, now, 0)}
	table.SetStakes(map[wire.Pubkey]uint64{node(1): 5})
	table.Insert(own[0], Local, now)
	table.Insert(snapshots(t, 1, now), Pushed, now)
	table.Insert(own[1], Local, now)
	check(t, "has the other", table.Has(node(1)), false)
	table.Insert(own[2], Local, now)
	for _, v := range own {
		holds(t, table, v, true)
	}
	check(t, "outcome", table.Insert(snapshots(t, 1, now), Pushed, now).Verdict, Rejected)
	verify(t, table)
}

// TestCrowdIsBounded between two calls of Trim.
func TestCrowdIsBounded(t *testing.T) {
	table := NewTable(self, Limits{Pubkeys: 2})
	for key := range byte(4) {
		check(t, "outcome", table.Insert(contact(t, key+1, 1, now), Pushed, now).Verdict, New)
	}
	check(t, "outcome of one more", table.Insert(contact(t, 5, 1, now), Pushed, now).Verdict, Rejected)
	check(t, "outcome of another value", table.Insert(snapshots(t, 4, now), Pushed, now).Verdict, New)
	check(t, "outcome of our own", table.Insert(contact(t, 0, 1, now), Local, now).Verdict, New)
}
