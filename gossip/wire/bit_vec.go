package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// BitVec is a vector of bits, the first in the lowest bit of the first block
// (crate bv). A vector whose Blocks are nil is written as none; one without
// blocks that are not nil, as some of no blocks. There may be more blocks than
// Len needs.
type BitVec[B uint8 | uint64] struct {
	Blocks []B
	Len    uint64 // in bits
}

// width is how many bits a block has.
func (v *BitVec[B]) width() uint64 { return uint64(bits.Len64(uint64(^B(0)))) }

func (v *BitVec[B]) walk(c *codec) {
	some := v.Blocks != nil
	c.bool("bits", &some)
	if some {
		v.walkBlocks(c)
	}
	c.uint64("len", &v.Len)
	if v.Len > uint64(len(v.Blocks))*v.width() {
		c.fail("len", fmt.Errorf("%d bits, want at most %d", v.Len, uint64(len(v.Blocks))*v.width()))
	}
}

func (v *BitVec[B]) walkBlocks(c *codec) {
	size := int(v.width() / 8)
	n := c.count("bits", size, len(v.Blocks))
	if c.writing {
		c.buf = appendBlocks(c.buf, v.Blocks)
		return
	}
	v.Blocks = make([]B, n)
	readBlocks(v.Blocks, c.take("bits", n*size))
}

func appendBlocks[B uint8 | uint64](b []byte, blocks []B) []byte {
	if octets, ok := any(blocks).([]uint8); ok {
		return append(b, octets...)
	}
	for _, word := range blocks {
		b = binary.LittleEndian.AppendUint64(b, uint64(word))
	}
	return b
}

func readBlocks[B uint8 | uint64](blocks []B, b []byte) {
	if octets, ok := any(blocks).([]uint8); ok {
		copy(octets, b)
		return
	}
	for i := range len(b) / 8 {
		blocks[i] = B(binary.LittleEndian.Uint64(b[8*i:]))
	}
}

// errPartialBlock means that bits are not whole bytes where they must be.
var errPartialBlock = errors.New("bits do not fill their bytes")
