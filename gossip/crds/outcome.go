package crds

import (
	"bytes"
	"cmp"

	"solsnap/gossip/wire"
)

// Route is how a value came (Agave gossip/src/crds.rs, GossipRoute).
type Route uint8

// The routes.
const (
	Local  Route = iota // of our own making
	Pushed              // in a push message
	Pulled              // in a pull response, or from a file
)

// Verdict is what becomes of a value.
type Verdict uint8

// The verdicts.
const (
	// New means that no value has the label.
	New Verdict = iota
	// Replaces means that the value wins against the one held.
	Replaces
	// Duplicate means that it is the value held.
	Duplicate
	// Stale means that it loses against the one held.
	Stale
	// Rejected means that it is not for the table: its kind is dead, or there is no
	// room that its origin's stake could make. For InsertPulled it may also be too
	// old, and for Refuse it may be of an origin that the table has no value of.
	Rejected
)

// String is the name of the verdict.
func (v Verdict) String() string {
	return [...]string{"New", "Replaces", "Duplicate", "Stale", "Rejected"}[v]
}

// Outcome is what became of a value, or would.
type Outcome struct {
	Verdict Verdict
	// Known is whether the hash of what is New or Stale was among those purged or
	// failed of late. What is New and Known was in the table and expired, or was
	// not wanted when it last came.
	Known bool
	// Pushes is how often a Duplicate had come by push before: 0 if it had come by
	// other routes only (Agave, CrdsError::DuplicatePush). It ends at 255.
	Pushes int
}

// Upserted reports whether the value is in the table now, or would be.
func (o Outcome) Upserted() bool { return o.Verdict == New || o.Verdict == Replaces }

// overrides reports whether a value with hash h wins against one with the same
// label: that of the later instance of its node, if both are ContactInfos, else
// the younger, else the one with the greater hash (Agave gossip/src/crds.rs,
// overrides). The outset is 0 for other kinds.
func overrides(v wire.Value, h wire.Hash, stored *wire.Verified) bool {
	if order := cmp.Or(cmp.Compare(v.Outset(), stored.Outset()), cmp.Compare(v.Wallclock(), stored.Wallclock())); order != 0 {
		return order > 0
	}
	other := stored.Hash()
	return bytes.Compare(h[:], other[:]) > 0
}
