package wire

import "fmt"

// LowestSlot is the lowest slot whose blocks a validator still has. The wire has
// more fields, which have been empty for years.
type LowestSlot struct {
	From      Pubkey
	Lowest    uint64
	Wallclock uint64
}

// Label is that of the node.
func (l *LowestSlot) Label() Label { return Label{Kind: KindLowestSlot, Origin: l.From} }

// When is the wallclock.
func (l *LowestSlot) When() uint64 { return l.Wallclock }

func (l *LowestSlot) walk(c *codec) {
	var index uint8
	c.uint8("index", &index)
	if index != 0 {
		c.fail("index", fmt.Errorf("%d, want 0", index))
	}
	c.array("from", l.From[:])
	c.zero("root")
	c.uint64("lowest", &l.Lowest)
	c.below("lowest", l.Lowest, maxSlot)
	c.zero("slots")
	c.zero("stash")
	c.wallclock(&l.Wallclock)
}
