package crds

import (
	"testing"
	"unsafe"

	"solsnap/gossip/wire"
)

// TestRefuse has what becomes of hashes of one label.
func TestRefuse(t *testing.T) {
	table := NewTable(self, Limits{})
	label := wire.Label{Kind: wire.KindVote, Index: 3, Origin: node(1)}
	lesser, greater := twins(t, 1, now)
	check(t, "of an unknown origin", table.Refuse(label, now, lesser.Hash(), now).Verdict, Rejected)
	table.Insert(contact(t, 1, 1, now), Pushed, now)
	for _, step := range []struct {
		what      string
		wallclock uint64
		hash      wire.Hash
		want      Outcome
		failed    int
	}{
		{"first", now, lesser.Hash(), Outcome{Verdict: New}, 0},
		{"the same", now, lesser.Hash(), Outcome{Verdict: Duplicate}, 0},
		{"the same again", now, lesser.Hash(), Outcome{Verdict: Duplicate}, 0},
		{"of the greater hash", now, greater.Hash(), Outcome{Verdict: Replaces}, 1},
		{"of the lesser hash", now, lesser.Hash(), Outcome{Verdict: Stale, Known: true}, 1},
		{"older", now - 1, numbered(1), Outcome{Verdict: Stale}, 2},
		{"younger", now + 1, numbered(2), Outcome{Verdict: Replaces}, 3},
		{"the same younger", now + 1, numbered(2), Outcome{Verdict: Duplicate}, 3},
	} {
		check(t, step.what, table.Refuse(label, step.wallclock, step.hash, now), step.want)
		check(t, step.what+": failed", table.Stats().Failed, step.failed)
		check(t, step.what+": refused", table.Stats().Refused, 1)
	}
	check(t, "failed", table.failed.has(greater.Hash()), true)
	check(t, "is held", table.find(label), 0)
}

// TestRefusedIsBounded: what came first goes.
func TestRefusedIsBounded(t *testing.T) {
	table := NewTable(self, Limits{Refused: 3})
	table.Insert(contact(t, 1, 1, now), Pushed, now)
	refuse := func(index uint16, wallclock uint64) Verdict {
		label := wire.Label{Kind: wire.KindVote, Index: index, Origin: node(1)}
		return table.Refuse(label, wallclock, numbered(int(wallclock)+int(index)), now).Verdict
	}
	for i := range uint16(3) {
		refuse(i, now)
	}
	check(t, "younger", refuse(0, now+10), Replaces)
	check(t, "one more", refuse(3, now), New)
	check(t, "refused", table.Stats().Refused, 3)
	check(t, "the first, which was renewed", refuse(0, now+10), Duplicate)
	check(t, "the second, which went", refuse(1, now), New)
	verify(t, table)
}

// TestSizes has what a node pays for each of very many.
func TestSizes(t *testing.T) {
	check(t, "size of a value but for its bytes", unsafe.Sizeof(element[entry]{}), 152)
	check(t, "size of a refusal", unsafe.Sizeof(element[refusal]{}), 56)
	check(t, "size of a hash of late", unsafe.Sizeof(stamped{}), 36)
	check(t, "waste of a page", pageSize*unsafe.Sizeof(element[entry]{})%8192, 0)
}
