package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func summarize(b []byte) (s FrameSummary, _ error) {
	return s, WalkFrames(context.Background(), bytes.NewReader(b), int64(len(b)), s.Add)
}

// What the zstd tool's --list says of them, and the collection's README.
func TestWalkFramesOfRealArchives(t *testing.T) {
	const name = "snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.zst"
	for file, want := range map[string]FrameSummary{
		"sig-v1/" + name:                {Frames: 1, Blocks: 2, Window: 2 << 20},
		"synthetic/multi-frame/" + name: {Frames: 6, Sized: 6, Content: 186880, Blocks: 6, Window: 32 << 10},
		"synthetic/firedancer-layout/" + name: {Frames: 9, Sized: 9, Content: 187904, Blocks: 11, Window: 158720,
			TarHeaders: 3, Skippable: 4, SkippableSize: 10785},
		"sig-v2/snapshot-100-7G3gw9TmwzT24jhJQyrPnH2QaKUZ7MHWGG9KW8XaPbDb.tar.zst": {Frames: 1, Sized: 1, Content: 147456, Blocks: 2, Window: 147456, Checksums: 1},
	} {
		if got, err := summarize(fixture(t, file)); err != nil || got != want {
			t.Errorf("%s: %v,\n%+v, want\n%+v", file, err, got, want)
		}
	}
}

func TestWalkFramesOfOtherFiles(t *testing.T) {
	lz := fixture(t, "synthetic/lz4/snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.lz4")
	frame := compress(t, buildTar(agaveEntries()...))
	for name, b := range map[string][]byte{"lz4": lz, "tar": buildTar(agaveEntries()...), "junk last": append(slices.Clone(frame), "junk"...)} {
		if _, err := summarize(b); !errors.Is(err, errNoFrame) {
			t.Errorf("%s: %v, want errNoFrame", name, err)
		}
	}
}

func TestWalkFrames(t *testing.T) {
	marker := binary.LittleEndian.AppendUint64([]byte("\x50\x2a\x4d\x18\x08\x00\x00\x00"), firedancerMarker)
	other := binary.LittleEndian.AppendUint64([]byte("\x51\x2a\x4d\x18\x08\x00\x00\x00"), firedancerMarker)
	raw := append([]byte("\x28\xb5\x2f\xfd\x60\x00\x01\x01\x10\x00"), versionEntry.bytes()[:tarBlock]...)
	zeros := compress(t, make([]byte, 300_000), zstd.WithEncoderCRC(true)) // blocks of one repeated byte
	frames := [][]byte{marker, raw, other, zeros, raw}
	want := []Frame{
		{Skippable: true, Marker: true},
		{Content: 512, Window: 512, Blocks: 1, TarHeader: true},
		{Skippable: true},
		{Content: 300_000, Window: 300_000, Checksum: true, Blocks: 3},
		{Content: 512, Window: 512, Blocks: 1, TarHeader: true},
	}
	for i, offset := 0, int64(0); i < len(want); i++ {
		want[i].Offset, want[i].Size = offset, int64(len(frames[i]))
		offset += want[i].Size
	}
	file := slices.Concat(frames...)
	var got []Frame
	err := WalkFrames(t.Context(), bytes.NewReader(file), int64(len(file)), func(f Frame) error {
		got = append(got, f)
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v,\n%+v, want\n%+v", err, got, want)
	}
	for n := range file {
		_, err := summarize(file[:n])
		if border := slices.ContainsFunc(want, func(f Frame) bool { return f.Offset == int64(n) }); border != (err == nil) || !border && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d of %d: %v", n, len(file), err)
		}
	}
}

// A tar block that more content follows is no header by itself.
func TestWalkFramesKnowsALoneTarHeader(t *testing.T) {
	block := append([]byte{0x00, 0x10, 0x00}, make([]byte, tarBlock)...) // raw, not the last
	last := append([]byte{0x01, 0x10, 0x00}, make([]byte, tarBlock)...)
	got, err := summarize(slices.Concat([]byte("\x28\xb5\x2f\xfd\x60\x00\x03"), block, last))
	want := FrameSummary{Frames: 1, Content: 1024, Sized: 1, Blocks: 2, Window: 1024}
	if err != nil || got != want {
		t.Errorf("%v, %+v, want %+v", err, got, want)
	}
}

func TestWalkFramesRefusesAReservedBlock(t *testing.T) {
	_, err := summarize([]byte("\x28\xb5\x2f\xfd\x20\x01\x0f\x00\x00x"))
	if err == nil || !strings.Contains(err.Error(), "reserved type at 6") {
		t.Errorf("error %v, want one of the reserved type at 6", err)
	}
}

func TestWalkFramesStops(t *testing.T) {
	file := bytes.Repeat(compress(t, []byte("frame")), 3)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	for name, visit := range map[string]func(Frame) error{
		"visit fails":  func(Frame) error { return enough },
		"context ends": func(Frame) error { cancel(enough); return nil },
	} {
		visits := 0
		err := WalkFrames(ctx, bytes.NewReader(file), int64(len(file)), func(f Frame) error {
			visits++
			return visit(f)
		})
		if !errors.Is(err, enough) || visits > 1 {
			t.Errorf("%s: %v after %d frames", name, err, visits)
		}
	}
}

// Whatever the decoder reads to its end, the walk does, too, and to the same
// size.
func FuzzWalkFrames(f *testing.F) {
	tape := buildTar(agaveEntries()...)
	f.Add(compress(f, tape))
	f.Add(compress(f, tape, zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true)))
	f.Add(slices.Concat([]byte("\x50\x2a\x4d\x18\x01\x00\x00\x00x"), compress(f, tape[:600]), compress(f, nil)))
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxWindow(1<<20), zstd.WithDecoderMaxMemory(1<<20))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := summarize(b)
		content, decodeErr := decoder.DecodeAll(b, nil)
		if decodeErr == nil && err != nil {
			t.Fatalf("the decoder accepts it, the walk says %v", err)
		}
		if decodeErr == nil && s.Sized == s.Frames && s.Content != int64(len(content)) {
			t.Fatalf("content of %d bytes, the frames say %d", len(content), s.Content)
		}
	})
}
