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

// File is an open archive: a descriptor with an offset of its own, for one
// reader. It embeds the *os.File so that net can send from it without copying;
// nothing of it may be used after Close, because the descriptor goes to the
// next reader.
//
// On Linux it holds a shared lock on the whole file. Agave unlinks old archives,
// which a reader does not notice; Firedancer instead truncates their inodes and
// fills them anew (src/discof/backup/fd_snap_pool.h), once it has an exclusive
// lock. So the bytes stay as they are until Close, and Done says when to hurry.
type File struct {
	*os.File
	handle  *handle
	handles *handles
	locked  bool
	closed  atomic.Bool
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

// Done is closed when the file must be closed although not all of it was read:
// a writer has waited for its lock for Config.RecycleGrace.
//
// The writer is found in /proc/locks. Where that is not to be had, the writer
// waits until the transfers have ended by themselves.
func (f *File) Done() <-chan struct{} { return f.handle.done }

// Close releases the lock. It may be called more than once.
func (f *File) Close() error {
	if !f.closed.CompareAndSwap(false, true) {
		return nil
	}
	unlocked := !f.locked || unlock(f.File) == nil
	return f.handles.checkIn(f.handle, f.File, unlocked)
}
