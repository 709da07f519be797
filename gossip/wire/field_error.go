package wire

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// FieldError says which field breaks the rules of the wire, of what was decoded
// or was to be encoded. It is put into words only when it is printed, since
// packets to refuse may come in floods.
type FieldError struct {
	path []step
	name string
	// Offset is how many bytes had been read or written when the fault was seen.
	Offset int
	// Err wraps io.ErrUnexpectedEOF where bytes are missing, and says what was got
	// and wanted.
	Err error
}

// Field is the path to the field in Agave's names, such as
// "values[2].ContactInfo.addrs[0].ip".
func (e *FieldError) Field() string {
	var b strings.Builder
	for _, s := range e.path {
		b.WriteString(s.name)
		if s.index >= 0 {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		}
		b.WriteByte('.')
	}
	return b.String() + e.name
}

// Error names the field, the offset and the cause.
func (e *FieldError) Error() string {
	return fmt.Sprintf("field %s at offset %d: %v", e.Field(), e.Offset, e.Err)
}

// Unwrap gives the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// shortError means that bytes are missing.
type shortError struct {
	elements   uint64
	size, left int // in bytes: of the smallest element, and of what there is
}

func (e *shortError) Error() string {
	return fmt.Sprintf("%v: %d elements of at least %d bytes, %d bytes left", io.ErrUnexpectedEOF, e.elements, e.size, e.left)
}

func (*shortError) Unwrap() error { return io.ErrUnexpectedEOF }

// messageError says what was to be done with which message.
type messageError struct {
	verb     string
	protocol Protocol
	err      error
}

func (e *messageError) Error() string { return fmt.Sprintf("%s %v: %v", e.verb, e.protocol, e.err) }

func (e *messageError) Unwrap() error { return e.err }

// step is one structure on the way to a field. Index is -1 outside of a list.
type step struct {
	name  string
	index int
}

// fail remembers the first fault.
func (c *codec) fail(name string, err error) {
	if c.err == nil {
		c.err = &FieldError{path: slices.Clone(c.path), name: name, Offset: c.offset(), Err: err}
	}
}

func (c *codec) offset() int {
	if c.writing {
		return len(c.buf)
	}
	return c.at
}

// enter and leave keep the path.
func (c *codec) enter(name string, index int) { c.path = append(c.path, step{name, index}) }
func (c *codec) leave()                       { c.path = c.path[:len(c.path)-1] }
