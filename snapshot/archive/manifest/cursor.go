package manifest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// DecodeError says where the bytes stopped making sense.
type DecodeError struct {
	// Field is the path to the field in Agave's names, such as
	// "stakes.vote_accounts[3].data".
	Field string
	// Offset is where the field, or what is wrong with it, begins.
	Offset int64
	// Err is io.ErrUnexpectedEOF where bytes are missing, and otherwise says
	// what was got and wanted, or what the reader returned.
	Err error
}

// Error names the field, the offset and the cause.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("field %s at offset %d: %v", e.Field, e.Offset, e.Err)
}

// Unwrap gives the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// window is how many bytes a cursor holds of its source. No fixed-size field is
// larger.
const window = 64 << 10

// cursor takes fields off untrusted bytes, from a reader or from memory. It
// remembers its first error; from then on it gives zeros.
type cursor struct {
	src    io.Reader // nil when buf is all there is
	store  []byte    // what buf is a part of; nil without src
	buf    []byte    // read and not yet taken
	offset int64     // of buf[0]: how many bytes were taken
	size   int64     // how many bytes there are in all, as the caller has it
	budget int64     // how many bytes may still be kept
	path   []step    // the collections that the next field is in
	err    error
}

// step is one collection on the way to a field. Index is -1 outside of a list.
type step struct {
	name  string
	index int
}

func newCursor(r io.Reader, size, budget int64) *cursor {
	return &cursor{src: r, store: make([]byte, min(window, size)), size: size, budget: budget}
}

// left is how many bytes are not taken yet.
func (c *cursor) left() int64 { return c.size - c.offset }

// fail remembers the first error.
func (c *cursor) fail(name string, err error) {
	if c.err == nil {
		c.err = &DecodeError{Field: c.field(name), Offset: c.offset, Err: err}
	}
}

func (c *cursor) field(name string) string {
	var b strings.Builder
	for _, s := range c.path {
		b.WriteString(s.name)
		if s.index >= 0 {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		}
		b.WriteByte('.')
	}
	return b.String() + name
}

// enter and leave keep the path.
func (c *cursor) enter(name string, index int) { c.path = append(c.path, step{name, index}) }
func (c *cursor) leave()                       { c.path = c.path[:len(c.path)-1] }

// take gives the next n bytes, which are good until the next call, or nil after
// an error. n is at most window.
func (c *cursor) take(name string, n int) []byte {
	if c.err != nil {
		return nil
	}
	if int64(n) > c.left() {
		c.fail(name, fmt.Errorf("%w: %d bytes left, want %d", io.ErrUnexpectedEOF, c.left(), n))
		return nil
	}
	if len(c.buf) < n {
		if err := c.fill(n); err != nil {
			c.fail(name, err)
			return nil
		}
	}
	taken := c.buf[:n]
	c.buf = c.buf[n:]
	c.offset += int64(n)
	return taken
}

// fill reads until buf has at least n bytes, and never past size.
func (c *cursor) fill(n int) error {
	if c.src == nil {
		return io.ErrUnexpectedEOF
	}
	held := copy(c.store, c.buf)
	limit := min(int64(len(c.store)), c.left())
	read, err := io.ReadAtLeast(c.src, c.store[held:limit], n-held)
	c.buf = c.store[:held+read]
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// read fills dst with the next bytes.
func (c *cursor) read(name string, dst []byte) {
	for len(dst) > 0 && c.err == nil {
		n := copy(dst, c.take(name, min(len(dst), window)))
		dst = dst[n:]
	}
}

// skip drops the next n bytes.
func (c *cursor) skip(name string, n int64) {
	for n > 0 && c.err == nil {
		step := min(n, window)
		c.take(name, int(step))
		n -= step
	}
}

// bytes gives a copy of the next n bytes. It allocates no more than a window
// ahead of what has arrived.
func (c *cursor) bytes(name string, n int64) []byte {
	if n == 0 || !c.keep(name, n) {
		return nil
	}
	b := make([]byte, 0, min(n, window))
	for int64(len(b)) < n && c.err == nil {
		b = append(b, c.take(name, int(min(n-int64(len(b)), window)))...)
	}
	return b
}

// keep takes n bytes off the budget.
func (c *cursor) keep(name string, n int64) bool {
	if c.err == nil && n > c.budget {
		c.fail(name, errBudget)
	}
	c.budget -= n
	return c.err == nil
}

// errBudget means that the manifest is larger than a caller is ready for.
var errBudget = errors.New("more to keep than the decoder may")

func (c *cursor) uint8(name string) uint8 {
	if b := c.take(name, 1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16(name string) uint16 {
	if b := c.take(name, 2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32(name string) uint32 {
	if b := c.take(name, 4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint64(name string) uint64 {
	if b := c.take(name, 8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// bool takes the one-byte tag of a bool or an Option.
func (c *cursor) bool(name string) bool {
	tag := c.uint8(name)
	if tag > 1 {
		c.offset-- // the error is about the byte that was taken
		c.fail(name, fmt.Errorf("tag %d, want 0 or 1", tag))
	}
	return tag == 1
}

// count takes the number of elements that follow, each of at least smallest
// bytes. What it gives fits in the bytes that are left.
func (c *cursor) count(name string, smallest int64) int64 {
	n := c.uint64(name)
	if c.err == nil && n > uint64(c.left()/smallest) {
		c.offset -= 8 // the error is about the number that was taken
		c.fail(name, fmt.Errorf("%w: %d elements of at least %d bytes, %d bytes left", io.ErrUnexpectedEOF, n, smallest, c.left()-8))
		return 0
	}
	return int64(n)
}

// optionalUint64 takes a number behind an Option tag.
func (c *cursor) optionalUint64(name string) *uint64 {
	if !c.bool(name) {
		return nil
	}
	n := c.uint64(name)
	return &n
}

func (c *cursor) pubkey(name string) (k Pubkey) {
	c.read(name, k[:])
	return k
}
