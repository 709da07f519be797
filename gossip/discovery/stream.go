package discovery

import (
	"bytes"
	"cmp"
	"fmt"

	"solsnap/gossip/wire"
)

// Archive is a snapshot archive as its server describes it.
type Archive struct {
	Slot uint64
	// Hash is that in the file name. It does not name bytes: two nodes pack the same
	// state into different ones.
	Hash wire.Hash
	// Size is in bytes, 0 while unknown.
	Size uint64
	// SHA256 is that of the file, zero while unknown.
	SHA256 [32]byte
}

// Compare orders archives by slot first.
func (a *Archive) Compare(b *Archive) int {
	return cmp.Or(cmp.Compare(a.Slot, b.Slot), bytes.Compare(a.Hash[:], b.Hash[:]),
		cmp.Compare(a.Size, b.Size), bytes.Compare(a.SHA256[:], b.SHA256[:]))
}

func (a *Archive) walk(c *codec) {
	c.uint64("slot", &a.Slot)
	c.array("hash", a.Hash[:])
	c.uint64("size", &a.Size)
	c.array("sha256", a.SHA256[:])
}

const archiveSize = 8 + 32 + 8 + 32

// Stream is what a peer produces: a served pair.
type Stream struct {
	Full Archive
	// Incremental has Full as its base. It is nil when there is none, and must not be
	// modified.
	Incremental *Archive
}

// Slot is that of the state which the pair restores.
func (s *Stream) Slot() uint64 {
	if s.Incremental != nil {
		return s.Incremental.Slot
	}
	return s.Full.Slot
}

// Compare orders streams by the full archive, and one without incremental before
// those with.
func (s Stream) Compare(other Stream) int {
	if order := s.Full.Compare(&other.Full); order != 0 {
		return order
	}
	switch {
	case s.Incremental == nil && other.Incremental == nil:
		return 0
	case s.Incremental == nil:
		return -1
	case other.Incremental == nil:
		return 1
	}
	return s.Incremental.Compare(other.Incremental)
}

func walkStream(c *codec, s *Stream) {
	s.Full.walk(c)
	has := s.Incremental != nil
	if c.flag("incremental", &has); !has {
		return
	}
	if !c.writing {
		s.Incremental = new(Archive)
	}
	s.Incremental.walk(c)
	if s.Incremental.Slot <= s.Full.Slot {
		c.fail("incremental", fmt.Errorf("slot %d, want above %d of the full archive", s.Incremental.Slot, s.Full.Slot))
	}
}
