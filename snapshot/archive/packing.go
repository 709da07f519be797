package archive

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// maxWindow is the most that a decoder must keep of our archives. Firedancer's
// refuses windows above 32 MiB.
const maxWindow = 8 << 20

// Packing says how a bank is packed into an archive. The zero value packs as
// Agave does, but for the order of the storages, which is that of their slots.
type Packing struct {
	// Format is the compression.
	Format snapshot.Format
	// FrameBytes begins a new zstd frame after so many uncompressed bytes, as
	// Agave 4.3 does after 32 MiB. Default: all in one frame.
	FrameBytes int64
	// Firedancer arranges the members as Firedancer's writer does
	// (src/discof/backup): every storage has the bank's slot, and none a row in
	// the manifest; the status cache comes last. Its frames are not imitated. No
	// account may have two records then. Agave loads no such archive.
	Firedancer bool
	// Falsify, if not nil, changes what is written after all of it has been
	// derived. It is for tests that need an archive that lies.
	Falsify func(*manifest.Manifest, *snapshot.Name)
}

// packedStorage is one storage as a member of an archive.
type packedStorage struct {
	row      manifest.Storage
	accounts iter.Seq[*Account]
}

// storages are the members of the archive of that name. Each has the ID that no
// storage of another slot has: inside of Agave it has 32 bits.
func (p Packing) storages(b *Bank, name snapshot.Name, found *survey) (packed []packedStorage, _ error) {
	for i := range b.Accounts {
		of := &b.Accounts[i]
		if name.Kind == snapshot.Incremental && of.Slot <= name.Base {
			continue
		}
		row := manifest.Storage{Slot: of.Slot, ID: uint64(of.Slot) & math.MaxUint32, Len: uint64(found.sizes[i])}
		if p.Firedancer {
			row.Slot, row.ID = b.Slot, uint64(len(packed))
		}
		packed = append(packed, packedStorage{row, of.Accounts})
	}
	if len(packed) == 0 {
		return nil, errors.New("no slot wrote an account, want one at least")
	}
	twice := found.hidden != nil && (name.Kind == snapshot.Full || *found.hidden > name.Base)
	if p.Firedancer && twice {
		return nil, fmt.Errorf("slot %d wrote an account that a later slot wrote again, which cannot be packed as Firedancer does", *found.hidden)
	}
	return packed, nil
}

// compress puts frames of the format around what is written, until Close.
func (p Packing) compress(w io.Writer) (io.WriteCloser, error) {
	if p.Format == snapshot.FormatLZ4 {
		frame := lz4.NewWriter(w)
		return frame, frame.Apply(lz4.ConcurrencyOption(1))
	}
	frame, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxWindow))
	if err != nil || p.FrameBytes <= 0 {
		return frame, err
	}
	return &zstdFrames{w: w, frame: frame, size: p.FrameBytes, left: p.FrameBytes}, nil
}

// zstdFrames cuts what is written into frames.
type zstdFrames struct {
	w     io.Writer
	frame *zstd.Encoder
	// size is how many uncompressed bytes a frame holds, left how many still go
	// into this one.
	size, left int64
}

// Write begins a frame only when there is something to put into it.
func (f *zstdFrames) Write(b []byte) (written int, _ error) {
	for len(b) > 0 {
		if f.left == 0 {
			if err := f.frame.Close(); err != nil {
				return written, err
			}
			f.frame.Reset(f.w)
			f.left = f.size
		}
		n, err := f.frame.Write(b[:min(int64(len(b)), f.left)])
		written += n
		f.left -= int64(n)
		if err != nil {
			return written, err
		}
		b = b[n:]
	}
	return written, nil
}

// Close ends the last frame.
func (f *zstdFrames) Close() error { return f.frame.Close() }

// packer writes one archive.
type packer struct {
	Packing
	name     snapshot.Name
	manifest *manifest.Manifest
	roots    []snapshot.Slot
	storages []packedStorage
}

// rows are the storages as the manifest lists them.
func (a *packer) rows() []manifest.Storage {
	if a.Firedancer {
		return nil
	}
	rows := make([]manifest.Storage, len(a.storages))
	for i := range rows {
		rows[i] = a.storages[i].row
	}
	return rows
}

func (a *packer) pack(w io.Writer) error {
	frames, err := a.compress(w)
	if err != nil {
		return err
	}
	members := &memberWriter{w: frames}
	if err := a.writeMembers(members); err != nil {
		return err
	}
	if err := members.Close(); err != nil {
		return err
	}
	return frames.Close()
}

func (a *packer) writeMembers(m *memberWriter) error {
	if err := a.writeHead(m); err != nil {
		return err
	}
	if !a.Firedancer {
		if err := a.writeStatusCache(m); err != nil {
			return err
		}
	}
	for i := range a.storages {
		if err := a.writeStorage(m, &a.storages[i]); err != nil {
			return err
		}
	}
	if a.Firedancer {
		return a.writeStatusCache(m)
	}
	return nil
}

// writeHead writes what comes before the status cache and the storages in every
// archive.
func (a *packer) writeHead(m *memberWriter) error {
	if err := m.file("version", []byte(snapshotVersion)); err != nil {
		return err
	}
	dir := fmt.Sprintf("snapshots/%d", a.name.Slot)
	for _, name := range []string{"snapshots/", dir} {
		if err := m.begin(name, 0, directoryKind); err != nil {
			return err
		}
	}
	size, err := a.manifest.Size()
	if err != nil {
		return err
	}
	if err := m.begin(fmt.Sprintf("%s/%d", dir, a.name.Slot), size, fileKind); err != nil {
		return err
	}
	return a.manifest.Encode(m)
}

// writeStatusCache writes a root without transaction results for each slot
// (Agave runtime/src/serde_snapshot/status_cache.rs).
func (a *packer) writeStatusCache(m *memberWriter) error {
	b := appendUint64s(nil, uint64(len(a.roots)))
	for _, slot := range a.roots {
		b = appendUint64s(b, uint64(slot))
		b = appendUint64s(append(b, 1), 0) // a root, no blockhashes
	}
	return m.file("snapshots/status_cache", b)
}

func (a *packer) writeStorage(m *memberWriter, s *packedStorage) error {
	kind := storageKind
	if a.Firedancer {
		kind = fileKind
	}
	if err := m.begin(fmt.Sprintf("accounts/%d.%d", s.row.Slot, s.row.ID), int64(s.row.Len), kind); err != nil {
		return err
	}
	var record []byte
	for account := range s.accounts {
		record = account.appendRecord(record[:0])
		if _, err := m.Write(record); err != nil {
			return err
		}
	}
	return nil
}
