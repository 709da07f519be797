package crds

import (
	"container/heap"
	"math"

	"solsnap/gossip/wire"
)

// crowd is how many times Limits.Pubkeys there may be between two calls of Trim.
const crowd = 2

// SetStakes says whose values go first when the table is full: of those of least
// stake the oldest, as in Firedancer (src/flamenco/gossip). Agave has no such
// limit. Until then nobody has stake. The map is kept, and must not be modified.
func (t *Table) SetStakes(stakes map[wire.Pubkey]uint64) {
	t.stakes = stakes
	for _, o := range t.origins.all() {
		o.stake = stakes[o.pubkey]
	}
	heap.Init(&t.ranking)
}

// admits reports whether there is room, or can be made, for one more value of an
// origin.
func (t *Table) admits(pubkey wire.Pubkey) bool {
	if pubkey == t.self {
		return true
	}
	if t.origins.len() >= crowd*t.limits.Pubkeys && t.places[pubkey] == 0 {
		return false
	}
	if t.values.len() < t.limits.Values {
		return true
	}
	return len(t.ranking) > 0 && t.ranking[0].stake <= t.stakes[pubkey]
}

// makeRoom removes values so that there is room for one more.
func (t *Table) makeRoom() {
	for t.values.len() >= t.limits.Values && len(t.ranking) > 0 {
		t.remove(t.victim())
		t.evicted++
	}
}

// victim is the place of the value that is to go first. The ranking knows for
// each origin no more than a bound that was right once, so those that come first
// are put right until one of them was.
func (t *Table) victim() uint32 {
	for {
		o := t.ranking[0]
		place, ordinal := t.oldest(o)
		if ordinal == o.oldest {
			return place
		}
		o.oldest = ordinal
		heap.Fix(&t.ranking, 0)
	}
}

// oldest is the value of an origin that was inserted first.
func (t *Table) oldest(o *origin) (place uint32, ordinal uint64) {
	ordinal = math.MaxUint64
	for _, e := range o.values {
		if v := t.values.at(e.place); v.ordinal < ordinal {
			place, ordinal = e.place, v.ordinal
		}
	}
	return place, ordinal
}
