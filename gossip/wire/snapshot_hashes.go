package wire

import "fmt"

// SlotHash names a snapshot, as the archive's file name does.
type SlotHash struct {
	Slot uint64
	Hash Hash
}

func (s *SlotHash) walk(c *codec) {
	c.uint64("slot", &s.Slot)
	c.array("hash", s.Hash[:])
}

// SnapshotHashes is which snapshots a node serves.
type SnapshotHashes struct {
	From Pubkey
	Full SlotHash
	// Incremental are snapshots whose base is Full, at higher slots. A packet has
	// room for 25; Agave announces one at most, and readers look at the highest
	// only.
	Incremental []SlotHash
	Wallclock   uint64
}

// Label is that of the node.
func (s *SnapshotHashes) Label() Label { return Label{Kind: KindSnapshotHashes, Origin: s.From} }

// When is the wallclock.
func (s *SnapshotHashes) When() uint64 { return s.Wallclock }

// Highest is the incremental snapshot at the highest slot, if there is any.
func (s *SnapshotHashes) Highest() (highest SlotHash, ok bool) {
	for _, h := range s.Incremental {
		if !ok || h.Slot > highest.Slot {
			highest, ok = h, true
		}
	}
	return highest, ok
}

func (s *SnapshotHashes) walk(c *codec) {
	c.array("from", s.From[:])
	c.enter("full", -1)
	s.Full.walk(c)
	c.below("slot", s.Full.Slot, maxSlot)
	c.leave()
	list(c, "incremental", 40, &s.Incremental)
	for _, h := range s.Incremental {
		c.below("incremental", h.Slot, maxSlot)
		if h.Slot <= s.Full.Slot {
			c.fail("incremental", fmt.Errorf("slot %d, want above %d of the full snapshot", h.Slot, s.Full.Slot))
		}
	}
	c.wallclock(&s.Wallclock)
}
