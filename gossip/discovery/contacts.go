package discovery

import (
	"context"
	"errors"
	"slices"
	"time"

	"solsnap/gossip/wire"
)

// follow takes the events of the directory, and returns what to wait for.
func (l *loop) follow() <-chan struct{} {
	for {
		e, more := l.events.take()
		if more != nil {
			return more
		}
		switch {
		case e.Kind == Lagged:
			l.recount()
		case e.Kind == SecondInstance:
			l.cfg.Logger.Error("discovery: another process runs with our key; stop it, or give it one of its own", "peer", e.Peer, "addresses", e.Entry.Addresses)
		case e.Source != Fleet:
		case e.Kind == PeerDiscovered:
			l.discovered(e.Peer)
		case e.Kind == PeerDeparted:
			l.departed(e.Peer)
		}
	}
}

// recount compares contacts with the whole catalog: events were missed.
func (l *loop) recount() {
	c := l.dir.Catalog()
	for _, known := range l.contacts {
		if known.listed && c.state.signed.get(known.peer) == nil {
			l.departed(known.peer)
		}
	}
	c.state.signed.root.each(func(p *Peer) bool {
		if known := l.contacts[p.Entry.Peer]; known == nil || !known.listed {
			l.discovered(p.Entry.Peer)
		}
		return true
	})
}

func (l *loop) contact(peer wire.Pubkey) *contact {
	c := l.contacts[peer]
	if c == nil {
		c = &contact{peer: peer}
		l.contacts[peer] = c
	}
	return c
}

func (l *loop) discovered(peer wire.Pubkey) {
	c := l.contact(peer)
	c.listed = true
	l.pings.set(peer, time.Now().Add(l.jitter(l.cfg.ProbeInterval, 0.5)))
	l.observe(c)
}

// observe syncs with a peer, unless that was done or is under way.
func (l *loop) observe(c *contact) {
	if !c.synced && c.sync == nil {
		l.syncs.set(c.peer, time.Now())
	}
}

// departed makes a peer one that was never seen. A bootstrap member is looked for
// again.
func (l *loop) departed(peer wire.Pubkey) {
	c := l.contacts[peer]
	if c == nil {
		return
	}
	c.listed, c.synced = false, false
	l.pings.remove(peer)
	l.lose(c)
	l.syncs.remove(peer)
	if c.pinned {
		l.retry(c)
	}
	l.tidy(c)
}

// tidy forgets a contact that there is no more reason to know.
func (l *loop) tidy(c *contact) {
	busy := c.sync != nil || c.pinging || c.sending
	_, waiting := l.syncs.byID[c.peer]
	_, probed := l.pings.byID[c.peer]
	if !c.pinned && !c.listed && !busy && !waiting && !probed {
		delete(l.contacts, c.peer)
		delete(l.neighbours, c.peer)
		l.joined.Store(int64(len(l.neighbours)))
	}
}

func (l *loop) dial(to Target) {
	if to.Peer == l.dir.self {
		return
	}
	c := l.contact(to.Peer)
	if len(to.Addresses) > 0 {
		c.addresses = slices.Clone(to.Addresses)
	}
	if c.synced {
		l.pings.set(c.peer, time.Now())
		return
	}
	l.observe(c)
}

// target is where to find a contact: as it says, then as we were told.
func (l *loop) target(c *contact) Target {
	to := Target{Peer: c.peer}
	if p := l.dir.current.Load().signed.get(c.peer); p != nil {
		to.Addresses = slices.Clone(p.Entry.Addresses)
	}
	for _, a := range c.addresses {
		if !slices.Contains(to.Addresses, a) {
			to.Addresses = append(to.Addresses, a)
		}
	}
	return to
}

// sync joins the sync with a peer that is under way, or starts one. It is nil when
// there is no address.
func (l *loop) sync(to Target) *flight {
	c := l.contact(to.Peer)
	if len(to.Addresses) > 0 {
		c.addresses = slices.Clone(to.Addresses)
	}
	f := l.fly(c, false)
	if f == nil {
		l.tidy(c)
	}
	return f
}

// fly has one more wait for the sync with a contact.
func (l *loop) fly(c *contact, auto bool) *flight {
	if c.sync == nil || c.sync.waiters == 0 { // nobody waits for one that was cancelled
		to := l.target(c)
		if len(to.Addresses) == 0 {
			return nil
		}
		ctx, cancel := context.WithCancel(l.ctx)
		f := &flight{cancel: cancel, done: make(chan struct{})}
		c.sync = f
		l.syncs.remove(c.peer)
		l.start(func() error { return l.askSync(ctx, to) }, func(err error) { l.landed(c, f, auto, err) })
		if auto {
			l.syncing++
		}
	}
	c.sync.waiters++
	return c.sync
}

func (l *loop) autoSync(peer wire.Pubkey) {
	c := l.contacts[peer]
	if c == nil || c.synced || c.sync != nil {
		return
	}
	if l.fly(c, true) == nil {
		l.tidy(c)
	}
}

// landed ends a sync.
func (l *loop) landed(c *contact, f *flight, auto bool, err error) {
	l.follow() // so that what it found is known before what became of it
	f.cancel()
	f.err = err
	if errors.Is(err, context.Canceled) && l.ctx.Err() != nil {
		f.err = ErrStopped
	}
	close(f.done)
	if auto {
		l.syncing--
	}
	if c.sync != f {
		return
	}
	c.sync = nil
	if err != nil {
		l.failed(c, err)
	} else {
		c.synced, c.failures = true, 0
		l.join(c)
	}
	l.tidy(c)
}

func (l *loop) failed(c *contact, err error) {
	l.cfg.Logger.Debug("discovery: sync failed", "peer", c.peer, "err", err)
	if !errors.Is(err, context.Canceled) {
		l.lose(c)
	}
	if !c.synced && (c.pinned || c.listed) {
		l.retry(c)
	}
}

// retry syncs later, the more often it failed the later.
func (l *loop) retry(c *contact) {
	wait := l.cfg.RetryAfter << min(c.failures, 16)
	c.failures++
	l.syncs.set(c.peer, time.Now().Add(l.jitter(min(wait, l.cfg.MaxRetry), 0.5)))
}

func (l *loop) ping(peer wire.Pubkey) {
	c := l.contacts[peer]
	if c == nil || c.pinging {
		return
	}
	to := l.target(c)
	if len(to.Addresses) == 0 {
		l.tidy(c)
		return
	}
	c.pinging = true
	l.pinging++
	l.start(func() error { return l.askPing(l.ctx, to) }, func(err error) { l.pinged(c, err) })
}

func (l *loop) pinged(c *contact, err error) {
	c.pinging = false
	l.pinging--
	if err != nil {
		l.cfg.Logger.Debug("discovery: ping failed", "peer", c.peer, "err", err)
		l.lose(c)
	} else {
		l.join(c)
	}
	if c.listed {
		l.pings.set(c.peer, time.Now().Add(l.jitter(l.cfg.ProbeInterval, 0.5)))
	}
	l.tidy(c)
}
