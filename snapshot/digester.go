package snapshot

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// DigesterConfig says what a Digester reads, how fast, and where it remembers.
type DigesterConfig struct {
	// Store lists the archives. Required.
	Store *Store
	// Dir keeps what was computed, for the next start. It is made with mode 0700
	// when it is missing. Empty: nothing is kept.
	Dir string
	// Rate is how many bytes are read per second. Default 100 MiB/s.
	Rate int64
	// Logger hears of troubles with the disk. Nil discards.
	Logger *slog.Logger
}

func (c DigesterConfig) withDefaults() DigesterConfig {
	if c.Rate <= 0 {
		c.Rate = 100 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// digestRetry is how long an archive that could not be read is left alone.
const digestRetry = 30 * time.Second

// Digester computes the digests of the listed archives, one at a time: of the
// served pair first, then of the others from the highest slot down. What has
// more right to be next goes first from one chunk to the next; the other is
// continued later.
type Digester struct {
	config  DigesterConfig
	limiter *rate.Limiter
	memory  *digestDir
	buffer  []byte // owned by Run

	known   atomic.Pointer[map[digestKey]Digest] // replaced whole, by Run only
	pending atomic.Int64

	jobs   map[digestKey]*digestJob // begun; owned by Run
	sought map[digestKey]bool       // in memory's directory; owned by Run
	failed map[digestKey]time.Time  // and when to try again; owned by Run
}

// NewDigester does nothing yet; see Run.
func NewDigester(config DigesterConfig) *Digester {
	config = config.withDefaults()
	const least, most = 4 << 10, 1 << 20
	burst := int(min(max(config.Rate/50, least), most)) // 20 ms worth
	d := &Digester{
		config:  config,
		limiter: rate.NewLimiter(rate.Limit(config.Rate), burst),
		memory:  &digestDir{path: config.Dir, logger: config.Logger},
		buffer:  make([]byte, burst),
		jobs:    make(map[digestKey]*digestJob),
		sought:  make(map[digestKey]bool),
		failed:  make(map[digestKey]time.Time),
	}
	d.known.Store(&map[digestKey]Digest{})
	return d
}

// Lookup returns the digest of a listed archive once it is known. It is one
// atomic load and a look into a map.
func (d *Digester) Lookup(a Archive) (Digest, bool) {
	digest, ok := (*d.known.Load())[digestKeyOf(a)]
	return digest, ok
}

// Pending returns how many listed archives have no digest yet.
func (d *Digester) Pending() int { return int(d.pending.Load()) }

// Run computes until ctx ends; it may be called once. What goes wrong with a
// file or with the directory is logged and does not end it: it returns nil.
func (d *Digester) Run(ctx context.Context) error {
	d.memory.prepare()
	for ctx.Err() == nil {
		changed := d.config.Store.Changed()
		archives := d.inOrder()
		d.forget(archives)
		d.recall(archives)
		job, again := d.next(archives, time.Now())
		if job != nil {
			d.work(ctx, job)
			continue
		}
		wait(ctx, changed, again)
	}
	return nil
}

// wait returns when changed is closed, when it is time again, or when ctx ends.
func wait(ctx context.Context, changed <-chan struct{}, again time.Time) {
	var alarm <-chan time.Time
	if !again.IsZero() {
		alarm = time.After(time.Until(again))
	}
	select {
	case <-ctx.Done():
	case <-changed:
	case <-alarm:
	}
}

// inOrder lists the archives by their right to be next.
func (d *Digester) inOrder() []Archive {
	var order []Archive
	pair, _ := d.config.Store.Served()
	listed := d.config.Store.Archives()
	for _, a := range listed {
		if a.same(pair.Full) {
			order = append(order, a)
		}
	}
	for _, a := range listed {
		if pair.Incremental != nil && a.same(*pair.Incremental) {
			order = append(order, a)
		}
	}
	for _, a := range listed {
		if !isMember(&pair, a) {
			order = append(order, a)
		}
	}
	return order
}

// forget drops everything about archives that are not listed any longer.
func (d *Digester) forget(archives []Archive) {
	listed := make(map[digestKey]bool, len(archives))
	for _, a := range archives {
		listed[digestKeyOf(a)] = true
	}
	d.revise(func(known map[digestKey]Digest) {
		maps.DeleteFunc(known, func(key digestKey, _ Digest) bool { return !listed[key] })
	})
	maps.DeleteFunc(d.jobs, func(key digestKey, _ *digestJob) bool { return !listed[key] })
	maps.DeleteFunc(d.sought, func(key digestKey, _ bool) bool { return !listed[key] })
	maps.DeleteFunc(d.failed, func(key digestKey, _ time.Time) bool { return !listed[key] })
}

// recall looks in the directory for digests that were computed before.
func (d *Digester) recall(archives []Archive) {
	for _, a := range archives {
		key := digestKeyOf(a)
		if d.sought[key] {
			continue
		}
		d.sought[key] = true
		if digest, ok := d.memory.load(key); ok {
			d.revise(func(known map[digestKey]Digest) { known[key] = digest })
		}
	}
	d.pending.Store(int64(len(archives) - len(*d.known.Load())))
}

// revise replaces known by what change makes of a copy.
func (d *Digester) revise(change func(map[digestKey]Digest)) {
	known := maps.Clone(*d.known.Load())
	change(known)
	d.known.Store(&known)
}

// next returns the job to go on with; if none, when to ask again.
func (d *Digester) next(archives []Archive, now time.Time) (_ *digestJob, again time.Time) {
	for _, a := range archives {
		key := digestKeyOf(a)
		if _, known := (*d.known.Load())[key]; known {
			continue
		}
		if until := d.failed[key]; now.Before(until) {
			again = earlier(again, until)
			continue
		}
		if d.jobs[key] == nil {
			d.jobs[key] = &digestJob{archive: a, whole: sha256.New()}
		}
		return d.jobs[key], time.Time{}
	}
	return nil, again
}
