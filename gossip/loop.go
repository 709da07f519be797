package gossip

import (
	"context"
	"time"
)

// desk is what the loop owns beside the engine.
type desk struct {
	*Node
	engine    *engine
	in        []packet
	saves     chan<- []byte
	mailer    *mailer
	published time.Time
	saved     time.Time
	visible   bool
	clock     clockWatch
}

// loop is the one owner of the engine.
func (n *Node) loop(ctx context.Context, saves chan<- []byte) error {
	started := time.Now()
	d := &desk{
		Node: n, in: newBatch(readBatch), saves: saves, saved: started, mailer: n.mailer,
		engine: newEngine(identity{cfg: n.cfg, random: newSecretRand(), outset: uint64(started.UnixMicro())}),
	}
	ticker := time.NewTicker(n.cfg.Limits.Round)
	defer ticker.Stop()
	defer func() { d.mailer.close(&d.engine.outbox) }()
	for d.engine.failed == nil {
		select {
		case <-ctx.Done():
			d.obey() // so that a withdrawal at the last moment goes out
			d.keep()
			return nil
		case <-n.ring.ready:
			in := d.take()
			d.engine.pressure = d.ring.fill()
			d.engine.receive(in, now())
		case <-ticker.C:
			d.round(time.Now())
		case <-n.woken:
			d.obey()
		case <-d.mailer.room:
		}
		d.mailer.take(&d.engine.outbox)
	}
	return d.engine.failed
}

// take is a batch of what has arrived, less the bytes by which an entrypoint tries
// our port (§10.2).
func (d *desk) take() []packet {
	n := d.ring.take(d.in)
	kept := 0
	for i := range d.in[:n] {
		if data := d.in[i].data; len(data) == 1 && data[0] == 0 {
			d.arrivals.arrived(port{"udp", d.Addr().Port()})
			continue
		}
		d.in[kept], d.in[i] = d.in[i], d.in[kept]
		kept++
	}
	return d.in[:kept]
}

// obey puts in force what others want.
func (d *desk) obey() {
	w, e, at := d.wants(), d.engine, now()
	if w.join != nil && e.joined == 0 {
		e.join(w.join.gossip, w.join.rpc, w.join.shredVersion, at)
		d.restore(at)
	}
	e.setStakes(w.stakes)
	e.announce(w.snapshots, at)
	e.setServing(!w.notServing, at)
	e.push(at)
}

// restore loads what an earlier run has saved.
func (d *desk) restore(at uint64) {
	if d.cfg.LoadContactInfos == nil {
		return
	}
	saved, err := d.cfg.LoadContactInfos()
	if err == nil && len(saved) > 0 {
		err = d.engine.restore(saved, at)
	}
	if err != nil {
		d.log.Warn("gossip: saved contact infos not used; they will be made anew", "err", err)
	}
}

func (d *desk) round(at time.Time) {
	const publishEvery = time.Second
	d.engine.round(now())
	if at.Sub(d.published) >= publishEvery {
		d.published = at
		d.engine.setDoors(d.doors.addrs())
		d.publish()
	}
	if at.Sub(d.saved) >= d.cfg.Limits.SaveInterval {
		d.saved = at
		d.keep()
	}
}

// publish makes a new view.
func (d *desk) publish() {
	old, at := d.view.Load(), now()
	peers := d.engine.peers(at)
	v := &view{peers: peers, status: d.engine.status(peers), stats: d.engine.counts(), revision: d.engine.table.Revision(), changed: old.changed}
	moved := v.revision != old.revision || len(peers) != len(old.peers)
	if moved {
		v.changed = make(chan struct{})
	}
	d.view.Store(v)
	if moved {
		close(old.changed)
	}
	d.tell(v.status)
	d.clock.look(v.stats, time.Now(), d.log)
}

// tell logs whether others know us, once for each change.
func (d *desk) tell(s Status) {
	if s.Visible() == d.visible {
		return
	}
	d.visible = s.Visible()
	facts := []any{"ponged", s.Ponged, "returned", s.Returned, "peers", s.Peers}
	if d.visible {
		d.log.Info("gossip: visible, others return our contact info", facts...)
		return
	}
	d.log.Warn("gossip: no longer visible, nobody has returned our contact info for a minute; check that UDP gets in and out at the gossip port, and the clock", facts...)
}

// keep hands over what is to be saved, unless the last is still being written.
func (d *desk) keep() {
	if d.cfg.SaveContactInfos == nil || d.engine.joined == 0 {
		return
	}
	b, err := d.engine.saved()
	if err != nil {
		d.log.Error("gossip: contact infos", "err", err)
		return
	}
	select {
	case d.saves <- b:
	default:
	}
}
