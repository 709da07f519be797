package crds

import (
	"testing"

	"solsnap/gossip/wire"
)

// TestHotPathsDoNotAllocate: what is done for every value that comes, wanted or
// not.
func TestHotPathsDoNotAllocate(t *testing.T) {
	table := populated(t, 100)
	table.Insert(contact(t, 1, 1, now), Pushed, now)
	table.Insert(snapshots(t, 1, now), Pushed, now)
	held, newer, stale, fresh := shred(t, 1, 0, now, 0), shred(t, 1, 0, now+1, 0), shred(t, 1, 0, now-1, 0), shred(t, 1, 200, now, 0)
	vote := wire.Label{Kind: wire.KindVote, Origin: node(1)}
	table.Refuse(vote, now, numbered(1), now)
	table.Insert(stale, Pushed, now)
	table.Fail(numbered(2), now)
	judge := func(v wire.Verified) func() {
		value, hash := v.Value(), v.Hash()
		return func() { table.Judge(value, hash) }
	}
	origin, forever := node(1), constant(1<<60)
	refused, failed := numbered(1), numbered(2)
	work := 1 << 30
	f := everything(0, 0)
	for name, run := range map[string]func(){
		"judge duplicate":  judge(held),
		"judge newer":      judge(newer),
		"judge stale":      judge(stale),
		"judge new":        judge(fresh),
		"duplicate":        func() { table.Duplicate(held.Label()) },
		"insert duplicate": func() { table.Insert(held, Pushed, now) },
		"insert stale":     func() { table.Insert(stale, Pushed, now) },
		"refuse duplicate": func() { table.Refuse(vote, now, refused, now) },
		"refuse stale":     func() { table.Refuse(vote, now-1, failed, now) },
		"fail":             func() { table.Fail(failed, now) },
		"get":              func() { table.Get(held.Label()) },
		"contact info":     func() { table.ContactInfo(origin) },
		"snapshot hashes":  func() { table.SnapshotHashes(origin) },
		"touch":            func() { table.Touch(origin, now) },
		"expire":           func() { table.Expire(now, forever) },
		"since": func() {
			for range table.Since(table.Ordinal() - 5) {
				continue
			}
		},
		"missing": func() {
			for range table.Missing(f, now, &work) {
				continue
			}
		},
	} {
		check(t, name+": allocations", testing.AllocsPerRun(10, run), 0)
	}
}
