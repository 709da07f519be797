package manifest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
)

// codec walks the fields of a manifest in the order of the wire, and either
// reads or writes each. There is one list of fields for both directions, so
// that Encode is the inverse of Decode.
type codec struct {
	in  *cursor       // when reading
	out *bufio.Writer // when writing; it remembers its first error
	// whole keeps what only Encode needs.
	whole bool
	// dropped says that something was read which is not kept.
	dropped bool
}

func (c *codec) reading() bool { return c.in != nil }

// failed reports that there is no use in reading on.
func (c *codec) failed() bool { return c.in != nil && c.in.err != nil }

// within puts a name before those of the fields that f walks.
func (c *codec) within(name string, f func()) {
	if !c.reading() {
		f()
		return
	}
	c.in.enter(name, -1)
	defer c.in.leave()
	f()
}

func (c *codec) uint8(name string, v *uint8) {
	if c.reading() {
		*v = c.in.uint8(name)
		return
	}
	_ = c.out.WriteByte(*v) // the writer remembers
}

func (c *codec) bool(name string, v *bool) {
	if c.reading() {
		*v = c.in.bool(name)
		return
	}
	var tag byte
	if *v {
		tag = 1
	}
	_ = c.out.WriteByte(tag) // the writer remembers
}

func (c *codec) uint32(name string, v *uint32) {
	if c.reading() {
		*v = c.in.uint32(name)
		return
	}
	_, _ = c.out.Write(binary.LittleEndian.AppendUint32(c.out.AvailableBuffer(), *v)) // the writer remembers
}

// uint64Field walks any 64-bit integer: slots and epochs too.
func uint64Field[T ~uint64 | ~int64](c *codec, name string, v *T) {
	if c.reading() {
		*v = T(c.in.uint64(name))
		return
	}
	c.write64(uint64(*v))
}

// float64 keeps every bit, so that a manifest with a NaN is still itself.
func (c *codec) float64(name string, v *float64) {
	if c.reading() {
		*v = math.Float64frombits(c.in.uint64(name))
		return
	}
	c.write64(math.Float64bits(*v))
}

func (c *codec) write64(v uint64) {
	_, _ = c.out.Write(binary.LittleEndian.AppendUint64(c.out.AvailableBuffer(), v)) // the writer remembers
}

// array walks bytes of fixed length.
func (c *codec) array(name string, v []byte) {
	if c.reading() {
		c.in.read(name, v)
		return
	}
	_, _ = c.out.Write(v) // the writer remembers
}

// optional walks an Option: a tag, and a value if there is one.
func optional[T any](c *codec, name string, v **T, value func(*T)) {
	some := *v != nil
	c.bool(name, &some)
	if !some {
		*v = nil
		return
	}
	if c.reading() {
		*v = new(T)
	}
	value(*v)
}

// list walks a count and its elements, of at least smallest bytes each. The
// slice grows as elements arrive.
func list[T any](c *codec, name string, smallest int64, v *[]T, element func(*T)) {
	if !c.reading() {
		c.write64(uint64(len(*v)))
		for i := range *v {
			element(&(*v)[i])
		}
		return
	}
	*v = nil
	c.each(name, smallest, func() {
		if !c.in.keep(name, smallest) {
			return
		}
		var zero T
		*v = append(*v, zero)
		element(&(*v)[len(*v)-1])
	})
}

// each reads a count and calls element so often, or until something is wrong.
func (c *codec) each(name string, smallest int64, element func()) int64 {
	n := c.in.count(name, smallest)
	c.in.enter(name, 0)
	defer c.in.leave()
	for i := int64(0); i < n && c.in.err == nil; i++ {
		c.in.path[len(c.in.path)-1].index = int(i)
		element()
	}
	return n
}

// obsolete walks a collection that today's writers leave empty. What an old
// one put there is skipped.
func (c *codec) obsolete(name string, element int64) {
	if !c.reading() {
		c.write64(0)
		return
	}
	if n := c.in.count(name, element); n > 0 {
		c.dropped = true
		c.in.skip(name, n*element)
	}
}

// constant walks a number that has only one value.
func (c *codec) constant(name string, want uint64) {
	if !c.reading() {
		c.write64(want)
		return
	}
	if got := c.in.uint64(name); got != want && c.in.err == nil {
		c.in.offset -= 8 // the error is about the number that was taken
		c.in.fail(name, fmt.Errorf("%d, want %d", got, want))
	}
}
