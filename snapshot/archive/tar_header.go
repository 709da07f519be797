package archive

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// tarBlock is the unit of a tar stream: headers are this long, and contents are
// padded to a multiple of it.
const tarBlock = 512

// The types of entry that have a place in an archive. Agave writes storages
// with a NUL, which has meant a regular file since before the types existed.
const (
	typeRegular   = '0'
	typeNUL       = 0
	typeDirectory = '5'
	typeSparse    = 'S'
)

// HeaderStyle is the dialect of tar in which headers are written. It tells
// something of who wrote them.
type HeaderStyle uint8

// The styles. Agave and Firedancer write the old GNU one.
const (
	HeadersNone  HeaderStyle = iota // there was no header
	HeadersV7                       // neither of the magics below
	HeadersGNU                      // old GNU, "ustar  \0"
	HeadersUSTAR                    // POSIX, "ustar\0" and "00"
	HeadersMixed                    // more than one of these
)

// String prints a short name of the style.
func (s HeaderStyle) String() string {
	return [...]string{"none", "v7", "gnu", "ustar", "mixed"}[s]
}

// tarHeader is what matters of a header. Modes, owners and times do not.
type tarHeader struct {
	name     string
	typeflag byte
	style    HeaderStyle
	offset   int64 // of the header in the stream
	stored   int64 // size of the content in the archive
	size     int64 // size of the content with its holes, if it is sparse
}

// parseTarHeader reads a block that is not all zero, but not its sparse map.
func parseTarHeader(b *[tarBlock]byte) (h tarHeader, _ error) {
	if err := checkTarSum(b); err != nil {
		return h, err
	}
	h.style = styleOf(b)
	h.name = cString(b[0:100])
	if prefix := cString(b[345:500]); h.style == HeadersUSTAR && prefix != "" {
		h.name = prefix + "/" + h.name
	}
	h.typeflag = b[156]
	var err error
	if h.stored, err = parseTarNumber(b[124:136]); err != nil {
		return h, fmt.Errorf("size: %w", err)
	}
	h.size = h.stored
	return h, nil
}

func styleOf(b *[tarBlock]byte) HeaderStyle {
	switch string(b[tarMagicOffset:][:8]) {
	case "ustar  \x00":
		return HeadersGNU
	case "ustar\x0000":
		return HeadersUSTAR
	}
	return HeadersV7
}

// checkTarSum compares the sum of the header's bytes with the one written in it,
// for which that field counts as spaces.
func checkTarSum(b *[tarBlock]byte) error {
	const from, to = 148, 156
	want, err := parseTarNumber(b[from:to])
	if err != nil {
		return fmt.Errorf("header checksum: %w", err)
	}
	got := int64((to - from) * ' ')
	for i, c := range b {
		if i < from || i >= to {
			got += int64(c)
		}
	}
	if got != want {
		return fmt.Errorf("header checksum is %d, want %d", got, want)
	}
	return nil
}

var errTarNumber = errors.New("not a number from 0 to 2^63-1")

// parseTarNumber reads octal digits between optional spaces up to a NUL, or
// GNU's big-endian binary form, which the first byte 0x80 announces.
func parseTarNumber(field []byte) (int64, error) {
	if field[0]&0x80 != 0 {
		return parseTarBinary(field)
	}
	digits, _, _ := bytes.Cut(field, []byte{0})
	digits = bytes.Trim(digits, " ")
	if len(digits) == 0 {
		return 0, errTarNumber
	}
	n := int64(0)
	for _, c := range digits { // 12 at most, so 36 bits
		if c < '0' || c > '7' {
			return 0, errTarNumber
		}
		n = n<<3 | int64(c-'0')
	}
	return n, nil
}

func parseTarBinary(field []byte) (int64, error) {
	if field[0] != 0x80 {
		return 0, errTarNumber // negative, or above 2^88
	}
	n := int64(0)
	for _, c := range field[1:] {
		if n > math.MaxInt64>>8 {
			return 0, errTarNumber
		}
		n = n<<8 | int64(c)
	}
	return n, nil
}

func cString(field []byte) string {
	s, _, _ := bytes.Cut(field, []byte{0})
	return string(s)
}
