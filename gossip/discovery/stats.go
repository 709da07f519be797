package discovery

import "time"

// Stats are counts since the start, and sizes now.
type Stats struct {
	// Signed and Unsigned are how many entries there are.
	Signed, Unsigned int
	// Discovered, Updated and Departed count peers, however we heard of it.
	Discovered, Updated, Departed uint64
	// Evicted are those that had to give their place to trusted ones.
	Evicted uint64
	// Upserts are by Outcome.
	Upserts [outcomes]uint64
	// SecondInstances counts entries with our key that we did not make, and
	// LastSecondInstance is when the last came.
	SecondInstances    uint64
	LastSecondInstance time.Time
}

// Stats counts.
func (d *Directory) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, now := d.stats, d.current.Load()
	s.Signed, s.Unsigned = now.signed.len(), now.unsigned.len()
	return s
}
