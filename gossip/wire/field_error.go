package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// FieldError says which field breaks the rules of the wire, of what was decoded
// or was to be encoded.
type FieldError struct {
	// Field is the path to the field in Agave's names, such as
	// "values[2].addrs[0]".
	Field string
	// Offset is how many bytes had been read or written when the fault was seen.
	Offset int
	// Err is io.ErrUnexpectedEOF where bytes are missing, and otherwise says what
	// was got and wanted.
	Err error
}

// Error names the field, the offset and the cause.
func (e *FieldError) Error() string {
	return fmt.Sprintf("field %s at offset %d: %v", e.Field, e.Offset, e.Err)
}

// Unwrap gives the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// step is one structure on the way to a field. Index is -1 outside of a list.
type step struct {
	name  string
	index int
}

// fail remembers the first fault.
func (c *codec) fail(name string, err error) {
	if c.err == nil {
		c.err = &FieldError{Field: c.field(name), Offset: c.offset(), Err: err}
	}
}

func (c *codec) offset() int {
	if c.writing {
		return len(c.buf)
	}
	return c.at
}

func (c *codec) field(name string) string {
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
func (c *codec) enter(name string, index int) { c.path = append(c.path, step{name, index}) }
func (c *codec) leave()                       { c.path = c.path[:len(c.path)-1] }
