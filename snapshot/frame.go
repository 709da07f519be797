package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The magic numbers with which a frame begins (RFC 8878 §3.1.1 and §3.1.2; LZ4
// frame format §"General structure"). Both formats share the skippable frames.
const (
	magicZstd      = 0xFD2FB528
	magicLZ4       = 0x184D2204
	magicSkippable = 0x184D2A50 // and the 15 after it
)

// frameError means that a file's first bytes are not those of its format. They
// will not become so without its state changing.
type frameError struct {
	want Format
	got  [4]byte
}

func (e *frameError) Error() string {
	return fmt.Sprintf("it begins with the bytes %x, which is no frame of a %s", e.got, e.want)
}

// checkFrame reads the first bytes of r and compares them with what f begins
// with. Nothing further is promised: the rest may still be damaged.
func checkFrame(r io.Reader, f Format) error {
	var first [4]byte
	_, err := io.ReadFull(r, first[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	magic := binary.LittleEndian.Uint32(first[:])
	want := uint32(magicZstd)
	if f == FormatLZ4 {
		want = magicLZ4
	}
	if magic != want && magic&^0xF != magicSkippable {
		return &frameError{want: f, got: first}
	}
	return nil
}
