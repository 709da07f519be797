package discovery

import (
	"context"
	"time"

	"solsnap/gossip/wire"
)

// join makes a contact that answered a neighbour, and tells it who we are. If there
// are enough, it takes the place of another now and then: a node that came late would
// otherwise be nobody's neighbour.
func (l *loop) join(c *contact) {
	if l.neighbours[c.peer] != nil {
		return
	}
	if len(l.neighbours) >= l.cfg.MaxNeighbours {
		if l.cfg.Random()*4*float64(len(l.contacts)) >= float64(l.cfg.MaxNeighbours) {
			return
		}
		delete(l.neighbours, l.choose(c.peer)[0].peer)
	}
	l.neighbours[c.peer] = c
	l.joined.Store(int64(len(l.neighbours)))
	l.post(c, l.dir.self, item{hops: l.cfg.MaxHops, raw: l.dir.Local().raw})
}

// lose makes a contact no neighbour. Without any, all are tried.
func (l *loop) lose(c *contact) {
	c.outbox = nil
	if l.neighbours[c.peer] == nil {
		return
	}
	delete(l.neighbours, c.peer)
	l.joined.Store(int64(len(l.neighbours)))
	if len(l.neighbours) == 0 {
		l.rejoin(time.Now())
	}
}

// rejoin tries all that are known, but not all the time.
func (l *loop) rejoin(now time.Time) {
	const pause = 5 * time.Second
	if now.Sub(l.lastRejoin) < pause || l.ctx.Err() != nil {
		return
	}
	l.lastRejoin = now
	for peer, c := range l.contacts {
		if !c.pinging {
			l.pings.set(peer, now)
		}
	}
}

// untold reports whether there is news of ours, and somebody to tell.
func (l *loop) untold() bool {
	return len(l.neighbours) > 0 && l.dir.current.Load().local.Entry.Version != l.announced
}

// announce tells some neighbours the newest of us.
func (l *loop) announce(now time.Time) {
	if !l.untold() || now.Sub(l.lastTold) < l.cfg.AnnounceGap {
		return
	}
	local := l.dir.Local()
	l.announced, l.lastTold = local.entry.Version, now
	l.spread(l.dir.self, item{hops: l.cfg.MaxHops, raw: local.raw})
}

// spread hands an item to some neighbours.
func (l *loop) spread(of wire.Pubkey, i item) {
	for _, c := range l.choose(of) {
		l.post(c, of, i)
	}
}

// choose picks neighbours by chance, but not the one that is spoken of.
func (l *loop) choose(but wire.Pubkey) []*contact {
	all := make([]*contact, 0, len(l.neighbours))
	for peer, c := range l.neighbours {
		if peer != but {
			all = append(all, c)
		}
	}
	n := min(len(all), l.cfg.Fanout)
	for i := range n {
		j := i + int(l.cfg.Random()*float64(len(all)-i))
		all[i], all[j] = all[j], all[i]
	}
	return all[:n]
}

// post tells a contact, at once or after what it is being told.
func (l *loop) post(c *contact, of wire.Pubkey, i item) {
	if c.post(of, i) {
		l.counts.dropped.Add(1)
		l.overflowed.Store(true)
	}
	l.send(c)
}

func (l *loop) send(c *contact) {
	if c.sending || len(c.outbox) == 0 || l.ctx.Err() != nil {
		return
	}
	c.sending = true
	m, to := c.collect(), l.target(c)
	l.start(func() error { return l.tell(l.ctx, to, m, l.cfg.AnnounceTimeout) }, func(err error) { l.told(c, err) })
}

func (l *loop) tell(ctx context.Context, to Target, m *announcement, timeout time.Duration) error {
	_, err := l.ask(ctx, to, Announce, timeout, m, &nothing{})
	return err
}

func (l *loop) told(c *contact, err error) {
	c.sending = false
	if err != nil {
		l.cfg.Logger.Debug("discovery: announcement failed", "peer", c.peer, "err", err)
		l.lose(c)
	}
	l.send(c)
	l.tidy(c)
}

// farewell tells all neighbours that we leave. From here on nothing newer of us is
// given out.
func (l *loop) farewell() {
	l.leaving.Store(true)
	s, err := l.dir.Farewell()
	if err != nil || len(l.neighbours) == 0 {
		return
	}
	m := &announcement{[]item{{hops: l.cfg.MaxHops, departed: true, raw: s.raw}}}
	ctx := context.WithoutCancel(l.ctx)
	for _, c := range l.neighbours {
		to := l.target(c)
		l.start(func() error { return l.tell(ctx, to, m, l.cfg.DepartureWindow) }, func(error) {})
	}
}
