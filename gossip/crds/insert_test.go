package crds

import (
	"testing"

	"solsnap/gossip/wire"
)

// TestOverrides has the rules by which one of two values with the same label wins
// (Agave gossip/src/crds.rs, overrides), each tried in both orders.
func TestOverrides(t *testing.T) {
	lesser, greater := twins(t, 1, now)
	for name, tt := range map[string]struct{ loser, winner wire.Verified }{
		"rule 1: contact info of the later outset, though older":          {contact(t, 1, 1, now+1000), contact(t, 1, 2, now)},
		"rule 1: contact info of the same outset, by wallclock":           {contact(t, 1, 1, now), contact(t, 1, 1, now+1)},
		"rule 2: others by wallclock":                                     {snapshots(t, 1, now), snapshots(t, 1, now+1)},
		"rule 2: others by wallclock, of the greater hash or not":         {greater, shred(t, 1, 0, now+1, 0)},
		"rule 3: of the same wallclock, by the bytes of the greater hash": {lesser, greater},
	} {
		t.Run(name, func(t *testing.T) {
			table := NewTable(self, Limits{})
			check(t, "first", table.Insert(tt.loser, Pushed, now).Verdict, New)
			check(t, "judgement of the winner", table.Judge(tt.winner.Value(), tt.winner.Hash()), Outcome{Verdict: Replaces})
			check(t, "winner", table.Insert(tt.winner, Pushed, now), Outcome{Verdict: Replaces})
			holds(t, table, tt.winner, true)

			table = NewTable(self, Limits{})
			table.Insert(tt.winner, Pushed, now)
			check(t, "judgement of the loser", table.Judge(tt.loser.Value(), tt.loser.Hash()), Outcome{Verdict: Stale})
			check(t, "loser", table.Insert(tt.loser, Pushed, now), Outcome{Verdict: Stale})
			holds(t, table, tt.winner, true)
		})
	}
}

// TestInsertNoEntry has the first row of the outcomes.
func TestInsertNoEntry(t *testing.T) {
	table, v := NewTable(self, Limits{}), snapshots(t, 1, now)
	check(t, "outcome", table.Insert(v, Pulled, now), Outcome{Verdict: New})
	holds(t, table, v, true)
	check(t, "purged", table.Stats().Purged, 0)
	check(t, "ordinal", table.Ordinal(), 1)
}

// TestInsertWinnerPurgesTheOther: the hash of what was replaced is remembered.
func TestInsertWinnerPurgesTheOther(t *testing.T) {
	table, old, young := NewTable(self, Limits{}), snapshots(t, 1, now), snapshots(t, 1, now+1)
	table.Insert(old, Pushed, now)
	table.Insert(young, Pushed, now)
	check(t, "old is known", table.known(old.Hash()), true)
	check(t, "young is known", table.known(young.Hash()), false)
	check(t, "judgement of the old", table.Judge(old.Value(), old.Hash()), Outcome{Verdict: Stale, Known: true})
	check(t, "purged", table.Stats().Purged, 1)
	check(t, "values", table.Stats().Values[wire.KindSnapshotHashes], 1)
	check(t, "ordinal", table.Ordinal(), 2)
}

// TestInsertLoserIsPurged: the hash of what lost is remembered.
func TestInsertLoserIsPurged(t *testing.T) {
	table, old, young := NewTable(self, Limits{}), snapshots(t, 1, now), snapshots(t, 1, now+1)
	table.Insert(young, Pushed, now)
	check(t, "outcome", table.Insert(old, Pushed, now), Outcome{Verdict: Stale})
	check(t, "purged", table.Stats().Purged, 1)
	check(t, "outcome again", table.Insert(old, Pushed, now), Outcome{Verdict: Stale, Known: true})
	check(t, "purged again", table.Stats().Purged, 1)
	check(t, "ordinal", table.Ordinal(), 1)
}

// TestInsertDuplicatePush counts receptions by push: none for a value of our own
// or of a pull response, 1 for one that came by push.
func TestInsertDuplicatePush(t *testing.T) {
	for route, first := range map[Route]int{Local: 0, Pulled: 0, Pushed: 1} {
		table, v := NewTable(self, Limits{}), snapshots(t, 1, now)
		table.Insert(v, route, now)
		for n := first; n < first+3; n++ {
			check(t, "judgement", table.Judge(v.Value(), v.Hash()), Outcome{Verdict: Duplicate, Pushes: n})
			check(t, "outcome", table.Insert(v, Pushed, now), Outcome{Verdict: Duplicate, Pushes: n})
		}
		check(t, "count without the value", table.Duplicate(v.Label()), first+3)
		check(t, "outcome", table.Insert(v, Pushed, now).Pushes, first+4)
		check(t, "purged", table.Stats().Purged, 0)
		check(t, "ordinal", table.Ordinal(), 1)
	}
}

// TestInsertDuplicateByOtherRoutes: they are not counted.
func TestInsertDuplicateByOtherRoutes(t *testing.T) {
	table, v := NewTable(self, Limits{}), snapshots(t, 1, now)
	table.Insert(v, Pushed, now)
	for _, route := range []Route{Local, Pulled, Pushed} {
		check(t, "outcome", table.Insert(v, route, now), Outcome{Verdict: Duplicate, Pushes: 1})
	}
}

// TestDuplicatesEndAt255 counts on.
func TestDuplicatesEndAt255(t *testing.T) {
	table, v := NewTable(self, Limits{}), snapshots(t, 1, now)
	check(t, "of what is not held", table.Duplicate(v.Label()), 0)
	table.Insert(v, Pushed, now)
	for range 300 {
		table.Duplicate(v.Label())
	}
	check(t, "count", table.Duplicate(v.Label()), 255)
	table.Insert(snapshots(t, 1, now+1), Pushed, now)
	check(t, "count of the next", table.Duplicate(v.Label()), 1)
}

// TestDeadKindsAreRejected, by which others would be lost with us.
func TestDeadKindsAreRejected(t *testing.T) {
	body := append(make([]byte, 64), 8, 0, 0, 0) // NodeInstance
	v, err := wire.Legacy.DecodeValue(append(body, make([]byte, 32+8+8+8)...))
	if err != nil {
		t.Fatal(err)
	}
	table := NewTable(self, Limits{})
	check(t, "outcome", table.Judge(v, v.Hash()), Outcome{Verdict: Rejected})
	table.Insert(contact(t, 1, 1, now), Pushed, now)
	check(t, "outcome", table.Refuse(wire.Label{Kind: wire.KindVersion, Origin: node(1)}, now, v.Hash(), now).Verdict, Rejected)
}

// TestInsertPulled has the table of what becomes of values of pull responses.
func TestInsertPulled(t *testing.T) {
	const timeout = 15_000
	young, atLimit, old := snapshots(t, 1, now), snapshots(t, 1, now-timeout), snapshots(t, 1, now-timeout-1)
	info := contact(t, 1, 1, now-60_000)
	for name, tt := range map[string]struct {
		held           []wire.Verified
		pulled         wire.Verified
		want           Verdict
		failed, bumped bool
	}{
		"row 1: does not win":                     {[]wire.Verified{young}, old, Stale, true, false},
		"row 1: is the one held":                  {[]wire.Verified{young}, young, Duplicate, true, false},
		"row 2: in time":                          {nil, young, New, false, true},
		"row 2: just in time":                     {nil, atLimit, New, false, true},
		"row 2: in time, and bumps contact info":  {[]wire.Verified{info}, young, New, false, true},
		"row 3: late, of a known node":            {[]wire.Verified{info}, old, New, false, false},
		"row 4: late, of an unknown node":         {nil, old, Rejected, true, false},
		"row 4: late contact info, nobody's else": {nil, info, Rejected, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			table := NewTable(self, Limits{})
			for _, v := range tt.held {
				table.Insert(v, Pushed, now-30_000)
			}
			check(t, "verdict", table.InsertPulled(tt.pulled, timeout, now).Verdict, tt.want)
			check(t, "failed", table.Stats().Failed == 1, tt.failed)
			check(t, "known", table.known(tt.pulled.Hash()), tt.failed)
			n, ok := table.ContactInfo(node(1))
			check(t, "bumped", ok && n.Received == now, tt.bumped && len(tt.held) > 0)
		})
	}
	table := NewTable(self, Limits{})
	check(t, "what is not limited", table.InsertPulled(old, 1<<64-1, now).Verdict, New)
}

// TestTouch bumps the ContactInfo of an origin, or if there is none everything.
func TestTouch(t *testing.T) {
	table, v := NewTable(self, Limits{}), snapshots(t, 1, now)
	table.Touch(node(1), now)
	table.Insert(v, Pushed, now)
	table.Touch(node(1), now+5)
	check(t, "bumped", table.values.at(table.find(v.Label())).local, now+5)
	table.Insert(contact(t, 1, 1, now), Pushed, now+6)
	table.Touch(node(1), now+7)
	check(t, "bumped with contact info", table.values.at(table.find(v.Label())).local, now+5)
	n, _ := table.ContactInfo(node(1))
	check(t, "contact info bumped", n.Received, now+7)
	table.Touch(node(1), now)
	n, _ = table.ContactInfo(node(1))
	check(t, "contact info bumped backwards", n.Received, now+7)
}

// TestWithdraw takes back what we said, and nothing else.
func TestWithdraw(t *testing.T) {
	table := NewTable(self, Limits{})
	table.Insert(contact(t, 0, 1, now), Local, now)
	table.Insert(snapshots(t, 0, now), Local, now)
	table.Insert(snapshots(t, 1, now), Pushed, now)
	for range 2 { // the second time there is nothing to take back
		table.Withdraw(wire.KindSnapshotHashes, now)
		_, ok := table.SnapshotHashes(self)
		check(t, "own snapshot hashes", ok, false)
		_, ok = table.ContactInfo(self)
		check(t, "own contact info", ok, true)
		_, ok = table.SnapshotHashes(node(1))
		check(t, "those of another", ok, true)
	}
	check(t, "announced again", table.Insert(snapshots(t, 0, now-1), Local, now).Verdict, New)
}
