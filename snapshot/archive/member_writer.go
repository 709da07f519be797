package archive

import (
	"encoding/binary"
	"fmt"
	"io"
)

// snapshotVersion is the content of the member "version". It has not changed
// since 2020, and clients refuse any other: this must not change.
const snapshotVersion = "1.2.0"

// memberWriter writes the tar stream of a snapshot archive with headers like
// those of Agave's (snapshots/src/archive.rs): old GNU, and the storages' without
// mode, owner and type, which archive/tar cannot write. Times and owners are
// zero, so that equal content makes equal archives.
type memberWriter struct {
	w    io.Writer
	name string // of the member that is being written
	left int64  // how much of it is to come
	pad  int    // how many zeros follow it
}

// memberKind decides what a header looks like.
type memberKind uint8

const (
	fileKind memberKind = iota
	directoryKind
	storageKind
)

// file writes a whole member.
func (m *memberWriter) file(name string, content []byte) error {
	if err := m.begin(name, int64(len(content)), fileKind); err != nil {
		return err
	}
	_, err := m.Write(content)
	return err
}

// begin ends the last member and begins one of that size.
func (m *memberWriter) begin(name string, size int64, kind memberKind) error {
	if err := m.end(); err != nil {
		return err
	}
	header := gnuHeader(name, size, kind)
	m.name, m.left, m.pad = name, size, int(-size&(headerSize-1))
	_, err := m.w.Write(header[:])
	return err
}

// Write appends to the member, and fails beyond the size that was announced: the
// accounts of a slot were not the same twice.
func (m *memberWriter) Write(b []byte) (int, error) {
	if int64(len(b)) > m.left {
		return 0, fmt.Errorf("member %s is longer than it was at first", m.name)
	}
	n, err := m.w.Write(b)
	m.left -= int64(n)
	return n, err
}

func (m *memberWriter) end() error {
	if m.left > 0 {
		return fmt.Errorf("member %s is %d bytes shorter than it was at first", m.name, m.left)
	}
	_, err := m.w.Write(make([]byte, m.pad))
	m.pad = 0
	return err
}

// Close ends the last member and the stream.
func (m *memberWriter) Close() error {
	if err := m.end(); err != nil {
		return err
	}
	_, err := m.w.Write(make([]byte, 2*headerSize))
	return err
}

// headerSize is the length of a header, and what members are padded to.
const headerSize = 512

// gnuHeader is a header in the old GNU format, whose names here are always
// shorter than the 100 bytes that it has for them.
func gnuHeader(name string, size int64, kind memberKind) (h [headerSize]byte) {
	copy(h[:100], name)
	putHeaderSize(h[124:136], size)
	copy(h[136:], "00000000000") // time
	if kind != storageKind {
		copy(h[100:], "0100644")
		copy(h[108:], "0000000") // user
		copy(h[116:], "0000000") // group
		h[156] = '0'
		copy(h[329:], "0000000\x000000000") // device
	}
	if kind == directoryKind {
		copy(h[100:], "0040755")
		h[156] = '5'
	}
	copy(h[257:], "ustar  ")
	sumHeader(&h)
	return h
}

// putHeaderSize writes octal digits, or where there are too many GNU's binary form.
func putHeaderSize(field []byte, size int64) {
	if size < 1<<33 {
		copy(field, fmt.Sprintf("%011o", size))
		return
	}
	field[0] = 0x80
	binary.BigEndian.PutUint64(field[4:], uint64(size))
}

// sumHeader writes the sum of all bytes, the sum itself taken for spaces.
func sumHeader(h *[headerSize]byte) {
	copy(h[148:], "        ")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], fmt.Sprintf("%07o\x00", sum))
}
