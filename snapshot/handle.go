package snapshot

import (
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxIdle bounds the open descriptors kept for the next reader of an archive:
// enough for the probes and small ranges of a busy moment.
const maxIdle = 8

// handle is a listed archive and the descriptors that lead to it. A file that
// changes gets a new handle.
type handle struct {
	archive Archive
	place   place
	root    *os.Root
	done    chan struct{} // closed by handles.cut

	// Guarded by handles.mu.
	idle      []*os.File // unlocked; none once the archive is delisted
	anchor    *os.File   // for held archives; nil unless Hold is on
	users     int        // Files that are locked
	delisted  bool
	served    time.Time // when it last was a member of the served pair
	heldUntil time.Time // zero unless held
	wanted    time.Time // since when a writer waits for the lock; zero if none does
	cutOff    bool      // done is closed
}

// handles keeps the books of open files.
type handles struct {
	hold time.Duration
	// failed is told that an archive is not what its listing says.
	failed func()
	// watched is true while Run looks out for writers that wait for a lock.
	watched atomic.Bool
	locked  chan struct{} // tells Run to begin looking out; holds one
	out     atomic.Int64  // Files that are not closed
	closer  closer        // of every descriptor; not to be called under mu

	mu     sync.Mutex
	busy   map[*handle]struct{} // those with users; guarded by mu
	held   map[Name]*handle     // delisted, with anchor; guarded by mu
	taken  map[inode]struct{}   // that a writer had locked, for Run to judge; guarded by mu
	closed bool                 // nothing is kept any longer; guarded by mu
}

func newHandles(hold time.Duration, failed func(), closeFile func(*os.File) error) *handles {
	return &handles{
		hold:   hold,
		failed: failed,
		locked: make(chan struct{}, 1),
		closer: closer{closeFile: closeFile},
		busy:   make(map[*handle]struct{}),
		held:   make(map[Name]*handle),
		taken:  make(map[inode]struct{}),
	}
}

func newHandle(l listing) *handle {
	return &handle{archive: l.Archive, place: l.place, root: l.place.dir.root, done: make(chan struct{})}
}

// checkOut returns a File of its own for h. Every error is fs.ErrNotExist but
// those that say nothing about the archive, such as a lack of descriptors.
func (hs *handles) checkOut(h *handle) (*File, error) {
	file, err := hs.descriptor(h)
	if err == nil {
		err = hs.recheck(file, h.archive)
	}
	if err != nil {
		hs.failed()
		return nil, err
	}
	hs.out.Add(1)
	return &File{File: file, handle: h, handles: hs}, nil
}

// recheck closes a descriptor that is not one of the archive as it was listed.
func (hs *handles) recheck(file *os.File, a Archive) error {
	err := checkState(file, a)
	if err != nil {
		hs.closer.close(file)
	}
	return err
}

// lock locks f and makes Run look out for writers. A writer that recycles the
// inode takes an exclusive lock before it touches the bytes, so the order is:
// open, lock, then compare.
func (hs *handles) lock(f *File) (err error) {
	if f.locked, err = lockShared(f.File); err != nil {
		hs.mu.Lock()
		hs.taken[f.handle.archive.inode] = struct{}{}
		hs.mu.Unlock()
		return err
	}
	if err := checkState(f.File, f.handle.archive); err != nil {
		return err
	}
	f.busy = true
	hs.mu.Lock()
	f.handle.users++
	hs.busy[f.handle] = struct{}{}
	hs.mu.Unlock()
	hs.lookOut()
	return nil
}

// takenByWriters are the inodes that could not be locked since it was last asked.
func (hs *handles) takenByWriters() map[inode]struct{} {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	taken := hs.taken
	if len(taken) > 0 {
		hs.taken = make(map[inode]struct{})
	}
	return taken
}

// descriptor takes an idle descriptor or opens one.
func (hs *handles) descriptor(h *handle) (*os.File, error) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if last := len(h.idle) - 1; last >= 0 {
		file := h.idle[last]
		h.idle = h.idle[:last]
		return file, nil
	}
	if h.anchor != nil && h.delisted {
		return reopen(h.anchor)
	}
	if h.delisted {
		return nil, fs.ErrNotExist
	}
	hs.mu.Unlock() // opening may take long where the disk is far away
	defer hs.mu.Lock()
	return h.open()
}

// open opens the archive by its name. If that fails because something else has
// the name, there is no such archive.
func (h *handle) open() (*os.File, error) {
	file, err := h.place.open(h.root)
	if err == nil {
		return file, nil
	}
	info, lookErr := h.root.Lstat(h.place.file)
	if lookErr != nil || stateOf(info) != h.archive.state() {
		err = fs.ErrNotExist
	}
	return nil, err
}

// reopen opens what file has open, with an offset of its own, even when its name
// is gone: /proc/self/fd leads to the inode, see proc(5). Only Linux has that
// path; opening /dev/fd/N elsewhere duplicates the descriptor, offset and all.
func reopen(file *os.File) (*os.File, error) {
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
}

// checkState compares what is open with what was listed.
func checkState(file *os.File, a Archive) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if stateOf(info) != a.state() {
		return fmt.Errorf("%w as it was listed", fs.ErrNotExist)
	}
	return nil
}

// lookOut makes Run look out for writers, if it does not yet.
func (hs *handles) lookOut() {
	if hs.watched.Load() {
		return
	}
	select {
	case hs.locked <- struct{}{}:
	default:
	}
}

// checkIn ends a File. Its descriptor is kept if it is clean, that is without a
// lock, and there is room for it; else it is closed.
func (hs *handles) checkIn(f *File, clean bool) {
	hs.out.Add(-1)
	if !hs.keep(f, clean) {
		hs.closer.close(f.File)
	}
}

func (hs *handles) keep(f *File, clean bool) (kept bool) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := f.handle
	if f.busy {
		h.users--
	}
	if h.users == 0 {
		delete(hs.busy, h)
	}
	if !clean || h.delisted || hs.closed || len(h.idle) == maxIdle {
		return false
	}
	h.idle = append(h.idle, f.File)
	return true
}

// takeIdle and takeAnchor take from h what is then to be closed.
func (h *handle) takeIdle() []*os.File {
	files := h.idle
	h.idle = nil
	return files
}

func (h *handle) takeAnchor() []*os.File {
	if h.anchor == nil {
		return nil
	}
	file := h.anchor
	h.anchor = nil
	return []*os.File{file}
}

// close closes every descriptor that is kept. Files go on, and more may be
// opened; their descriptors are not kept.
func (hs *handles) close(listed map[Name]*handle) {
	hs.closer.close(hs.takeAll(listed)...)
}

func (hs *handles) takeAll(listed map[Name]*handle) (files []*os.File) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.closed = true
	for _, h := range listed {
		files = append(files, h.takeIdle()...)
		files = append(files, h.takeAnchor()...)
	}
	for name, h := range hs.held {
		files = append(files, h.takeAnchor()...)
		delete(hs.held, name)
	}
	return files
}

func (hs *handles) count() (out, held int) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return int(hs.out.Load()), len(hs.held)
}
