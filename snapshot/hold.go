package snapshot

import (
	"os"
	"time"
)

// markServed notes that h is a member of the served pair, and pins its inode if
// it may have to be held. A failure to pin it only means that it is not held.
func (hs *handles) markServed(h *handle, now time.Time) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h.served = now
	if hs.hold > 0 && h.anchor == nil {
		h.anchor, _ = h.place.open(h.root)
	}
}

// delist closes what is kept of h, so that its disk space is free as soon as
// the last File is closed; unless it is to be held.
func (hs *handles) delist(h *handle, now time.Time) {
	hs.closer.close(hs.takeDelisted(h, now)...)
}

func (hs *handles) takeDelisted(h *handle, now time.Time) (files []*os.File) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h.delisted = true
	files = h.takeIdle()
	if h.anchor == nil {
		return files
	}
	if now.Sub(h.served) > hs.hold || h.inPlace() || checkState(h.anchor, h.archive) != nil {
		return append(files, h.takeAnchor()...)
	}
	if old := hs.held[h.archive.Name]; old != nil {
		files = append(files, old.takeAnchor()...)
	}
	h.heldUntil = now.Add(hs.hold)
	hs.held[h.archive.Name] = h
	return files
}

// inPlace reports whether the file is as it was listed and where it was listed:
// it was delisted because a writer waits for it, not because it has gone.
func (h *handle) inPlace() bool {
	info, err := h.root.Lstat(h.place.file)
	return err == nil && stateOf(info) == h.archive.state()
}

// heldArchive returns the archive of that name that is held, nil if none is.
func (hs *handles) heldArchive(name Name) *handle {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return hs.held[name]
}

// expire lets go of what was held long enough, or has changed. It returns when
// to call it again; zero if nothing is held.
func (hs *handles) expire(now time.Time) (again time.Time) {
	files, again := hs.takeExpired(now)
	hs.closer.close(files...)
	return again
}

func (hs *handles) takeExpired(now time.Time) (files []*os.File, again time.Time) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	for name, h := range hs.held {
		if !now.Before(h.heldUntil) || checkState(h.anchor, h.archive) != nil {
			files = append(files, h.takeAnchor()...)
			delete(hs.held, name)
			continue
		}
		again = earlier(again, h.heldUntil)
	}
	return files, again
}
