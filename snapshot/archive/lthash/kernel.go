package lthash

import (
	"encoding/binary"

	"lukechampine.com/blake3/guts"
)

// kernel is one way to do the work. All give the same result.
type kernel struct {
	name string

	// columns is how many output blocks lie side by side in the kernel's total:
	// the first 32-bit word of each, then the second, to the sixteenth. Then come
	// the next blocks. 1 is the order of Hash.
	columns int

	// compress replaces the chaining values of the lanes that active has a bit
	// for. The block of lane i begins at in[i*stride]. All sixteen must be there.
	compress func(b *batch, in []byte, stride int, active uint32)

	// mix takes the lanes before n as root nodes and adds their output to the
	// total, as far as a Hash needs it. It ignores the counter. The blocks are as
	// in compress.
	mix func(total *Hash, b *batch, in []byte, stride, n int)
}

// portable is the kernel for every machine. Where guts would use vectors, a kernel of
// ours does better, and this one only says what is right.
var portable = kernel{name: "portable", columns: 1, compress: compressPortable, mix: mixPortable}

func compressPortable(b *batch, in []byte, stride int, active uint32) {
	for lane := range lanes {
		if active>>lane&1 == 0 {
			continue
		}
		for i, word := range guts.ChainingValue(b.node(lane, in[lane*stride:])) {
			b.cvs[i][lane] = word
		}
	}
}

func mixPortable(total *Hash, b *batch, in []byte, stride, n int) {
	var out [Size / 2]byte
	for lane := range n {
		node := b.node(lane, in[lane*stride:])
		for half := range uint64(2) {
			node.Counter = half * guts.MaxSIMD
			guts.CompressBlocks(&out, node)
			addBytes((*[Size / 16]uint64)(total.quads[half*Size/16:]), &out)
		}
	}
}

// addBytes adds words to half a Hash.
func addBytes(half *[Size / 16]uint64, b *[Size / 2]byte) {
	for i := range half {
		half[i] = addQuad(half[i], binary.LittleEndian.Uint64(b[8*i:]))
	}
}

// untangle is a kernel's total in the order of Hash.
func (k *kernel) untangle(total *Hash) Hash {
	const blockWords = guts.BlockSize / 4
	var h Hash
	for i := range Size / 4 {
		block, word := i/blockWords, i%blockWords
		from := (block/k.columns*blockWords+word)*k.columns + block%k.columns
		h.quads[i/2] |= total.quads[from/2] >> (from % 2 * 32) & 0xffff_ffff << (i % 2 * 32)
	}
	return h
}
