package snapshot

import (
	"fmt"
	"io/fs"
	"sync/atomic"
)

// Store lists the archives in a directory, says which pair of them is served,
// and opens them. It trusts names and sizes, and the first bytes; what else is
// in an archive is not its business. It never writes to the directories.
//
// Its methods may be called at any time, by anyone. Nothing is listed before Run
// has scanned; after Run has returned they answer from what it last saw.
type Store struct {
	config  Config
	handles *handles
	current atomic.Pointer[view] // stored by Run only
	kick    chan struct{}        // asks Run for a scan; holds one
}

// NewStore checks the configuration. The directories need not exist.
func NewStore(config Config) (*Store, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	s := &Store{
		config: config.withDefaults(),
		kick:   make(chan struct{}, 1),
	}
	s.handles = newHandles(s.config.Hold, s.rescan, s.config.closeFile)
	s.current.Store(&view{changed: make(chan struct{})})
	return s, nil
}

// Scanned reports whether a first complete scan has ended. Until then, that an
// archive is not listed means nothing.
func (s *Store) Scanned() bool { return s.current.Load().scanned }

// Served returns the pair that redirects and advertisements name; false if no
// full archive is listed. It is one atomic load.
func (s *Store) Served() (Pair, bool) {
	v := s.current.Load()
	if v.pair == nil {
		return Pair{}, false
	}
	return *v.pair, true
}

// Archives returns every listed archive, highest slot first, one for each name.
// The caller must not modify it.
func (s *Store) Archives() []Archive { return s.current.Load().archives }

// Lookup returns the listed archive of that name.
func (s *Store) Lookup(name Name) (Archive, bool) {
	h, ok := s.current.Load().handles[name]
	if !ok {
		return Archive{}, false
	}
	return h.archive, true
}

// Conflicts returns the slots for which there is more than one archive, the
// highest first. The caller must not modify it.
func (s *Store) Conflicts() []Conflict { return s.current.Load().conflicts }

// Stats returns the counts of this moment.
func (s *Store) Stats() Stats {
	stats := s.current.Load().stats
	stats.OpenFiles, stats.Held = s.handles.count()
	return stats
}

// Changed returns a channel that is closed when the list of archives, or the
// served pair, next changes, and after the first scan. Take the channel, then
// look, then wait for it: what has changed is visible before it is closed.
func (s *Store) Changed() <-chan struct{} { return s.current.Load().changed }

// Open opens an archive for reading. Its offset may be anywhere: use ReadAt, or
// seek first. Open returns fs.ErrNotExist if no such archive is listed (or held),
// and if the file has gone or changed since it was listed. See File for what may
// happen to it later.
func (s *Store) Open(name Name) (*File, error) {
	h, listed := s.current.Load().handles[name]
	if !listed {
		h = s.handles.heldArchive(name)
	}
	if h == nil {
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	f, err := s.handles.checkOut(h)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", h.archive.Path, err)
	}
	return f, nil
}

// rescan asks Run to look again soon.
func (s *Store) rescan() {
	select {
	case s.kick <- struct{}{}:
	default: // it has been asked
	}
}
