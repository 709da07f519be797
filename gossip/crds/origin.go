package crds

import (
	"cmp"
	"slices"

	"solsnap/gossip/wire"
)

// origin is who signed values in the table. It is there as long as there is one.
type origin struct {
	pubkey wire.Pubkey
	place  uint32 // in the list of origins
	// values and refused say where its values and refusals are.
	values, refused directory

	// Decoded when first asked for; nil again when another one comes.
	info      *wire.ContactInfo
	snapshots *wire.SnapshotHashes

	stake uint64
	// oldest is at most the lowest ordinal of its values, and corrected when that
	// counts.
	oldest uint64
	rank   int // in the ranking, where self is not
}

// directory says where the items of an origin are, by rising label. There are no
// more than the wire has labels: 32 votes, 255 epoch slots, 512 duplicate shreds
// and one each of five kinds. A search in so few is as fast as one in a map of
// everything, and takes a fifth of the memory.
type directory []listed

// listed is a label, see short, and the place of the item that has it.
type listed struct{ label, place uint32 }

// short is a label without the origin.
func short(l wire.Label) uint32 { return uint32(l.Kind)<<16 | uint32(l.Index) }

func (d directory) search(label uint32) (int, bool) {
	return slices.BinarySearchFunc(d, label, func(e listed, label uint32) int { return cmp.Compare(e.label, label) })
}

// find is the place of a label, and 0 if there is none.
func (d directory) find(label uint32) uint32 {
	if i, found := d.search(label); found {
		return d[i].place
	}
	return 0
}

func (d *directory) insert(label, place uint32) {
	i, _ := d.search(label)
	*d = slices.Insert(*d, i, listed{label, place})
}

func (d *directory) remove(label uint32) {
	if i, found := d.search(label); found {
		*d = slices.Delete(*d, i, i+1)
	}
}

// origin finds an origin, or gives nil.
func (t *Table) origin(pubkey wire.Pubkey) *origin {
	if place := t.places[pubkey]; place != 0 {
		return t.origins.at(place)
	}
	return nil
}

// welcome finds an origin, or makes it.
func (t *Table) welcome(pubkey wire.Pubkey) *origin {
	if o := t.origin(pubkey); o != nil {
		return o
	}
	place := t.origins.push(origin{pubkey: pubkey, stake: t.stakes[pubkey], oldest: t.ordinal})
	t.places[pubkey] = place
	o := t.origins.at(place)
	o.place = place
	if pubkey != t.self {
		t.ranking.add(o)
	}
	return o
}

// forget takes out an origin that has no values, and what was refused of it.
func (t *Table) forget(o *origin) {
	for _, e := range o.refused {
		t.refused.remove(e.place)
	}
	if o.pubkey != t.self {
		t.ranking.remove(o)
	}
	if t.hand == o.place {
		t.hand = t.origins.prev(o.place)
	}
	delete(t.places, o.pubkey)
	t.origins.remove(o.place)
}
