package wire

import "fmt"

const (
	maxEpochSlotsIndex = 255     // exclusive (Agave, MAX_EPOCH_SLOTS)
	maxSlotsPerEntry   = 1 << 14 // exclusive (Agave gossip/src/epoch_slots.rs, MAX_SLOTS_PER_ENTRY)
)

// EpochSlots is which slots of the epoch a validator has, or a part of that.
type EpochSlots struct {
	Index     uint8 // below 255
	From      Pubkey
	Slots     []CompressedSlots
	Wallclock uint64
}

// CompressedSlots are slots from First on. Exactly one of Flate2 and
// Uncompressed counts: the latter, if it is not nil.
type CompressedSlots struct {
	First uint64
	Num   uint64 // below 16384
	// Flate2 is raw deflate of the bits. It is not looked at.
	Flate2       []byte
	Uncompressed *BitVec[uint8]
}

// Label is that of the node and the index.
func (e *EpochSlots) Label() Label {
	return Label{Kind: KindEpochSlots, Index: uint16(e.Index), Origin: e.From}
}

// When is the wallclock.
func (e *EpochSlots) When() uint64 { return e.Wallclock }

func (e *EpochSlots) walk(c *codec) {
	c.uint8("index", &e.Index)
	c.below("index", uint64(e.Index), maxEpochSlotsIndex)
	c.array("from", e.From[:])
	list(c, "slots", 4+8+8+8, &e.Slots)
	c.wallclock(&e.Wallclock)
}

func (s *CompressedSlots) walk(c *codec) {
	var compression uint32
	if s.Uncompressed != nil {
		compression = 1
	}
	c.uint32("compression", &compression)
	c.uint64("first_slot", &s.First)
	c.below("first_slot", s.First, maxSlot)
	c.uint64("num", &s.Num)
	c.below("num", s.Num, maxSlotsPerEntry)
	switch compression {
	case 0:
		c.bytes("compressed", &s.Flate2)
	case 1:
		s.walkBits(c)
	default:
		c.fail("compression", fmt.Errorf("%d, want 0 or 1", compression))
	}
}

func (s *CompressedSlots) walkBits(c *codec) {
	if !c.writing {
		s.Uncompressed = new(BitVec[uint8])
	}
	s.Uncompressed.walk(c)
	if s.Uncompressed.Len != 8*uint64(len(s.Uncompressed.Blocks)) {
		c.fail("slots", errPartialBlock)
	}
}
