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
		group := (*[groupSize]byte)(groupAt(a, offset, staged[:]))
		t.push(guts.ChainingValue(guts.CompressBuffer(group, groupSize, &guts.IV, t.counter(), 0)))
	}
	a.copyMessage(staged[:size-offset], offset)
	last := guts.CompressBuffer(&staged, size-offset, &guts.IV, t.counter(), 0)
	if offset > 0 {
		last = t.root(guts.ChainingValue(last))
	}
	last.Flags |= guts.FlagRoot
	return last
}

// chunkRoot is the root node of a message of one chunk.
func chunkRoot(message []byte) guts.Node {
	n := guts.CompressChunk(message, &guts.IV, 0, 0)
	n.Flags |= guts.FlagRoot
	return n
}

// groupAt is the group at the offset of a's message, which goes on behind it: in
// place where the data holds all of it, else staged.
func groupAt(a *Account, offset int, staged []byte) []byte {
	if start := offset - headSize; start >= 0 && len(a.Data)-start >= groupSize {
		return a.Data[start:][:groupSize]
	}
	a.copyMessage(staged[:groupSize], offset)
	return staged
}

// tree is the left side of a BLAKE3 tree whose end has not been seen. It grows by
// groups of sixteen chunks.
type tree struct {
	groups uint64 // pushed so far
	// subtrees[i] is the chaining value of 2^i groups, wherever groups has bit i.
	// Data in memory is shorter than 2^48 bytes.
	subtrees [34][8]uint32
}

// counter is the number of the chunk that follows.
func (t *tree) counter() uint64 { return t.groups * guts.MaxSIMD }

// push appends the chaining value of a group that is not the last.
func (t *tree) push(cv [8]uint32) {
	i := 0
	for ; t.groups>>i&1 == 1; i++ {
		cv = parentCV(t.subtrees[i], cv)
	}
	t.subtrees[i] = cv
	t.groups++
}

// root is the root node, without its flag, when cv is that of the last group and
// there is one before it.
func (t *tree) root(cv [8]uint32) guts.Node {
	rest := t.groups
	for ; rest&(rest-1) != 0; rest &= rest - 1 {
		cv = parentCV(t.subtrees[bits.TrailingZeros64(rest)], cv)
	}
	return guts.ParentNode(t.subtrees[bits.TrailingZeros64(rest)], cv, &guts.IV, 0)
}

func parentCV(left, right [8]uint32) [8]uint32 {
	return guts.ChainingValue(guts.ParentNode(left, right, &guts.IV, 0))
}
