package snapshot

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// debounce is how long a scan waits for more events after one.
const debounce = 20 * time.Millisecond

// run is the state of Store.Run, and is owned by it.
type run struct {
	*Store
	directories []*directory
	catalogue   *catalogue
	watcher     *watcher
	due         time.Time          // when to scan next
	kicked      time.Time          // when a failed Open last made us scan
	lookOutAt   time.Time          // when to read /proc/locks next; zero while no File is locked
	waiters     waiters            // of which /proc/locks told while it was read
	told        map[slotKey]string // the conflicts that were logged
}

// Run reads the directories, at once and whenever they change, until ctx ends.
// It may be called once. It returns nil, or why it cannot begin.
func (s *Store) Run(ctx context.Context) error {
	r, err := s.begin()
	if err != nil {
		return err
	}
	stop := r.handles.closer.start()
	defer stop()
	defer r.close()
	r.scan()
	r.loop(ctx)
	return nil
}

func (s *Store) begin() (*run, error) {
	directories, err := s.config.directories()
	if err != nil {
		return nil, err
	}
	return &run{
		Store:       s,
		directories: directories,
		catalogue:   newCatalogue(s.config.SettleTime, s.config.Logger, probe),
		watcher:     newWatcher(s.config.Logger, s.config.noWatch),
		waiters:     make(waiters),
		told:        make(map[slotKey]string),
	}, nil
}

func (r *run) loop(ctx context.Context) {
	scan, lookOut := time.NewTimer(0), time.NewTimer(0)
	defer scan.Stop()
	defer lookOut.Stop()
	for {
		scan.Reset(time.Until(r.due))
		if r.lookOutAt.IsZero() {
			lookOut.Stop()
		} else {
			lookOut.Reset(time.Until(r.lookOutAt))
		}
		select {
		case <-ctx.Done():
			return
		case event := <-r.watcher.events():
			r.heedEvent(event)
		case err := <-r.watcher.errors():
			r.config.Logger.Debug("events of the directories were lost", "err", err)
			r.scanSoon()
		case <-r.kick:
			r.heedKick()
		case <-scan.C:
			r.scan()
		case <-r.handles.locked:
			r.beginLookOut()
		case <-lookOut.C:
			r.lookOut()
		}
	}
}

func (r *run) heedEvent(event fsnotify.Event) {
	dir, file := filepath.Dir(event.Name), filepath.Base(event.Name)
	for _, d := range r.directories {
		switch {
		case event.Name == d.path:
			r.scanSoon()
		case dir == d.path && looksLikeArchive(file):
			r.heedFile(place{dir: d, file: file}, event.Op)
		}
	}
}

// heedFile scans at once if a listed archive is concerned, soon if a file may
// have to be listed, and not for the many writes to a file that is still growing.
func (r *run) heedFile(p place, op fsnotify.Op) {
	verdict, known := r.catalogue.verdictAt(p)
	switch {
	case known && verdict == verdictListed && op != fsnotify.Chmod:
		r.scan()
	case known && verdict == verdictPending && op == fsnotify.Write:
	default:
		r.scanSoon()
	}
}

// scanSoon scans when no more events have come for a moment.
func (r *run) scanSoon() { r.scanBy(time.Now().Add(debounce)) }

// heedKick scans soon, but not twice within a second: any client can make an
// Open fail.
func (r *run) heedKick() {
	const interval = time.Second
	at := time.Now().Add(debounce)
	if next := r.kicked.Add(interval); next.After(at) {
		at = next
	}
	r.kicked = at
	r.scanBy(at)
}

func (r *run) scanBy(t time.Time) { r.due = earlier(r.due, t) }

// scan reads the directories and publishes what it finds.
func (r *run) scan() {
	var seen []sighting
	for _, d := range r.directories {
		r.watcher.watch(d.path) // before it is read, so that nothing falls between
		seen = append(seen, d.scan(r.config.Logger)...)
	}
	now := time.Now()
	r.due = now.Add(jitter(r.config.RescanInterval))
	r.catalogue.doubt(r.handles.takenByWriters())
	idle := r.current.Load().pair == nil
	r.scanBy(r.catalogue.observe(seen, now, idle))
	r.publish(now)
}

// jitter spreads d by a tenth, so that what runs in many places does not run
// at the same time.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

// probe looks into a file that has settled: are its first bytes those of its
// format, and does no writer hold its lock?
func probe(s sighting) error {
	if s.place.dir.root == nil {
		return fs.ErrNotExist
	}
	file, err := s.place.open(s.place.dir.root)
	if err != nil {
		return err
	}
	defer file.Close() // and with it the lock
	if _, err := lockShared(file); err != nil {
		return errLocked
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if stateOf(info) != s.state {
		return errUnsettled
	}
	return checkFrame(file, s.name.Format)
}

func (r *run) beginLookOut() {
	if r.lookOutAt.IsZero() {
		r.handles.watched.Store(true)
		r.lookOutAt = time.Now().Add(lookOutInterval)
	}
}

// lookOut heeds the writers that wait for a lock. It ends itself when no File is
// locked. A list that cannot be read says nothing: what was known stays.
func (r *run) lookOut() {
	text, err := r.config.readLocks()
	now := time.Now()
	if err != nil {
		r.config.Logger.Debug("list of locks cannot be read", "err", err)
	} else {
		r.waiters.update(waitingWriters(text))
		r.heedWaiters(now)
	}
	r.lookOutAt = now.Add(lookOutInterval)
	r.handles.watched.Store(false) // a Lock from here on asks again
	if !r.handles.anyLocked() && !r.catalogue.recycling() {
		r.lookOutAt = time.Time{}
		clear(r.waiters)
		return
	}
	r.handles.watched.Store(true)
}

// heedWaiters delists the archives whose inode a writer waits for, and cuts their
// transfers off when it has waited long enough.
func (r *run) heedWaiters(now time.Time) {
	wanted := func(i inode) bool { return awaited(i, r.waiters) }
	r.handles.heed(wanted, now, r.config.RecycleGrace)
	if r.catalogue.recycle(wanted) {
		r.scan()
	}
}

// close leaves the view as it is: a server that drains still opens archives.
func (r *run) close() {
	r.watcher.close()
	r.handles.close(r.current.Load().handles)
}
