package snapshot

import "time"

// lookOutInterval is how often /proc/locks is read while a File is locked.
const lookOutInterval = time.Second

// looksWithout is how many looks in a row must not show a waiter until it is
// believed to have given up. The kernel prints a long /proc/locks in pieces, and
// what comes and goes between them can hide a line.
const looksWithout = 2

// waiters are the inodes that somebody waits for, and how many looks in a row
// have not shown it.
type waiters map[waitingInode]int

// update takes in what the latest look has shown.
func (w waiters) update(seen map[waitingInode]bool) {
	for inode := range w {
		if w[inode]++; w[inode] == looksWithout {
			delete(w, inode)
		}
	}
	for inode := range seen {
		w[inode] = 0
	}
}

// heed notes for which locked archives a writer waits, and cuts off the transfers
// of those for which it has waited for grace.
func (hs *handles) heed(wanted func(inode) bool, now time.Time, grace time.Duration) {
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
}

// anyLocked reports whether any File is locked.
func (hs *handles) anyLocked() bool {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return len(hs.busy) > 0
}
