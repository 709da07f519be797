package lthash

import (
	"encoding/binary"

	"lukechampine.com/blake3/guts"
)

// hugeMessage is the work space for messages of more than sixteen chunks, which do
// not wait: their chunks fill the lanes.
type hugeMessage struct {
	staged [groupSize]byte
	cvs    [lanes*cvSize + cvSlack]byte
}

// addHuge takes a message of more than 16 chunks.
func (p *pool) addHuge(a *Account, size int) {
	var t tree
	offset := 0
	for ; size-offset > groupSize; offset += groupSize {
		t.push(p.hashGroup(groupAt(a, offset, p.huge.staged[:]), groupSize, offset))
	}
	a.stage(p.huge.staged[:], size-offset, offset)
	last := p.hashGroup(p.huge.staged[:], size-offset, offset)
	root := guts.WordsToBytes(t.root(last).Block)
	p.addRoot(&root)
}

// hashGroup returns the chaining value of up to sixteen chunks at the offset of a
// message, of which size bytes count. The group is as long as sixteen, always.
func (p *pool) hashGroup(group []byte, size, offset int) [8]uint32 {
	var c chunks
	for start := 0; start < size; start += guts.ChunkSize {
		c.add(min(size-start, guts.ChunkSize), offset+start)
	}
	p.hashChunks(&c, group, p.huge.cvs[:])
	if c.n == 1 {
		return cvAt(p.huge.cvs[:])
	}
	pair := p.merge(p.huge.cvs[:], c.n)
	return parentCV(cvAt(pair[:]), cvAt(pair[cvSize:]))
}

// cvAt reads the chaining value at the beginning of b.
func cvAt(b []byte) (cv [8]uint32) {
	for i := range cv {
		cv[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return cv
}
