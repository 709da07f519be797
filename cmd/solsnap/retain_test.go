package main

import (
	"slices"
	"testing"

	"solsnap/snapshot"
)

func TestRetain(t *testing.T) {
	full := func(slot snapshot.Slot) snapshot.Name { return snapshot.Name{Kind: snapshot.Full, Slot: slot} }
	incremental := func(base, slot snapshot.Slot) snapshot.Name {
		return snapshot.Name{Kind: snapshot.Incremental, Base: base, Slot: slot}
	}
	for name, test := range map[string]struct{ archives, drop []snapshot.Name }{
		"nothing": {},
		"a fifth incremental on the highest full": {
			archives: []snapshot.Name{full(10), incremental(10, 11), incremental(10, 12), incremental(10, 13), incremental(10, 14), incremental(10, 15)},
			drop:     []snapshot.Name{incremental(10, 11)},
		},
		"a second incremental on the full below": {
			archives: []snapshot.Name{full(10), incremental(10, 11), incremental(10, 12), full(20)},
			drop:     []snapshot.Name{incremental(10, 11)},
		},
		"a third full, and what is on it": {
			archives: []snapshot.Name{full(10), incremental(10, 12), full(20), incremental(20, 22), full(30)},
			drop:     []snapshot.Name{full(10), incremental(10, 12)},
		},
		"an incremental on nothing": {
			archives: []snapshot.Name{incremental(5, 6), full(10)},
			drop:     []snapshot.Name{incremental(5, 6)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			keep, drop := retain(test.archives)
			if !slices.Equal(drop, test.drop) {
				t.Errorf("drops %v, want %v", drop, test.drop)
			}
			if len(keep)+len(drop) != len(test.archives) {
				t.Errorf("%d kept and %d dropped of %d", len(keep), len(drop), len(test.archives))
			}
		})
	}
}
