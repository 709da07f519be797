package snapshot

import (
	"fmt"
	"time"
)

// publish replaces the view by what the catalogue holds now.
func (r *run) publish(now time.Time) {
	old := r.current.Load()
	listed := func(a Archive) bool {
		h, ok := old.handles[a.Name]
		return ok && h.archive.same(a)
	}
	all := r.catalogue.listings()
	list := onePerName(all, listed)
	chosen := choosePair(old.pair, list, now, r.config.PairGrace)
	r.scanBy(chosen.until)

	next := r.view(list, chosen, old)
	next.conflicts = findConflicts(all, next.pair, func(a Archive) bool { return next.handles[a.Name].archive.same(a) })
	next.stats = r.stats(next)
	r.replace(old, next, now)
}

// view builds a view of list. Archives that old has keep their handles, unless
// their directory was made anew.
func (r *run) view(list []listing, chosen choice, old *view) *view {
	v := &view{scanned: true, handles: make(map[Name]*handle, len(list))}
	for _, l := range list {
		h := old.handles[l.Name]
		if h == nil || h.root != l.place.dir.root || !h.archive.same(l.Archive) {
			h = newHandle(l)
		}
		v.archives = append(v.archives, l.Archive)
		v.handles[l.Name] = h
	}
	if chosen.ok {
		v.pair = &chosen.pair
	}
	return v
}

func (r *run) stats(v *view) Stats {
	s := Stats{
		Pending:   r.catalogue.count(verdictPending),
		Refused:   r.catalogue.count(verdictRefused),
		Conflicts: len(v.conflicts),
	}
	for _, a := range v.archives {
		if a.Name.Kind == Full {
			s.Full++
		} else {
			s.Incremental++
		}
	}
	return s
}

// replace makes next the view, tells those who wait, and lets go of what only
// old had.
func (r *run) replace(old, next *view, now time.Time) {
	r.pin(next, now)
	same := old.sameFacts(next)
	if same {
		next.changed = old.changed
	} else {
		next.changed = make(chan struct{})
	}
	r.current.Store(next)
	for name, h := range old.handles {
		if next.handles[name] != h {
			r.handles.delist(h, now)
		}
	}
	r.scanBy(r.handles.expire(now))
	r.logChange(old, next)
	if !same {
		close(old.changed)
	}
}

// pin keeps hold of the members of the pair that is about to be served.
func (r *run) pin(v *view, now time.Time) {
	if v.pair == nil {
		return
	}
	r.handles.markServed(v.handles[v.pair.Full.Name], now)
	if v.pair.Incremental != nil {
		r.handles.markServed(v.handles[v.pair.Incremental.Name], now)
	}
}

func (r *run) logChange(old, next *view) {
	switch {
	case samePair(old.pair, next.pair):
	case next.pair == nil:
		r.config.Logger.Warn("no pair is served: no full archive is listed")
	default:
		attrs := []any{"slot", next.pair.Slot(), "full", next.pair.Full.Name.String()}
		if next.pair.Incremental != nil {
			attrs = append(attrs, "incremental", next.pair.Incremental.Name.String())
		}
		r.config.Logger.Info("served pair changed", attrs...)
	}
	r.logConflicts(next.conflicts)
}

// logConflicts logs each conflict once, and again when others take part.
func (r *run) logConflicts(conflicts []Conflict) {
	told := make(map[slotKey]string, len(conflicts))
	for _, c := range conflicts {
		var others []string
		for _, a := range c.Others {
			others = append(others, a.Path)
		}
		key, text := keyOf(c.Preferred.Name), fmt.Sprint(c.Preferred.Path, others)
		if r.told[key] != text {
			r.config.Logger.Warn("more than one archive for a slot; keep one",
				"slot", key.slot, "path", c.Preferred.Path, "others", others)
		}
		told[key] = text
	}
	r.told = told
}
