package wire

import "fmt"

// maxDuplicateShreds is how many of these a node may have at a time (Agave
// gossip/src/duplicate_shred.rs, MAX_DUPLICATE_SHREDS).
const maxDuplicateShreds = 512

// DuplicateShred is a piece of the proof that a leader made two blocks for a
// slot.
type DuplicateShred struct {
	Index     uint16 // below 512
	From      Pubkey
	Wallclock uint64
	Slot      uint64
	// Unused fields may hold anything, and are kept.
	Unused1    uint32
	Unused2    uint8
	NumChunks  uint8
	ChunkIndex uint8 // below NumChunks
	Chunk      []byte
}

// Label is that of the node and the index.
func (s *DuplicateShred) Label() Label {
	return Label{Kind: KindDuplicateShred, Index: s.Index, Origin: s.From}
}

// When is the wallclock.
func (s *DuplicateShred) When() uint64 { return s.Wallclock }

func (s *DuplicateShred) walk(c *codec) {
	c.uint16("index", &s.Index)
	c.below("index", uint64(s.Index), maxDuplicateShreds)
	c.array("from", s.From[:])
	c.wallclock(&s.Wallclock)
	c.uint64("slot", &s.Slot)
	c.uint32("unused", &s.Unused1)
	c.uint8("unused_shred_type", &s.Unused2)
	c.uint8("num_chunks", &s.NumChunks)
	c.uint8("chunk_index", &s.ChunkIndex)
	if s.ChunkIndex >= s.NumChunks {
		c.fail("chunk_index", fmt.Errorf("%d, want below %d", s.ChunkIndex, s.NumChunks))
	}
	c.bytes("chunk", &s.Chunk)
}
