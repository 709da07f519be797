package archive

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// accountVersion is one of the records that an archive, or a pair, holds of an
// account. Only the newest is live.
type accountVersion struct {
	pubkey       [32]byte
	slot         uint64
	writeVersion uint64
	// ordinal counts the records in the order in which they are read: it tells
	// versions apart, and the later of two that are equal otherwise wins.
	ordinal uint64
	// empty: it has no lamports, so nothing is to be taken back if it loses.
	empty bool
}

// versionSize is that of an accountVersion in a spill file.
const versionSize = 32 + 3*8

// emptyBit marks an empty version in the spilled ordinal.
const emptyBit = 1 << 63

func (v accountVersion) append(b []byte) []byte {
	ordinal := v.ordinal
	if v.empty {
		ordinal |= emptyBit
	}
	b = append(b, v.pubkey[:]...)
	return appendUint64s(b, v.slot, v.writeVersion, ordinal)
}

func decodeVersion(b []byte) (v accountVersion) {
	copy(v.pubkey[:], b)
	v.slot = binary.LittleEndian.Uint64(b[32:])
	v.writeVersion = binary.LittleEndian.Uint64(b[40:])
	ordinal := binary.LittleEndian.Uint64(b[48:])
	v.ordinal, v.empty = ordinal&^emptyBit, ordinal&emptyBit != 0
	return v
}

// compareVersions puts the versions of an account side by side, the live one first.
func compareVersions(a, b accountVersion) int {
	// Nearly all keys differ in their first bytes.
	if x, y := binary.BigEndian.Uint64(a.pubkey[:]), binary.BigEndian.Uint64(b.pubkey[:]); x != y {
		return cmp.Compare(x, y)
	}
	return cmp.Or(
		bytes.Compare(a.pubkey[:], b.pubkey[:]),
		cmp.Compare(b.slot, a.slot),
		cmp.Compare(b.writeVersion, a.writeVersion),
		cmp.Compare(b.ordinal, a.ordinal),
	)
}

const (
	// partitionBytes is about how much of a spill is sorted in memory at a time.
	partitionBytes = 48 << 20
	// maxPartitions bounds the open files, and their buffers to 64 MiB.
	maxPartitions = 1024
	spillBuffer   = 64 << 10
)

// versionSpill finds the superseded ones among more versions than fit in memory:
// it writes them to partitions by key, and sorts one partition after the other.
// It is owned by one goroutine.
type versionSpill struct {
	seed       maphash.Seed
	partitions []*spillFile
	scratch    []byte
}

// newVersionSpill makes the files of a spill of about so many versions in dir.
func newVersionSpill(dir string, versions uint64) (*versionSpill, error) {
	count := min(versions*versionSize/partitionBytes+1, maxPartitions)
	s := &versionSpill{seed: maphash.MakeSeed()}
	for i := range count {
		f, err := newSpillFile(filepath.Join(dir, fmt.Sprintf("versions-%04d", i)))
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.partitions = append(s.partitions, f)
	}
	return s, nil
}

// add spills one version. Keys are hashed: many begin alike.
func (s *versionSpill) add(v accountVersion) error {
	i := maphash.Bytes(s.seed, v.pubkey[:]) % uint64(len(s.partitions))
	s.scratch = v.append(s.scratch[:0])
	return s.partitions[i].write(s.scratch)
}

// superseded reports the versions that are not live, in no order, and how many of
// them have a live one in the same slot. Each partition is removed when done.
func (s *versionSpill) superseded(report func(accountVersion) error) (sameSlot uint64, err error) {
	var versions []accountVersion // its memory serves every partition
	for _, f := range s.partitions {
		if versions, err = f.versions(versions[:0]); err != nil {
			return sameSlot, err
		}
		slices.SortFunc(versions, compareVersions)
		for i := 1; i < len(versions); i++ {
			if versions[i].pubkey != versions[i-1].pubkey {
				continue
			}
			if versions[i].slot == versions[i-1].slot {
				sameSlot++
			}
			if err := report(versions[i]); err != nil {
				return sameSlot, err
			}
		}
		if err := f.remove(); err != nil {
			return sameSlot, err
		}
	}
	return sameSlot, nil
}

// close removes what is left.
func (s *versionSpill) close() error {
	var errs []error
	for _, f := range s.partitions {
		errs = append(errs, f.remove())
	}
	s.partitions = nil
	return errors.Join(errs...)
}

// ordinalList is the set of superseded records, to be asked in the order of the
// archive. It is kept in files by ranges of ordinals, of which one is in memory.
type ordinalList struct {
	span   uint64 // ordinals in each range
	ranges []*spillFile

	memory  []uint64 // of the range being asked, sorted
	current []uint64 // what is left of it
	asked   int      // ranges loaded so far
}

// newOrdinalList is for at most so many ordinals, all below records.
func newOrdinalList(dir string, records uint64) (*ordinalList, error) {
	count := min(records*8/partitionBytes+1, maxPartitions)
	l := &ordinalList{span: records/count + 1}
	for i := range count {
		f, err := newSpillFile(filepath.Join(dir, fmt.Sprintf("superseded-%04d", i)))
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.ranges = append(l.ranges, f)
	}
	return l, nil
}

func (l *ordinalList) add(ordinal uint64) error {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], ordinal)
	return l.ranges[ordinal/l.span].write(b[:])
}

// contains must be asked of ascending ordinals, and after the last add.
func (l *ordinalList) contains(ordinal uint64) (bool, error) {
	for l.asked <= int(ordinal/l.span) {
		var err error
		if l.memory, err = l.ranges[l.asked].ordinals(l.memory[:0]); err != nil {
			return false, err
		}
		l.current = l.memory
		l.asked++
	}
	for len(l.current) > 0 && l.current[0] < ordinal {
		l.current = l.current[1:]
	}
	return len(l.current) > 0 && l.current[0] == ordinal, nil
}

func (l *ordinalList) close() error {
	var errs []error
	for _, f := range l.ranges {
		errs = append(errs, f.remove())
	}
	l.ranges = nil
	return errors.Join(errs...)
}

// spillFile is a file that is written, read once, and removed.
type spillFile struct {
	file   *os.File
	buffer *bufio.Writer
	size   int64
}

func newSpillFile(path string) (*spillFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create scratch file: %w", err)
	}
	return &spillFile{file: f, buffer: bufio.NewWriterSize(f, spillBuffer)}, nil
}

func (f *spillFile) write(b []byte) error {
	n, err := f.buffer.Write(b)
	f.size += int64(n)
	if err != nil {
		return fmt.Errorf("write scratch file: %w", err)
	}
	return nil
}

// each reads what was written, size bytes at a time, which visit must not keep.
func (f *spillFile) each(size int, visit func([]byte)) error {
	err := f.buffer.Flush()
	if err == nil {
		_, err = f.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("read scratch file: %w", err)
	}
	r := bufio.NewReaderSize(io.LimitReader(f.file, f.size), spillBuffer)
	piece := make([]byte, size)
	for range f.size / int64(size) {
		if _, err := io.ReadFull(r, piece); err != nil {
			return fmt.Errorf("read scratch file: %w", err)
		}
		visit(piece)
	}
	return nil
}

// versions appends the versions of a partition to list.
func (f *spillFile) versions(list []accountVersion) ([]accountVersion, error) {
	list = slices.Grow(list, int(f.size/versionSize))
	err := f.each(versionSize, func(b []byte) { list = append(list, decodeVersion(b)) })
	return list, err
}

// ordinals appends the ordinals of a range to list, which it sorts.
func (f *spillFile) ordinals(list []uint64) ([]uint64, error) {
	list = slices.Grow(list, int(f.size/8))
	err := f.each(8, func(b []byte) { list = append(list, binary.LittleEndian.Uint64(b)) })
	slices.Sort(list)
	return list, err
}

// remove gives the disk space back. It may be called more than once.
func (f *spillFile) remove() error {
	if f.file == nil {
		return nil
	}
	err := errors.Join(f.file.Close(), os.Remove(f.file.Name()))
	f.file, f.buffer = nil, nil
	return err
}
