package snapshot

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
)

// ErrChanged means that an open archive no longer has the size or modification
// time with which it was listed: it was truncated or overwritten in place. What
// was read of it may be good, but must not be continued.
var ErrChanged = errors.New("archive has changed while it was open")

// File is an open archive: a descriptor with an offset of its own, left where the
// last reader stopped, for one reader. It embeds the *os.File so that net can send from it without copying;
// nothing of it may be used after Close, because the descriptor goes to the
// next reader.
//
// Agave unlinks old archives, which a reader does not notice; Firedancer instead
// truncates their inodes and fills them anew (src/discof/backup/fd_snap_pool.h).
// Whoever reads a little looks with Check, after it has read, whether that was
// of the archive. Whoever reads for longer calls Lock first.
type File struct {
	*os.File
	handle  *handle
	handles *handles
	// Owned by the one reader.
	locked bool // the descriptor has the lock
	busy   bool // counted in handle.users
	closed atomic.Bool
}

// Archive returns the archive as it was listed.
func (f *File) Archive() Archive { return f.handle.archive }

// Check returns ErrChanged if the file is not what was listed any longer. It
// costs one fstat. That the file was unlinked or renamed does not matter.
func (f *File) Check() error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("check %s: %w", f.handle.archive.Path, err)
	}
	a := f.handle.archive
	if info.Size() != a.Size || !info.ModTime().Equal(a.ModTime) {
		return fmt.Errorf("%w: %s had %d bytes of %s, has %d of %s", ErrChanged,
			a.Path, a.Size, a.ModTime.UTC(), info.Size(), info.ModTime().UTC())
	}
	return nil
}

// Lock keeps the bytes as they are until Close, where the filesystem has locks:
// a writer that recycles inodes waits, and Done says when to hurry. It returns
// fs.ErrNotExist if the bytes are no longer those listed, or a writer has been
// quicker. On Linux it is a shared lock on the whole file.
func (f *File) Lock() error {
	if f.busy {
		return nil
	}
	if err := f.handles.lock(f); err != nil {
		f.handles.failed()
		return fmt.Errorf("lock %s: %w", f.handle.archive.Path, err)
	}
	return nil
}

// Done is closed when a File that is locked must be closed although not all of
// it was read: a writer has waited for its lock for Config.RecycleGrace.
//
// The writer is found in /proc/locks. Where that is not to be had, the writer
// waits until the transfers have ended by themselves.
func (f *File) Done() <-chan struct{} { return f.handle.done }

// Close releases the lock. It may be called more than once, and returns nil: the
// descriptor, from which was only read, may be closed a little later.
func (f *File) Close() error {
	if !f.closed.CompareAndSwap(false, true) {
		return nil
	}
	clean := !f.locked || unlock(f.File) == nil
	f.handles.checkIn(f, clean)
	return nil
}
