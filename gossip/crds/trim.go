package crds

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"

	"solsnap/gossip/wire"
)

// candidate is an origin that may have to go.
type candidate struct {
	stake  uint64
	origin *origin
}

// Trim removes origins when there are more than 1.1 times Limits.Pubkeys: as many
// as are too many, those of least stake and, of the same stake, of the smallest
// pubkey (Agave gossip/src/crds.rs, Crds::trim). While nobody has stake it removes
// any. What it would remove but for keep counts as removed. Self stays.
func (t *Table) Trim(keep func(wire.Pubkey) bool, stake func(wire.Pubkey) uint64) {
	surplus := t.origins.len() - t.limits.Pubkeys
	if 10*t.origins.len() <= 11*t.limits.Pubkeys {
		return
	}
	for _, c := range t.candidates(stake)[:surplus] {
		if o := c.origin; o.pubkey != t.self && !keep(o.pubkey) {
			t.removeAll(o)
			t.trimmed++
		}
	}
}

// candidates are all origins, those to go first first.
func (t *Table) candidates(stake func(wire.Pubkey) uint64) []candidate {
	all := make([]candidate, 0, t.origins.len())
	var total uint64
	for _, o := range t.origins.all() {
		all = append(all, candidate{stake(o.pubkey), o})
		total |= all[len(all)-1].stake
	}
	if total == 0 {
		rand.New(source(t.random)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return all
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.stake, b.stake), bytes.Compare(a.origin.pubkey[:], b.origin.pubkey[:]))
	})
	return all
}

// source is a rand.Source.
type source func() uint64

// Uint64 is a random number.
func (s source) Uint64() uint64 { return s() }

// removeAll removes all values of an origin, and so the origin.
func (t *Table) removeAll(o *origin) {
	for i := len(o.values) - 1; i >= 0; i-- {
		t.remove(o.values[i].place)
	}
}
