package lthash

import (
	"math/bits"

	"lukechampine.com/blake3/guts"
)

// groupSize is how much guts hashes at once: sixteen chunks, side by side.
const groupSize = guts.MaxSIMD * guts.ChunkSize

// root is the BLAKE3 root node of the account's message. It starts no
// goroutines, as the library's own Hasher does: whoever verifies a snapshot
// keeps every core busy already.
func root(a *Account) guts.Node {
	size := a.messageSize()
	if size <= guts.ChunkSize {
		var chunk [guts.ChunkSize]byte
		a.putMessage(chunk[:])
		return chunkRoot(chunk[:size])
	}
	var t tree
	var staged [groupSize]byte
	offset := 0
	for ; size-offset > groupSize; offset += groupSize {
		t.push(groupAt(a, offset, &staged))
	}
	a.copyMessage(staged[:size-offset], offset)
	return t.root(guts.CompressBuffer(&staged, size-offset, &guts.IV, t.counter(), 0))
}

// chunkRoot is the root node of a message of one chunk.
func chunkRoot(message []byte) guts.Node {
	n := guts.CompressChunk(message, &guts.IV, 0, 0)
	n.Flags |= guts.FlagRoot
	return n
}

// groupAt is the group at the offset of a's message: in place where the data
// holds all of it, else staged.
func groupAt(a *Account, offset int, staged *[groupSize]byte) *[groupSize]byte {
	if start := offset - headSize; start >= 0 && len(a.Data)-start >= groupSize {
		return (*[groupSize]byte)(a.Data[start:])
	}
	a.copyMessage(staged[:], offset)
	return staged
}

// tree is the left side of a BLAKE3 tree whose end has not been seen. It grows by
// groups of sixteen chunks.
type tree struct {
	groups uint64 // pushed so far
	// subtrees[i] is the chaining value of 2^i groups, wherever groups has bit i.
	subtrees [64][8]uint32
}

// counter is the number of the chunk that follows.
func (t *tree) counter() uint64 { return t.groups * guts.MaxSIMD }

// push appends a group that is not the last.
func (t *tree) push(group *[groupSize]byte) {
	cv := guts.ChainingValue(guts.CompressBuffer(group, groupSize, &guts.IV, t.counter(), 0))
	i := 0
	for ; t.groups>>i&1 == 1; i++ {
		cv = guts.ChainingValue(guts.ParentNode(t.subtrees[i], cv, &guts.IV, 0))
	}
	t.subtrees[i] = cv
	t.groups++
}

// root ends the message with the node of the last group.
func (t *tree) root(last guts.Node) guts.Node {
	for rest := t.groups; rest != 0; rest &= rest - 1 {
		left := t.subtrees[bits.TrailingZeros64(rest)]
		last = guts.ParentNode(left, guts.ChainingValue(last), &guts.IV, 0)
	}
	last.Flags |= guts.FlagRoot
	return last
}
