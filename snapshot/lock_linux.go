package snapshot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// lockShared takes a shared lock on the whole file, without waiting. It is an
// open file description lock (fcntl(2)): unlike a traditional record lock it
// belongs to this descriptor and not to the process, and the two kinds conflict.
//
// A writer that holds the lock is about to replace the bytes: fs.ErrNotExist.
// A filesystem without locks has no such writers: locked is false.
func lockShared(file *os.File) (locked bool, _ error) {
	err := setLock(file, unix.F_RDLCK)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		return false, fmt.Errorf("%w: a writer holds its lock", fs.ErrNotExist)
	default:
		return false, nil
	}
}

func unlock(file *os.File) error { return setLock(file, unix.F_UNLCK) }

func setLock(file *os.File, kind int16) error {
	lock := unix.Flock_t{Type: kind, Whence: io.SeekStart}
	return unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &lock)
}

// readAhead tells the kernel that file will be read from front to back.
func readAhead(file *os.File) {
	_ = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_SEQUENTIAL) // a hint
}

// awaited reports whether somebody waits for the inode. /proc/locks names the device of
// the superblock; where stat(2) answers with a device of its own (btrfs, overlay:
// major number 0), the inode number and that the wait is for a reader must do.
func awaited(i inode, waiting waiters) bool {
	major, minor := unix.Major(i.device), unix.Minor(i.device)
	for w := range waiting {
		sameDevice := w.major == major && w.minor == minor || major == 0 && w.forReader
		if w.number == i.number && sameDevice {
			return true
		}
	}
	return false
}
