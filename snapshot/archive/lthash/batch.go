package lthash

import (
	"encoding/binary"

	"lukechampine.com/blake3/guts"
)

// lanes is how many BLAKE3 nodes are compressed side by side. An AVX-512
// register holds one word of each.
const lanes = 16

// batch is one BLAKE3 node for each lane, except for its block. Assembly knows
// the names of the fields.
type batch struct {
	cvs     [8][lanes]uint32 // chaining values: word 0 of every lane, then word 1
	counter [lanes]uint32    // number of the chunk
	length  [lanes]uint32    // of the block, in bytes
	flags   [lanes]uint32
	scratch [16][lanes]uint32 //nolint:unused // an assembly kernel's own, within a call
}

// initial is the chaining value before the first block, in every lane.
var initial = func() (cvs [8][lanes]uint32) {
	for i := range cvs {
		for lane := range lanes {
			cvs[i][lane] = guts.IV[i]
		}
	}
	return cvs
}()

// full is the length of a whole block, in every lane.
var full = func() (length [lanes]uint32) {
	for lane := range lanes {
		length[lane] = guts.BlockSize
	}
	return length
}()

// begin prepares for whole first blocks.
func (b *batch) begin(flags uint32) {
	b.cvs = initial
	b.counter = [lanes]uint32{}
	b.length = full
	b.setFlags(flags)
}

func (b *batch) setFlags(flags uint32) {
	for lane := range b.flags {
		b.flags[lane] = flags
	}
}

// putCV writes one lane's chaining value.
func (b *batch) putCV(to []byte, lane int) {
	for i := range b.cvs {
		binary.LittleEndian.PutUint32(to[4*i:], b.cvs[i][lane])
	}
}

// node is the node of one lane, whose block is at the beginning of in.
func (b *batch) node(lane int, in []byte) guts.Node {
	n := guts.Node{
		Block:    guts.BytesToWords([guts.BlockSize]byte(in)),
		Counter:  uint64(b.counter[lane]),
		BlockLen: b.length[lane],
		Flags:    b.flags[lane],
	}
	for i := range n.CV {
		n.CV[i] = b.cvs[i][lane]
	}
	return n
}
