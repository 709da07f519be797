package fetch

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// allocate gives the file its size, and the blocks for it where the filesystem
// can do that beforehand: then it is not found full half-way, and the file lies
// in one place.
func allocate(f *os.File, size int64) error {
	if err := f.Truncate(size); err != nil {
		return err
	}
	err := unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}

// syncData is fsync without the times.
func syncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
