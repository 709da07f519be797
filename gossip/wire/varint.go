package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// errLongVarint means that a number is spelled with more bytes than it needs.
var errLongVarint = errors.New("varint ends in a zero byte")

// varint16 walks a number of 16 bits in groups of seven, lowest first: serde's
// varint, and the length of a short_vec.
func (c *codec) varint16(name string, v *uint16) {
	if c.writing {
		c.buf = binary.AppendUvarint(c.buf, uint64(*v))
		return
	}
	*v = uint16(c.varint(name, 16))
}

// varint64 walks a number of 64 bits in groups of seven.
func (c *codec) varint64(name string, v *uint64) {
	if c.writing {
		c.buf = binary.AppendUvarint(c.buf, *v)
		return
	}
	*v = c.varint(name, 64)
}

// varint reads a number of that many bits. Every number has one spelling:
// otherwise Agave, which encodes what it parsed before it hashes, would have
// another hash.
func (c *codec) varint(name string, bits int) uint64 {
	var v uint64
	for shift := 0; ; shift += 7 {
		b := c.take(name, 1)
		if b == nil {
			return 0
		}
		if rest := bits - shift; rest < 7 && b[0]>>rest != 0 {
			c.fail(name, fmt.Errorf("varint of more than %d bits", bits))
			return 0
		}
		v |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			if b[0] == 0 && shift > 0 {
				c.fail(name, errLongVarint)
			}
			return v
		}
	}
}
