package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// codec walks the fields of a message in the order of the wire, and either
// reads or writes each. There is one list of fields and rules for both
// directions, so that what we write is what we would read. It remembers its
// first error; from then on it reads zeros.
//
// Byte slices that were read share the memory of buf.
type codec struct {
	buf     []byte // what there is to read, or what was written so far
	at      int    // how many bytes were read
	writing bool
	legacy  bool // what modern nodes refuse is welcome
	path    []step
	steps   [6]step // what path has room for at first: more than it needs
	err     error
}

// left is how many bytes are not read yet.
func (c *codec) left() int { return len(c.buf) - c.at }

// finish is the first fault. What was read must have been read whole.
func (c *codec) finish() error {
	if c.err == nil && !c.writing && c.left() > 0 {
		return fmt.Errorf("%d bytes after the end at offset %d", c.left(), c.at)
	}
	return c.err
}

// take reads the next n bytes, or gives nil after an error.
func (c *codec) take(name string, n int) []byte {
	if c.err != nil {
		return nil
	}
	if n > c.left() {
		c.fail(name, &shortError{elements: uint64(n), size: 1, left: c.left()})
		return nil
	}
	taken := c.buf[c.at : c.at+n : c.at+n]
	c.at += n
	return taken
}

func (c *codec) uint8(name string, v *uint8) {
	if c.writing {
		c.buf = append(c.buf, *v)
	} else if b := c.take(name, 1); b != nil {
		*v = b[0]
	}
}

func (c *codec) uint16(name string, v *uint16) {
	if c.writing {
		c.buf = binary.LittleEndian.AppendUint16(c.buf, *v)
	} else if b := c.take(name, 2); b != nil {
		*v = binary.LittleEndian.Uint16(b)
	}
}

func (c *codec) uint32(name string, v *uint32) {
	if c.writing {
		c.buf = binary.LittleEndian.AppendUint32(c.buf, *v)
	} else if b := c.take(name, 4); b != nil {
		*v = binary.LittleEndian.Uint32(b)
	}
}

func (c *codec) uint64(name string, v *uint64) {
	if c.writing {
		c.buf = binary.LittleEndian.AppendUint64(c.buf, *v)
	} else if b := c.take(name, 8); b != nil {
		*v = binary.LittleEndian.Uint64(b)
	}
}

// array walks bytes of fixed length.
func (c *codec) array(name string, v []byte) {
	if c.writing {
		c.buf = append(c.buf, v...)
	} else {
		copy(v, c.take(name, len(v)))
	}
}

// bool walks the one-byte tag of an Option or a bit vector.
func (c *codec) bool(name string, v *bool) {
	var tag uint8
	if *v {
		tag = 1
	}
	c.uint8(name, &tag)
	if tag > 1 {
		c.fail(name, fmt.Errorf("tag %d, want 0 or 1", tag))
	}
	*v = tag == 1
}

// count walks the number of elements that follow, of at least smallest bytes
// each. What it reads fits in the bytes that are left.
func (c *codec) count(name string, smallest, n int) int {
	wide := uint64(n)
	c.uint64(name, &wide)
	return c.fits(name, smallest, wide)
}

// shortCount is count for a short_vec: a varint of 16 bits.
func (c *codec) shortCount(name string, smallest, n int) int {
	if c.writing && n > math.MaxUint16 {
		c.fail(name, fmt.Errorf("%d elements, want at most %d", n, math.MaxUint16))
		return 0
	}
	short := uint16(n)
	c.varint16(name, &short)
	return c.fits(name, smallest, uint64(short))
}

func (c *codec) fits(name string, smallest int, n uint64) int {
	if c.err != nil {
		return 0
	}
	if !c.writing && n > uint64(c.left()/smallest) {
		c.fail(name, &shortError{elements: n, size: smallest, left: c.left()})
		return 0
	}
	return int(n)
}

// bytes walks a vector of bytes.
func (c *codec) bytes(name string, v *[]byte) {
	c.raw(name, c.count(name, 1, len(*v)), v)
}

// shortBytes walks a short_vec of bytes.
func (c *codec) shortBytes(name string, v *[]byte) {
	c.raw(name, c.shortCount(name, 1, len(*v)), v)
}

func (c *codec) raw(name string, n int, v *[]byte) {
	if c.writing {
		c.buf = append(c.buf, *v...)
		return
	}
	*v = c.take(name, n)
}

// uint64s walks a vector of numbers.
func (c *codec) uint64s(name string, v *[]uint64) {
	n := c.count(name, 8, len(*v))
	if !c.writing {
		*v = make([]uint64, n)
	}
	for i := range *v {
		c.uint64(name, &(*v)[i])
	}
}

// walker is what can be an element of a list.
type walker[T any] interface {
	*T
	walk(c *codec)
}

// list walks a vector of elements of at least smallest bytes each.
func list[T any, P walker[T]](c *codec, name string, smallest int, v *[]T) {
	elements[T, P](c, name, c.count(name, smallest, len(*v)), v)
}

// shortList walks a short_vec of elements of at least smallest bytes each.
func shortList[T any, P walker[T]](c *codec, name string, smallest int, v *[]T) {
	elements[T, P](c, name, c.shortCount(name, smallest, len(*v)), v)
}

func elements[T any, P walker[T]](c *codec, name string, n int, v *[]T) {
	if !c.writing {
		*v = nil
		if n > 0 {
			*v = make([]T, n)
		}
	}
	c.enter(name, 0)
	defer c.leave()
	for i := range *v {
		c.path[len(c.path)-1].index = i
		P(&(*v)[i]).walk(c)
		if c.err != nil {
			return
		}
	}
}

// Times and slots at or above these are nobody's (Agave gossip/src/crds_data.rs,
// MAX_WALLCLOCK and MAX_SLOT).
const (
	maxWallclock = 1_000_000_000_000_000
	maxSlot      = 1_000_000_000_000_000
)

func (c *codec) wallclock(v *uint64) {
	c.uint64("wallclock", v)
	c.checkWallclock(*v)
}

func (c *codec) checkWallclock(v uint64) { c.below("wallclock", v, maxWallclock) }

// below refuses a number that is not below the limit.
func (c *codec) below(name string, v, limit uint64) {
	if v >= limit {
		c.fail(name, fmt.Errorf("%d, want below %d", v, limit))
	}
}

// zero walks a number that has only one value.
func (c *codec) zero(name string) {
	var v uint64
	c.uint64(name, &v)
	c.below(name, v, 1)
}

// errDead is what happens to the tags that modern nodes refuse.
var errDead = errors.New("no node takes this any more")
