//go:build linux

package main

import (
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// TestValuesAreGood has the codec decode and verify values of every kind and
// owner, those made of templates too, and asks it whose and how old they are.
func TestValuesAreGood(t *testing.T) {
	c := newVillage(t)
	a := newAuthor(c, newRandom(1, 0))
	now := millis(time.Now())
	for i := range c.mix {
		p := &c.mix[i]
		for owner := range p.owners {
			node, index, when := int32(p.firstNode+owner), owner%p.each, now+uint64(owner)
			made, err := a.write(p.kind, node, index, when)
			check(t, "error", err, nil)
			v, err := wire.DecodeValue(made.bytes)
			check(t, "error", err, nil)
			_, err = v.Verify()
			check(t, "signature", err, nil)
			check(t, "label", v.Label(), wire.Label{Kind: p.kind, Index: uint16(index), Origin: c.nodes[node].pubkey})
			check(t, "wallclock", v.Wallclock(), when)
			check(t, "hash", v.Hash(), made.hash)
			if len(made.bytes) > p.room || len(made.bytes) > wire.MaxValues {
				t.Errorf("%v has %d bytes, want at most %d", v.Label(), len(made.bytes), p.room)
			}
		}
	}
}

// TestValuesOfALabelDiffer has no two with the same bytes.
func TestValuesOfALabelDiffer(t *testing.T) {
	c := newVillage(t)
	a := newAuthor(c, newRandom(1, 0))
	for i := range c.mix {
		first, _ := a.write(c.mix[i].kind, int32(c.mix[i].firstNode), 0, 1_800_000_000_000)
		second, _ := a.write(c.mix[i].kind, int32(c.mix[i].firstNode), 0, 1_800_000_000_001)
		if first.hash == second.hash {
			t.Errorf("two values of the kind %v are the same", c.mix[i].kind)
		}
	}
}

// TestEpochSlotsAreLarge has those of a real cluster, of 700 to 1,000 bytes.
func TestEpochSlotsAreLarge(t *testing.T) {
	c := newVillage(t)
	for i := range c.of.voters {
		if n := len(c.nodes[i].templates[wire.KindEpochSlots]); n < 700 || n > 1000 {
			t.Errorf("EpochSlots have %d bytes, want 700 to 1000", n)
		}
	}
}

// TestNodesAreWhereTheySay has each node's ContactInfo lead back to it.
func TestNodesAreWhereTheySay(t *testing.T) {
	c := newVillage(t)
	for i := range c.nodes {
		info := c.nodes[i].contactInfo(1)
		place, ok := info.Socket(wire.SocketGossip)
		check(t, "has a gossip socket", ok, true)
		check(t, "port", place.Port(), c.port)
		found, ok := c.at(place.Addr().As4())
		check(t, "is an address of ours", ok, true)
		check(t, "node", int(found), i)
		check(t, "node of the key", int(c.index[info.Pubkey]), i)
	}
	for _, addr := range [][4]byte{{127, 0, 0, 1}, {127, 10, 0, 0}, {127, 10, 0, 81}, {10, 0, 0, 1}} {
		_, ok := c.at(addr)
		check(t, "is an address of ours", ok, false)
	}
}

func BenchmarkWrite(b *testing.B) {
	c, err := newCluster(village, 8001, 1)
	if err != nil {
		b.Fatal(err)
	}
	a := newAuthor(c, newRandom(1, 0))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.write(wire.KindEpochSlots, 1, 1, 1_800_000_000_000); err != nil {
			b.Fatal(err)
		}
	}
}
