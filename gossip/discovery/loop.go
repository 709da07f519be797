package discovery

import (
	"context"
	"sync"
	"time"

	"solsnap/gossip/wire"
)

// loop is what Run owns.
type loop struct {
	*Worker
	ctx        context.Context // of exchanges
	events     *Subscription
	contacts   map[wire.Pubkey]*contact
	neighbours map[wire.Pubkey]*contact // of contacts: those that answered last time
	syncs      agenda
	pings      agenda
	syncing    int // of our own accord
	pinging    int
	running    sync.WaitGroup
	results    chan func()

	announced  Version   // that neighbours were told of
	lastTold   time.Time // when that was
	nextTouch  time.Time // when to announce what did not change
	nextPurge  time.Time
	lastRejoin time.Time
}

// Run keeps the directory up to date until ctx is done, then takes leave of the
// neighbours, and returns when all it started has ended. It begins once our entry
// has an address. It can be called once.
func (w *Worker) Run(ctx context.Context) error {
	if w.started.Swap(true) {
		return errRunning
	}
	defer close(w.stopped)
	defer w.leaving.Store(true)
	if !w.addressed(ctx) {
		return nil
	}
	exchanges, cancel := context.WithCancel(ctx)
	defer cancel()
	l := &loop{
		Worker: w, ctx: exchanges, events: w.dir.Subscribe(EventID{}),
		contacts: make(map[wire.Pubkey]*contact), neighbours: make(map[wire.Pubkey]*contact),
		results: make(chan func()), nextTouch: time.Now(),
	}
	err := l.run()
	cancel()
	l.end()
	return err
}

// addressed waits until others can be told where we are.
func (w *Worker) addressed(ctx context.Context) bool {
	for {
		changed := w.dir.Changed()
		if len(w.dir.current.Load().local.Entry.Addresses) > 0 {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (l *loop) run() error {
	l.recount()
	for _, to := range l.cfg.Bootstrap {
		l.dial(to)
		if c := l.contacts[to.Peer]; c != nil {
			c.pinned = true
		}
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed := l.dir.Changed() // before looking, so that no change is missed
		more := l.follow()
		if err := l.work(time.Now()); err != nil {
			return err
		}
		timer.Reset(time.Until(l.due()))
		select {
		case <-l.ctx.Done():
			l.farewell()
			return nil
		case <-changed:
		case <-more:
		case call := <-l.calls:
			call(l)
		case ended := <-l.results:
			ended()
		case r := <-l.relays:
			l.spread(r.of, r.item)
		case <-timer.C:
		}
	}
}

// work starts what is due, as far as the limits allow.
func (l *loop) work(now time.Time) error {
	if !now.Before(l.nextTouch) {
		l.nextTouch = now.Add(max(l.jitter(l.cfg.AnnounceInterval, l.cfg.AnnounceJitter), l.cfg.AnnounceGap))
		if err := l.dir.Touch(); err != nil {
			l.cfg.Logger.Error("discovery: our own entry cannot be renewed", "err", err)
			return err
		}
	}
	l.announce(now)
	if l.overflowed.Swap(false) {
		l.rejoin(now)
	}
	for l.syncing < l.cfg.MaxSyncs {
		peer, ok := l.syncs.take(now)
		if !ok {
			break
		}
		l.autoSync(peer)
	}
	for l.pinging < l.cfg.MaxPings {
		peer, ok := l.pings.take(now)
		if !ok {
			break
		}
		l.ping(peer)
	}
	l.nextPurge = l.dir.Purge()
	return nil
}

// due is when there is something to do if nothing happens before.
func (l *loop) due() time.Time {
	due := l.nextTouch
	sooner := func(at time.Time) {
		if at.Before(due) {
			due = at
		}
	}
	// The purge is due by the clock of the directory.
	sooner(time.Now().Add(l.nextPurge.Sub(l.dir.cfg.Now())))
	if l.untold() {
		sooner(l.lastTold.Add(l.cfg.AnnounceGap))
	}
	if at, ok := l.syncs.next(); ok && l.syncing < l.cfg.MaxSyncs {
		sooner(at)
	}
	if at, ok := l.pings.next(); ok && l.pinging < l.cfg.MaxPings {
		sooner(at)
	}
	return due
}

// jitter is d give or take a part of it.
func (l *loop) jitter(d time.Duration, part float64) time.Duration {
	return time.Duration(float64(d) * (1 + part*(2*l.cfg.Random()-1)))
}

// start runs an exchange beside the loop, which learns of the end.
func (l *loop) start(exchange func() error, ended func(error)) {
	l.running.Go(func() {
		err := exchange()
		l.results <- func() { ended(err) }
	})
}

// end waits for what was started. Its context has ended.
func (l *loop) end() {
	go func() {
		l.running.Wait()
		close(l.results)
	}()
	for ended := range l.results {
		ended()
	}
}
