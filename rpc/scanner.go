package rpc

import (
	"math"
	"strconv"
)

// maxDepth is how deep arrays and objects may nest, the outermost included:
// the recursion limit of serde_json, which Agave's parser inherits.
const maxDepth = 127

// scanner reads JSON text front to back, by RFC 8259 and as strictly as
// serde_json: no lone surrogates and no numbers beyond a float64. It remembers
// its first error in bad; from then on every method returns the zero value.
// The text must be valid UTF-8 already.
type scanner struct {
	text  []byte
	pos   int
	depth int
	bad   bool
}

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// take consumes c after white space, or fails.
func (s *scanner) take(c byte) {
	if s.bad || s.peek() != c {
		s.bad = true
		return
	}
	s.pos++
}

// end fails unless nothing but white space is left.
func (s *scanner) end() {
	s.peek()
	if s.pos != len(s.text) {
		s.bad = true
	}
}

// enter consumes the bracket that opens an array or object.
func (s *scanner) enter(open byte) {
	s.take(open)
	if s.depth++; s.depth > maxDepth {
		s.bad = true
	}
}

// more reports whether another element follows in the array or object that
// shut closes, and consumes what stands before it: nothing for the first, a
// comma for the rest. At the end it consumes shut.
func (s *scanner) more(shut byte, first bool) bool {
	if s.bad {
		return false
	}
	if s.peek() == shut {
		s.pos++
		s.depth--
		return false
	}
	if !first {
		s.take(',')
	}
	return !s.bad
}

// key consumes a member's name and its colon, and returns the name with its quotes.
func (s *scanner) key() []byte {
	name := s.str()
	s.take(':')
	return name
}

// value consumes one value of any kind and returns its text.
func (s *scanner) value() []byte {
	c := s.peek()
	start := s.pos
	switch c {
	case '"':
		return s.str()
	case '{':
		s.enter('{')
		for first := true; s.more('}', first); first = false {
			s.key()
			s.value()
		}
	case '[':
		s.enter('[')
		for first := true; s.more(']', first); first = false {
			s.value()
		}
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	default:
		return s.number()
	}
	if s.bad {
		return nil
	}
	return s.text[start:s.pos]
}

func (s *scanner) word(w string) {
	if len(s.text)-s.pos < len(w) || string(s.text[s.pos:s.pos+len(w)]) != w {
		s.bad = true
		return
	}
	s.pos += len(w)
}

// str consumes a string and returns its text with the quotes, still escaped.
func (s *scanner) str() []byte {
	s.take('"')
	start := s.pos - 1
	for !s.bad {
		s.plain()
		if s.pos == len(s.text) {
			break
		}
		switch s.text[s.pos] {
		case '"':
			s.pos++
			return s.text[start:s.pos]
		case '\\':
			s.escape()
		default:
			s.bad = true
		}
	}
	s.bad = true
	return nil
}

// plain consumes what stands for itself in a string. Most bytes of a request
// pass here.
func (s *scanner) plain() {
	text, i := s.text, s.pos
	for i < len(text) && text[i] >= ' ' && text[i] != '"' && text[i] != '\\' {
		i++
	}
	s.pos = i
}

// escape consumes a backslash and what it escapes, both halves of a surrogate pair.
func (s *scanner) escape() {
	s.pos++
	if s.pos == len(s.text) {
		s.bad = true
		return
	}
	c := s.text[s.pos]
	s.pos++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
	case 'u':
		s.unicode()
	default:
		s.bad = true
	}
}

func (s *scanner) unicode() {
	switch r := s.hex4(); {
	case r >= 0xdc00 && r < 0xe000:
		s.bad = true
	case r >= 0xd800 && r < 0xdc00:
		s.word(`\u`)
		if low := s.hex4(); low < 0xdc00 || low >= 0xe000 {
			s.bad = true
		}
	}
}

func (s *scanner) hex4() uint64 {
	if s.bad || len(s.text)-s.pos < 4 {
		s.bad = true
		return 0
	}
	r, err := strconv.ParseUint(string(s.text[s.pos:s.pos+4]), 16, 16)
	if err != nil {
		s.bad = true
	}
	s.pos += 4
	return r
}

// number consumes a number and returns its text.
func (s *scanner) number() []byte {
	start := s.pos
	s.skip('-')
	if !s.skip('0') {
		s.digits()
	}
	long := s.pos-start > 300
	if s.skip('.') {
		s.digits()
	}
	if s.skip('e') || s.skip('E') {
		_ = s.skip('+') || s.skip('-')
		s.digits()
		long = true
	}
	if s.bad {
		return nil
	}
	if text := s.text[start:s.pos]; !long || finite(text) {
		return text
	}
	s.bad = true
	return nil
}

// skip consumes c if it is the very next byte.
func (s *scanner) skip(c byte) bool {
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// digits consumes one digit or more.
func (s *scanner) digits() {
	start := s.pos
	for s.pos < len(s.text) && s.text[s.pos]-'0' <= 9 {
		s.pos++
	}
	if s.pos == start {
		s.bad = true
	}
}

// finite reports whether a number's text is within a float64; serde_json
// refuses the rest.
func finite(text []byte) bool {
	f, _ := strconv.ParseFloat(string(text), 64)
	return !math.IsInf(f, 0)
}
