package wire

import "fmt"

// RestartLastVotedForkSlots is which slots a validator voted on before the
// cluster halted. Nodes push it, and do not give it to those who pull.
type RestartLastVotedForkSlots struct {
	From          Pubkey
	Wallclock     uint64
	Offsets       SlotsOffsets
	LastVotedSlot uint64
	LastVotedHash Hash
	ShredVersion  uint16
}

// SlotsOffsets are slots below the last voted. Exactly one field counts: Raw, if
// it is not nil.
type SlotsOffsets struct {
	Runs []uint16 // lengths of runs, of slots and gaps in turn
	Raw  *BitVec[uint8]
}

// Label is that of the node.
func (r *RestartLastVotedForkSlots) Label() Label {
	return Label{Kind: KindRestartLastVotedForkSlots, Origin: r.From}
}

// When is the wallclock.
func (r *RestartLastVotedForkSlots) When() uint64 { return r.Wallclock }

func (r *RestartLastVotedForkSlots) walk(c *codec) {
	c.array("from", r.From[:])
	c.wallclock(&r.Wallclock)
	r.Offsets.walk(c)
	c.uint64("last_voted_slot", &r.LastVotedSlot)
	c.array("last_voted_hash", r.LastVotedHash[:])
	c.uint16("shred_version", &r.ShredVersion)
}

func (o *SlotsOffsets) walk(c *codec) {
	var encoding uint32
	if o.Raw != nil {
		encoding = 1
	}
	c.uint32("offsets", &encoding)
	switch encoding {
	case 0:
		o.walkRuns(c)
	case 1:
		if !c.writing {
			o.Raw = new(BitVec[uint8])
		}
		o.Raw.walk(c)
	default:
		c.fail("offsets", fmt.Errorf("encoding %d, want 0 or 1", encoding))
	}
}

func (o *SlotsOffsets) walkRuns(c *codec) {
	n := c.count("runs", 1, len(o.Runs))
	if !c.writing {
		o.Runs = make([]uint16, n)
	}
	for i := range o.Runs {
		c.varint16("runs", &o.Runs[i])
	}
}

// RestartHeaviestFork is on which slot a validator would restart a halted
// cluster. Nodes push it, and do not give it to those who pull.
type RestartHeaviestFork struct {
	From          Pubkey
	Wallclock     uint64
	LastSlot      uint64
	LastSlotHash  Hash
	ObservedStake uint64 // in lamports
	ShredVersion  uint16
}

// Label is that of the node.
func (r *RestartHeaviestFork) Label() Label {
	return Label{Kind: KindRestartHeaviestFork, Origin: r.From}
}

// When is the wallclock.
func (r *RestartHeaviestFork) When() uint64 { return r.Wallclock }

func (r *RestartHeaviestFork) walk(c *codec) {
	c.array("from", r.From[:])
	c.wallclock(&r.Wallclock)
	c.uint64("last_slot", &r.LastSlot)
	c.array("last_slot_hash", r.LastSlotHash[:])
	c.uint64("observed_stake", &r.ObservedStake)
	c.uint16("shred_version", &r.ShredVersion)
}
