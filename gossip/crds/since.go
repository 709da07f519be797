package crds

import (
	"iter"

	"solsnap/gossip/wire"
)

// Ordinal is that of the value inserted last, and 0 before the first.
func (t *Table) Ordinal() uint64 { return t.ordinal }

// Since are the values inserted after the one with an ordinal, by any route, in
// their order, each with its own ordinal; not those replaced or removed since. It
// finds where to begin at once if that is about where it ended last. The table
// must be left alone meanwhile.
func (t *Table) Since(ordinal uint64) iter.Seq2[uint64, wire.Verified] {
	return func(yield func(uint64, wire.Verified) bool) {
		t.seek(ordinal)
		for place := t.values.next(t.cursor); place != 0; place = t.values.next(place) {
			e := t.values.at(place)
			t.cursor = place
			if !yield(e.ordinal, e.value) {
				return
			}
		}
	}
}

// seek moves the cursor to the last value whose ordinal is no higher.
func (t *Table) seek(ordinal uint64) {
	for t.cursor != 0 && t.values.at(t.cursor).ordinal > ordinal {
		t.cursor = t.values.prev(t.cursor)
	}
	for {
		next := t.values.next(t.cursor)
		if next == 0 || t.values.at(next).ordinal > ordinal {
			return
		}
		t.cursor = next
	}
}

// leave moves the cursor away from a value that is about to be removed.
func (t *Table) leave(place uint32) {
	if t.cursor == place {
		t.cursor = t.values.prev(place)
	}
}
