package crds

import "solsnap/gossip/wire"

// Stats are the numbers of a table.
type Stats struct {
	// Values is how many there are of each kind.
	Values [wire.KindRestartHeaviestFork + 1]int
	// Pubkeys is how many origins they have.
	Pubkeys int
	// Purged, Failed and Refused are how many hashes are remembered.
	Purged, Failed, Refused int
	// Evicted and Expired are how many values went for want of room and for their
	// age since the table was made, and Trimmed how many origins.
	Evicted, Expired, Trimmed uint64
}

// Stats are the numbers of now.
func (t *Table) Stats() Stats {
	return Stats{
		Values: t.counts, Pubkeys: t.origins.len(),
		Purged: t.purged.len(), Failed: t.failed.len(), Refused: t.refused.len(),
		Evicted: t.evicted, Expired: t.expired, Trimmed: t.trimmed,
	}
}
