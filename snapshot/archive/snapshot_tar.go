package archive

import (
	"archive/tar"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"solsnap/snapshot"
)

// snapshotVersion is the content of the member "version". It has not changed
// since 2020, and clients refuse any other: this must not change.
const snapshotVersion = "1.2.0"

// maxWindow is the most that a decoder must keep of our archives. Firedancer's
// refuses windows above 32 MiB.
const maxWindow = 8 << 20

// emptyStatusCache says that no slot has transaction results: a u64 count of 0.
var emptyStatusCache = string(make([]byte, 8))

// writeSnapshot writes a snapshot archive in the order of Agave's
// snapshots/src/archive.rs, but for the bank manifest, which is missing.
func writeSnapshot(w io.Writer, slot snapshot.Slot, accounts []storage) error {
	frame, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxWindow))
	if err != nil {
		return err
	}
	stream := tar.NewWriter(frame)
	if err := writeMembers(stream, slot, accounts); err != nil {
		return err
	}
	if err := stream.Close(); err != nil {
		return err
	}
	return frame.Close()
}

func writeMembers(stream *tar.Writer, slot snapshot.Slot, accounts []storage) error {
	if err := writeText(stream, "version", snapshotVersion); err != nil {
		return err
	}
	for _, dir := range []string{"snapshots/", fmt.Sprintf("snapshots/%d/", slot)} {
		if err := stream.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, Format: tar.FormatGNU}); err != nil {
			return err
		}
	}
	if err := writeText(stream, "snapshots/status_cache", emptyStatusCache); err != nil {
		return err
	}
	for _, s := range accounts {
		if err := stream.WriteHeader(regularHeader(s.name(), s.size())); err != nil {
			return err
		}
		if _, err := s.WriteTo(stream); err != nil {
			return err
		}
	}
	return nil
}

func writeText(stream *tar.Writer, name, content string) error {
	if err := stream.WriteHeader(regularHeader(name, int64(len(content)))); err != nil {
		return err
	}
	_, err := io.WriteString(stream, content)
	return err
}

// regularHeader leaves times and owners zero, so that equal content makes equal
// archives.
func regularHeader(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, Format: tar.FormatGNU}
}
