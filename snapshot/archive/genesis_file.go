package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"solsnap/snapshot"
)

// maxGenesisArchive bounds what is read of a compressed genesis archive. Bzip2
// never grows its input by more than about 1 %, so more cannot unpack to less.
const maxGenesisArchive = maxGenesisStream + maxGenesisStream/50

// genesisFile is a genesis archive that was read whole and hashed. It is never
// modified; whoever replaces it closes held.
type genesisFile struct {
	path string
	hash snapshot.Hash
	info fs.FileInfo
	// held keeps the verified bytes readable after something else has taken
	// their path.
	held *os.File
}

// loadGenesisFile opens, reads and verifies an archive.
func loadGenesisFile(path string) (*genesisFile, genesisContents, error) {
	file, info, err := openRegular(path)
	if err != nil {
		return nil, genesisContents{}, err
	}
	contents, err := readGenesisArchive(io.LimitReader(file, maxGenesisArchive))
	if err == nil {
		err = checkUnchanged(file, info)
	}
	if err != nil {
		_ = file.Close() // only read from
		return nil, genesisContents{}, fmt.Errorf("%s: %w", path, err)
	}
	return &genesisFile{path: path, hash: GenesisHash(contents.bin), info: info, held: file}, contents, nil
}

// open gives the verified bytes with a file offset of the caller's own.
func (f *genesisFile) open() (*os.File, error) {
	file, info, err := openRegular(f.path)
	if err == nil && sameFile(info, f.info) {
		return file, nil
	}
	if err == nil {
		_ = file.Close() // only opened
	}
	if file, err = reopen(f.held); err != nil {
		return nil, fmt.Errorf("%s was replaced by something else: %w", f.path, fs.ErrNotExist)
	}
	if err := checkUnchanged(file, f.info); err != nil {
		_ = file.Close() // only opened
		return nil, fmt.Errorf("%s: %w: %w", f.path, err, fs.ErrNotExist)
	}
	return file, nil
}

// reopen opens what f has open, with an offset of its own, even when its name is
// gone: /proc/self/fd leads to the inode, see proc(5). Only Linux has that path.
func reopen(f *os.File) (*os.File, error) {
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
}

// readGenesisBin reads a genesis.bin whole, if it is of a size that a client takes.
func readGenesisBin(path string) ([]byte, error) {
	file, info, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info.Size() == 0 || info.Size() > maxGenesisBytes {
		return nil, fmt.Errorf("%s has %d bytes, want 1 to %d", path, info.Size(), maxGenesisBytes)
	}
	bin := make([]byte, info.Size())
	if _, err := io.ReadFull(file, bin); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if err := checkUnchanged(file, info); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return bin, nil
}

// openRegular opens a file that is neither a symbolic link, which could lead
// out of the directory that the operator named, nor a pipe or device, which
// could block.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, nil, fmt.Errorf("%s is a symbolic link, want the file itself", path)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		_ = file.Close() // only opened
		return nil, nil, err
	}
	return file, info, nil
}

var errChanged = errors.New("changed while it was read")

func checkUnchanged(file *os.File, before fs.FileInfo) error {
	now, err := file.Stat()
	if err != nil {
		return err
	}
	if !sameFile(now, before) {
		return errChanged
	}
	return nil
}

// sameFile compares identity: device and inode, size, modification time. Two
// absent files are the same.
func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// lstat gives nil for a file that is absent.
func lstat(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}
