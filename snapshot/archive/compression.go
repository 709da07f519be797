package archive

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"solsnap/snapshot"
)

// Compression is what the tar stream of an archive is wrapped in, as its first
// bytes say. The file's name may say something else.
type Compression uint8

// The compressions. Firedancer reads a plain tar, too; Agave does not.
const (
	Uncompressed Compression = iota
	Zstd
	LZ4
)

// String prints "zstd", "lz4" or "none".
func (c Compression) String() string {
	switch c {
	case Zstd:
		return "zstd"
	case LZ4:
		return "lz4"
	}
	return "none"
}

// Is reports that c is what a name with the extension of f promises.
func (c Compression) Is(f snapshot.Format) bool {
	return c == Zstd && f == snapshot.FormatZstd || c == LZ4 && f == snapshot.FormatLZ4
}

// The magic numbers, little-endian (RFC 8878 §3.1.1 and §3.1.2; LZ4 frame
// format §"General Structure"). Both formats share the skippable frames.
const (
	zstdMagic      = 0xFD2FB528
	lz4Magic       = 0x184D2204
	skippableMagic = 0x184D2A50 // and the 15 after it
)

// The five letters that every tar format since 1988 has at the same place.
const (
	tarMagic       = "ustar"
	tarMagicOffset = 257
)

// decoderWindow is the most memory that a frame may make the decoder keep.
// Agave's windows are 2 MiB at most, and Firedancer refuses those above 32 MiB.
const decoderWindow = 64 << 20

// decompress finds out what r holds and gives its decompressed bytes.
func decompress(r *bufio.Reader) (Compression, io.Reader, error) {
	if err := discardSkippable(r); err != nil {
		return 0, nil, fmt.Errorf("skip a frame: %w", err)
	}
	magic, err := r.Peek(4)
	if err != nil {
		return 0, nil, fmt.Errorf("read the magic number: %w", noEOF(err))
	}
	switch binary.LittleEndian.Uint32(magic) {
	case zstdMagic:
		// One goroutine: on few cores the decoder's own pipeline costs more
		// than it wins, and so there is nothing to close either.
		frames, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(decoderWindow))
		return Zstd, frames, err
	case lz4Magic:
		return LZ4, lz4.NewReader(r), nil
	}
	if header, err := r.Peek(tarBlock); err == nil && string(header[tarMagicOffset:][:len(tarMagic)]) == tarMagic {
		return Uncompressed, r, nil
	}
	return 0, nil, fmt.Errorf("the first bytes are %x, want those of a zstd frame, an lz4 frame or a tar", magic)
}

// discardSkippable passes over the skippable frames before the first frame with
// data, which alone tells the two formats apart.
func discardSkippable(r *bufio.Reader) error {
	for {
		head, err := r.Peek(8)
		if err != nil || !isSkippable(binary.LittleEndian.Uint32(head)) {
			return nil // whatever it is, it is looked at next
		}
		size := 8 + int64(binary.LittleEndian.Uint32(head[4:]))
		if _, err := io.CopyN(io.Discard, r, size); err != nil {
			return noEOF(err)
		}
	}
}

func isSkippable(magic uint32) bool { return magic&^0xF == skippableMagic }

// noEOF makes an end that comes too early an error that says so.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
