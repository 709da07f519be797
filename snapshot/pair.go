package snapshot

// Pair is what a node bootstraps from: a full archive and, if there is one, an
// incremental on it.
type Pair struct {
	Full Archive
	// Incremental has Full's slot as its base. It is nil when there is none;
	// what it points to is never modified.
	Incremental *Archive
}

// Newest is the archive of the state that the pair restores: the incremental if
// there is one.
func (p Pair) Newest() Archive {
	if p.Incremental != nil {
		return *p.Incremental
	}
	return p.Full
}

// Slot is the slot of the state that the pair restores.
func (p Pair) Slot() Slot { return p.Newest().Name.Slot }
