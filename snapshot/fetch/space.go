//go:build unix

package fetch

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// freeSpace is how many bytes we may still write to the filesystem of dir.
func freeSpace(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("look at free space: %w", err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // it is a uint32 on Darwin
}

// allocated is how many bytes of the filesystem a file has already.
func allocated(f *os.File) (int64, error) {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return 0, err
	}
	const block = 512
	return s.Blocks * block, nil
}

// errLocked means that another has the lock.
var errLocked = errors.New("file is locked")

// lockFile keeps others from writing the same file, as long as it is open. The
// kernel lets go of it when the program ends, however it does.
func lockFile(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
