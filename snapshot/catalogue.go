package snapshot

import (
	"cmp"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"time"
)

// lockRetry is when a file whose lock a writer holds is looked at again.
const lockRetry = time.Second

// settledAge is the age at which a file that is seen for the first time counts
// as complete: nobody has written to it lately.
const settledAge = time.Minute

var (
	// errUnsettled means that a file changed between two looks at it.
	errUnsettled = errors.New("it is changing")
	// errLocked means that a file's bytes are about to change.
	errLocked = errors.New("a writer holds its lock")
)

// listing is an archive that is listed, with what the choice of a pair needs.
type listing struct {
	Archive
	place place
	// since is when it was first listed; see catalogue.observe.
	since time.Time
}

// catalogue judges what scans see: which file is complete, which is refused and
// why. It touches no disk and reads no clock. It is owned by Run.
type catalogue struct {
	settleTime time.Duration
	// probe looks into a file that has settled. nil lists it; a *frameError
	// refuses it for as long as its state stays; errUnsettled starts again, and
	// so does fs.ErrNotExist; errLocked waits for the writer; any other error
	// refuses it until it is tried again.
	probe  func(sighting) error
	logger *slog.Logger

	candidates map[place]*candidate
}

// candidate is a file that has been seen, and what is thought of it.
type candidate struct {
	sighting
	unchanged time.Time // when this state was first seen
	settled   bool
	verdict   verdict
	reason    string // of verdictRefused
	final     bool   // the refusal stands for as long as the state does
	since     time.Time
	retry     time.Time // when to look again because of errLocked; zero if not
	recycled  bool      // a writer waits for its inode
}

type verdict uint8

const (
	verdictPending verdict = iota
	verdictListed
	verdictRefused
)

func newCatalogue(settleTime time.Duration, logger *slog.Logger, probe func(sighting) error) *catalogue {
	return &catalogue{settleTime: settleTime, probe: probe, logger: logger, candidates: make(map[place]*candidate)}
}

// observe takes in what a scan saw at now. It returns when to scan again at the
// latest, because a file may have settled, or its writer have let it go; zero if
// none has to.
//
// An archive counts as listed since now; but if idle, since it was last
// modified: when nothing is served yet, what is found was there before us.
func (c *catalogue) observe(seen []sighting, now time.Time, idle bool) (again time.Time) {
	present := make(map[place]bool, len(seen))
	for _, s := range seen {
		present[s.place] = true
		k := c.candidate(s, now)
		c.judge(k, now, idle)
		switch {
		case k.verdict != verdictPending:
		case !k.settled:
			again = earlier(again, k.unchanged.Add(c.settleTime))
		default:
			again = earlier(again, k.retry)
		}
	}
	for p, k := range c.candidates {
		if !present[p] {
			delete(c.candidates, p)
			c.logDelisted(k, "it is gone")
		}
	}
	return again
}

func (c *catalogue) candidate(s sighting, now time.Time) *candidate {
	k := c.candidates[s.place]
	switch {
	case k == nil:
		k = &candidate{sighting: s, unchanged: now}
		k.settled = now.Sub(s.modTime) > settledAge
		c.candidates[s.place] = k
	case k.state != s.state:
		c.logDelisted(k, "it has changed")
		*k = candidate{sighting: s, unchanged: now}
	}
	return k
}

func (c *catalogue) judge(k *candidate, now time.Time, idle bool) {
	switch {
	case k.flaw != "":
		c.refuse(k, k.flaw)
	case k.recycled:
		k.verdict = verdictPending
	case k.verdict == verdictListed, k.final:
	case !k.settled && now.Sub(k.unchanged) < c.settleTime:
	case k.state.size == 0:
		c.refuse(k, "it is empty")
	default:
		k.settled = true
		c.examine(k, now, idle)
	}
}

// examine looks into a file that has settled.
func (c *catalogue) examine(k *candidate, now time.Time, idle bool) {
	err := c.probe(k.sighting)
	k.retry = time.Time{}
	switch {
	case err == nil:
		k.verdict, k.reason, k.since = verdictListed, "", now
		if age := now.Sub(k.modTime); idle && age > 0 {
			k.since = now.Add(-age)
		}
		c.logger.Info("archive listed", "slot", k.name.Slot, "hash", k.name.Hash, "path", k.path, "size", k.state.size)
	case errors.Is(err, errUnsettled), errors.Is(err, fs.ErrNotExist):
		k.verdict, k.settled, k.unchanged = verdictPending, false, now
	case errors.Is(err, errLocked):
		k.verdict, k.retry = verdictPending, now.Add(lockRetry)
	default:
		k.final = errors.As(err, new(*frameError))
		c.refuse(k, err.Error())
	}
}

// refuse logs a reason once for each state of the file.
func (c *catalogue) refuse(k *candidate, reason string) {
	if k.verdict != verdictRefused || k.reason != reason {
		c.logger.Warn("file is not listed", "path", k.path, "reason", reason)
	}
	k.verdict, k.reason = verdictRefused, reason
}

func (c *catalogue) logDelisted(k *candidate, reason string) {
	if k.verdict == verdictListed {
		c.logger.Info("archive delisted", "slot", k.name.Slot, "hash", k.name.Hash, "path", k.path, "reason", reason)
	}
}

// recycle delists the files that wanted reports a writer to be waiting for, and
// lets the others be judged again. It reports whether anything changed.
func (c *catalogue) recycle(wanted func(inode) bool) (changed bool) {
	for _, k := range c.candidates {
		recycled := wanted(k.state.inode) && (k.recycled || k.verdict == verdictListed)
		if recycled == k.recycled {
			continue
		}
		if recycled {
			c.logDelisted(k, "a writer waits for its lock")
		}
		k.recycled, k.verdict, changed = recycled, verdictPending, true
	}
	return changed
}

// doubt lets the listed files be judged again that somebody could not lock.
func (c *catalogue) doubt(locked map[inode]struct{}) {
	if len(locked) == 0 {
		return
	}
	for _, k := range c.candidates {
		if _, ok := locked[k.state.inode]; ok && k.verdict == verdictListed {
			c.logDelisted(k, "a writer holds its lock")
			k.verdict = verdictPending
		}
	}
}

// recycling reports whether recycle has anything left to lift.
func (c *catalogue) recycling() bool {
	for _, k := range c.candidates {
		if k.recycled {
			return true
		}
	}
	return false
}

// verdictAt is what is thought of the file at p; false if it was never seen.
func (c *catalogue) verdictAt(p place) (verdict, bool) {
	k, ok := c.candidates[p]
	if !ok {
		return 0, false
	}
	return k.verdict, true
}

// count returns how many files have the verdict.
func (c *catalogue) count(v verdict) (n int) {
	for _, k := range c.candidates {
		if k.verdict == v {
			n++
		}
	}
	return n
}

// listings returns every file that may be listed, two of the same name
// included, in the order of compareListings.
func (c *catalogue) listings() []listing {
	var list []listing
	for p, k := range c.candidates {
		if k.verdict != verdictListed {
			continue
		}
		a := Archive{Name: k.name, Path: k.path, Size: k.state.size, ModTime: k.modTime, inode: k.state.inode}
		list = append(list, listing{Archive: a, place: p, since: k.since})
	}
	slices.SortFunc(list, compareListings)
	return list
}

// compareListings puts the highest slot first, at equal slots fulls before
// incrementals and the higher base first; then those of one slot and base in
// the order in which they are preferred: zstd, which every client reads, before
// lz4; the directory itself before its remote/; the lower hash. Two files left
// equal by this would have the same path.
func compareListings(a, b listing) int {
	return cmp.Or(
		cmp.Compare(b.Name.Slot, a.Name.Slot),
		cmp.Compare(a.Name.Kind, b.Name.Kind),
		cmp.Compare(b.Name.Base, a.Name.Base),
		cmp.Compare(a.Name.Format, b.Name.Format),
		compareBool(a.place.dir.remote, b.place.dir.remote),
		slices.Compare(a.Name.Hash[:], b.Name.Hash[:]),
		cmp.Compare(a.Path, b.Path),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// earlier returns the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
