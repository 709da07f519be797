//go:build linux

package main

import (
	"testing"

	"solsnap/gossip/wire"
)

// newTestMesh has relayers that are taken in order.
func newTestMesh(relayers int) (*mesh, func() int32) {
	next := int32(-1)
	pick := func() int32 { next++; return next }
	m := &mesh{random: seeded()}
	m.start(relayers, 1000, 0, pick)
	return m, pick
}

// pushing are the relayers who push what comes from an origin.
func pushing(m *mesh, origin int32) (relayers []int32) {
	for _, e := range m.from(origin) {
		if !e.pruned[origin] {
			relayers = append(relayers, e.relayer)
		}
	}
	return relayers
}

// TestMeshHasRelayersForAll has as many as asked for, for every origin, each of
// them another node.
func TestMeshHasRelayersForAll(t *testing.T) {
	m, _ := newTestMesh(3)
	relayers := map[int32]bool{}
	for origin := range int32(1000) {
		check(t, "relayers", len(pushing(m, origin)), 3)
		for _, r := range pushing(m, origin) {
			relayers[r] = true
		}
	}
	check(t, "different relayers", len(relayers), 3*meshGroups)
}

// TestMeshHeedsPrunes has one end what one relayer pushes from one origin, and
// nothing else.
func TestMeshHeedsPrunes(t *testing.T) {
	m, _ := newTestMesh(3)
	origin, other, stranger := int32(4), int32(4+meshGroups), int32(5)
	index := map[wire.Pubkey]int32{{1}: origin, {2}: stranger}
	pruned := pushing(m, origin)[1]
	check(t, "needless", m.prune(pruned, []wire.Pubkey{{1}, {2}, {3}}, index), 2)
	for _, r := range pushing(m, origin) {
		if r == pruned {
			t.Error("the pruned relayer pushes")
		}
	}
	check(t, "relayers of the origin", len(pushing(m, origin)), 2)
	check(t, "relayers of another of its group", len(pushing(m, other)), 3)
	check(t, "relayers of another group", len(pushing(m, stranger)), 3)
	check(t, "needless the second time", m.prune(pruned, []wire.Pubkey{{1}}, index), 1)
}

// TestMeshRotates has every edge end once in its life, one after the other, and
// all prunes with them.
func TestMeshRotates(t *testing.T) {
	m, pick := newTestMesh(3)
	first := pushing(m, 0)
	for _, r := range first {
		m.prune(r, []wire.Pubkey{{1}}, map[wire.Pubkey]int32{{1}: 0})
	}
	check(t, "relayers", len(pushing(m, 0)), 0)
	ended := 0
	for now := uint64(0); now < edgeLife; now += roundEvery {
		before := pick()
		m.rotate(now, pick)
		n := int(pick()-before) - 1
		if n > 1 {
			t.Errorf("%d edges end at once", n)
		}
		ended += n
	}
	check(t, "ended", ended, 3*meshGroups-1)
	m.rotate(edgeLife, pick)
	check(t, "relayers", len(pushing(m, 0)), 3)
	for i, r := range pushing(m, 0) {
		if r == first[i] {
			t.Errorf("relayer %d is still there", r)
		}
	}
}

// TestWheel has deliveries come in order when they are due, and the late at once.
func TestWheel(t *testing.T) {
	w := newWheel(1000)
	for _, due := range []uint64{1010, 1002, 900, 1600, 5000} {
		w.add(due, delivery{relayer: int32(due)})
	}
	var got []int32
	advance := func(now uint64) []int32 {
		got = nil
		err := w.advance(now, func(_ uint64, deliveries []delivery) error {
			for _, d := range deliveries {
				got = append(got, d.relayer)
			}
			return nil
		})
		check(t, "error", err, nil)
		return got
	}
	for _, tt := range []struct {
		now  uint64
		want []int32
	}{{1000, []int32{900}}, {1003, []int32{1002}}, {1009, nil}, {1700, []int32{1010, 1600}}, {3000, []int32{5000}}, {9000, nil}} {
		if got := advance(tt.now); len(got) != len(tt.want) || len(got) > 0 && got[0] != tt.want[0] {
			t.Errorf("at %d: got %v, want %v", tt.now, got, tt.want)
		}
	}
}
