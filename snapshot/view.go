package snapshot

import "slices"

// view is what a Store shows at one moment. It is replaced whole, never
// modified.
type view struct {
	scanned   bool
	pair      *Pair            // nil while no full is listed
	archives  []Archive        // in the order of compareListings
	handles   map[Name]*handle // of archives
	conflicts []Conflict
	stats     Stats // but what the open files say

	// changed is closed when archives or pair are no longer current.
	changed chan struct{}
}

// sameFacts reports whether someone who waits for a change would see none.
func (v *view) sameFacts(w *view) bool {
	return v.scanned == w.scanned && samePair(v.pair, w.pair) && slices.EqualFunc(v.archives, w.archives, Archive.same)
}

func samePair(p, q *Pair) bool {
	switch {
	case p == nil || q == nil:
		return p == q
	case !p.Full.same(q.Full):
		return false
	case p.Incremental == nil || q.Incremental == nil:
		return p.Incremental == q.Incremental
	default:
		return p.Incremental.same(*q.Incremental)
	}
}

// Stats are counts for metrics and status pages.
type Stats struct {
	// Full and Incremental are the listed archives.
	Full, Incremental int
	// Pending files have yet to settle, or are waited for by a writer.
	Pending int
	// Refused files are named like archives and are not listed; the log says why.
	Refused int
	// Conflicts are the slots with more than one archive.
	Conflicts int
	// OpenFiles are the Files that were opened and not yet closed.
	OpenFiles int
	// Held are unlinked archives that can still be opened, see Config.Hold.
	Held int
}
