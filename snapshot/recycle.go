package snapshot

import "time"

// lookOutInterval is how often /proc/locks is read while a File is locked.
const lookOutInterval = time.Second

// heed notes for which locked archives a writer waits, and cuts off the transfers
// of those for which it has waited for grace. It reports whether any File is
// locked.
func (hs *handles) heed(wanted func(inode) bool, now time.Time, grace time.Duration) (busy bool) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	for h := range hs.busy {
		switch {
		case !wanted(h.archive.inode):
			h.wanted = time.Time{}
		case h.wanted.IsZero():
			h.wanted = now
		case now.Sub(h.wanted) >= grace && !h.cutOff:
			h.cutOff = true
			close(h.done)
		}
	}
	return len(hs.busy) > 0
}
