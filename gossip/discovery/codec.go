package discovery

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// codec walks the fields of a message and either reads or writes each, so that
// there is one list of fields and rules for both directions. It remembers its
// first error; from then on it reads zeros. Strings that were read share the
// memory of in. What is written is not touched: many may write the same value.
type codec struct {
	in      string
	at      int
	out     []byte
	writing bool
	err     error
}

var errShort = errors.New("message ends too early")

func (c *codec) left() int { return len(c.in) - c.at }

func (c *codec) fail(name string, err error) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: %w", name, err)
	}
}

// finish is the first fault. What was read must have been read whole.
func (c *codec) finish() error {
	if !c.writing && c.left() > 0 {
		c.fail("end", fmt.Errorf("%d bytes follow", c.left()))
	}
	return c.err
}

// take reads n bytes; after an error there are none.
func (c *codec) take(name string, n int) string {
	if c.err != nil || n > c.left() {
		c.fail(name, errShort)
		return ""
	}
	c.at += n
	return c.in[c.at-n : c.at]
}

func (c *codec) array(name string, v []byte) {
	if c.writing {
		c.out = append(c.out, v...)
		return
	}
	copy(v, c.take(name, len(v)))
}

func (c *codec) uint8(name string, v *uint8) {
	if c.writing {
		c.out = append(c.out, *v)
		return
	}
	var b [1]byte
	c.array(name, b[:])
	*v = b[0]
}

func (c *codec) uint16(name string, v *uint16) {
	if c.writing {
		c.out = binary.LittleEndian.AppendUint16(c.out, *v)
		return
	}
	var b [2]byte
	c.array(name, b[:])
	*v = binary.LittleEndian.Uint16(b[:])
}

func (c *codec) uint32(name string, v *uint32) {
	if c.writing {
		c.out = binary.LittleEndian.AppendUint32(c.out, *v)
		return
	}
	var b [4]byte
	c.array(name, b[:])
	*v = binary.LittleEndian.Uint32(b[:])
}

func (c *codec) uint64(name string, v *uint64) {
	if c.writing {
		c.out = binary.LittleEndian.AppendUint64(c.out, *v)
		return
	}
	var b [8]byte
	c.array(name, b[:])
	*v = binary.LittleEndian.Uint64(b[:])
}

// flag walks a truth of one byte.
func (c *codec) flag(name string, v *bool) {
	var b uint8
	if *v {
		b = 1
	}
	if c.uint8(name, &b); b > 1 {
		c.fail(name, fmt.Errorf("%d, want 0 or 1", b))
	}
	if !c.writing {
		*v = b == 1
	}
}

// text walks a string of at most limit bytes, which fits 16 bits.
func (c *codec) text(name string, v *string, limit int) {
	if len(*v) > limit {
		c.fail(name, fmt.Errorf("%d bytes, want at most %d", len(*v), limit))
		return
	}
	n := uint16(len(*v))
	if c.uint16(name, &n); int(n) > limit {
		c.fail(name, fmt.Errorf("%d bytes, want at most %d", n, limit))
	}
	if c.writing {
		c.out = append(c.out, *v...)
		return
	}
	*v = c.take(name, int(n))
}

// list walks at most limit elements of at least smallest bytes each. Nothing is
// allocated for elements that the bytes that are left cannot hold.
func list[T any](c *codec, name string, limit, smallest int, v *[]T, walk func(*codec, *T)) {
	n := uint32(len(*v))
	c.uint32(name, &n)
	if int64(n) > int64(limit) {
		c.fail(name, fmt.Errorf("%d of them, want at most %d", n, limit))
	}
	if !c.writing && int64(n)*int64(smallest) > int64(c.left()) {
		c.fail(name, errShort)
	}
	if c.err != nil {
		return
	}
	if !c.writing {
		*v = nil
		if n > 0 {
			*v = make([]T, n)
		}
	}
	for i := range *v {
		walk(c, &(*v)[i])
	}
}

// ascending fails unless every element is greater than the one before it: a set
// has one encoding.
func ascending[T any](c *codec, name string, v []T, compare func(a, b T) int) {
	for i := 1; i < len(v); i++ {
		if compare(v[i-1], v[i]) >= 0 {
			c.fail(name, errors.New("not in ascending order, each once"))
		}
	}
}
