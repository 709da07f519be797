package archive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/zstd"
)

// firedancerMarker is the payload of a skippable frame with which Firedancer may
// mark its archives (its pull request 7401, experimental).
const firedancerMarker = 0xf212f209fd944ba2

// Frame is one zstd frame of an archive, as its headers describe it. Nothing in
// it has been decompressed.
type Frame struct {
	// Offset and Size are where the frame is in the file, header and checksum
	// included.
	Offset, Size int64
	// Skippable frames have no content. Marker tells that it is Firedancer's.
	Skippable bool
	Marker    bool
	// Content is how many bytes the frame decompresses to, or -1 if it does not
	// say so. Agave's frames do not.
	Content int64
	// Window is how much of its output a decoder must keep, in bytes.
	Window uint64
	// Checksum tells that a checksum of the content follows.
	Checksum bool
	// Blocks counts its blocks of up to 128 KiB of content each.
	Blocks int
	// TarHeader tells that the frame is a lone uncompressed tar block, as
	// Firedancer puts before each member: a reader finds the members by these
	// without decompressing anything.
	TarHeader bool
}

// FrameSummary adds frames up.
type FrameSummary struct {
	Frames    int // with data
	Skippable int
	// SkippableSize is the sum of the skippable frames' sizes.
	SkippableSize int64
	// Content is the sum of the contents that are stated, in Sized frames.
	Content    int64
	Sized      int
	Checksums  int
	TarHeaders int
	Blocks     int64
	// Window is the largest one.
	Window uint64
	Marker bool
}

// Add counts a frame. It never fails: it may be what WalkFrames calls.
func (s *FrameSummary) Add(f Frame) error {
	s.Marker = s.Marker || f.Marker
	if f.Skippable {
		s.Skippable++
		s.SkippableSize += f.Size
		return nil
	}
	s.Frames++
	s.Blocks += int64(f.Blocks)
	s.Window = max(s.Window, f.Window)
	if f.Content >= 0 {
		s.Sized++
		s.Content += min(f.Content, math.MaxInt64-s.Content)
	}
	if f.Checksum {
		s.Checksums++
	}
	if f.TarHeader {
		s.TarHeaders++
	}
	return nil
}

// WalkFrames calls visit for each zstd frame of a file of that size, in order,
// until the end or visit's first error. It reads the headers of frames and
// blocks only, but with a small read for each: a file of 100 GB has about three
// million, which takes minutes on a cold disk. When ctx ends, so does the walk,
// with the context's cause.
func WalkFrames(ctx context.Context, r io.ReaderAt, size int64, visit func(Frame) error) error {
	for offset := int64(0); offset < size; {
		w := frameWalk{ctx: ctx, r: r, size: size, frame: Frame{Offset: offset, Content: -1}}
		if err := w.walk(); err != nil {
			return fmt.Errorf("frame at %d: %w", offset, err)
		}
		if err := visit(w.frame); err != nil {
			return err
		}
		offset += w.frame.Size
	}
	return nil
}

// frameWalk goes through one frame. frame.Size is how far it has come.
type frameWalk struct {
	ctx   context.Context
	r     io.ReaderAt
	size  int64 // of the file
	frame Frame
}

// errNoFrame means that neither zstd's nor a skippable frame's magic number is
// where a frame should begin.
var errNoFrame = errors.New("it begins like no zstd frame")

func (w *frameWalk) walk() error {
	var buf [zstd.HeaderMaxSize]byte
	n, err := w.peek(buf[:])
	if err != nil {
		return err
	}
	var h zstd.Header
	if err := h.Decode(buf[:n]); errors.Is(err, zstd.ErrMagicMismatch) {
		return fmt.Errorf("%w: %x", errNoFrame, buf[:min(n, 4)])
	} else if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if err := w.advance(int64(h.HeaderSize)); err != nil {
		return err
	}
	if h.Skippable {
		return w.skippable(&h)
	}
	w.frame.Window, w.frame.Checksum = h.WindowSize, h.HasCheckSum
	if h.HasFCS {
		w.frame.Content = int64(min(h.FrameContentSize, math.MaxInt64))
	}
	if h.SingleSegment {
		w.frame.Window = h.FrameContentSize
	}
	w.frame.TarHeader = h.FirstBlock.Last && !h.FirstBlock.Compressed && h.FirstBlock.DecompressedSize == tarBlock
	return w.blocks()
}

func (w *frameWalk) skippable(h *zstd.Header) error {
	w.frame.Skippable, w.frame.Content = true, 0
	var payload [8]byte
	if h.SkippableID == 0 && h.SkippableSize == uint32(len(payload)) {
		n, err := w.peek(payload[:])
		if err != nil {
			return err
		}
		w.frame.Marker = n == len(payload) && binary.LittleEndian.Uint64(payload[:]) == firedancerMarker
	}
	return w.advance(int64(h.SkippableSize))
}

// blocks goes from block to block: each has three bytes of header, with its size
// and whether it is the last (RFC 8878 §3.1.1.2).
func (w *frameWalk) blocks() error {
	for last := false; !last; {
		var buf [4]byte
		n, err := w.peek(buf[:3])
		if err != nil {
			return err
		}
		if n < 3 {
			return fmt.Errorf("block header: %w", io.ErrUnexpectedEOF)
		}
		header := binary.LittleEndian.Uint32(buf[:])
		last = header&1 == 1
		size := int64(header >> 3)
		switch header >> 1 & 3 {
		case 1: // one byte, repeated
			size = 1
		case 3:
			return fmt.Errorf("block of the reserved type at %d", w.frame.Offset+w.frame.Size)
		}
		if err := w.advance(3 + size); err != nil {
			return err
		}
		w.frame.Blocks++
	}
	if w.frame.Checksum {
		return w.advance(4)
	}
	return nil
}

func (w *frameWalk) advance(n int64) error {
	w.frame.Size += n
	if end := w.frame.Offset + w.frame.Size; end > w.size {
		return fmt.Errorf("ends at %d or later, but the file at %d: %w", end, w.size, io.ErrUnexpectedEOF)
	}
	return nil
}

// peek reads what comes next, less than asked for only at the end of the file.
func (w *frameWalk) peek(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	at := w.frame.Offset + w.frame.Size
	p = p[:min(int64(len(p)), w.size-at)]
	n, err := w.r.ReadAt(p, at)
	if n == len(p) {
		return n, nil
	}
	return n, noEOF(err)
}
