package snapshot

// Pair is what a node bootstraps from: a full archive and, if there is one, an
// incremental on it.
type Pair struct {
	Full Archive
	// Incremental has Full's slot as its base. It is nil when there is none;
	// what it points to is never modified.
	Incremental *Archive
}

// Slot is the slot of the state that the pair restores.
func (p Pair) Slot() Slot {
	if p.Incremental != nil {
		return p.Incremental.Name.Slot
	}
	return p.Full.Name.Slot
}
