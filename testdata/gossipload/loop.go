//go:build linux

package main

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"solsnap/gossip/wire"
)

const (
	// turnEvery is how often the loop wakes. Deliveries are no finer than that.
	turnEvery = wheelTick * time.Millisecond
	// roundEvery is a round of gossip in ms (Agave gossip/src/cluster_info.rs,
	// GOSSIP_SLEEP_MILLIS).
	roundEvery = 100
	// lateAfter is from when on a delivery counts as late, in ms: more than the
	// way of a value through a cluster differs anyway.
	lateAfter = 20
	// mostAtOnce is how many datagrams are taken before it is time to send.
	mostAtOnce = 4096
	// window is how far a wallclock may be from now, in ms.
	window = 15_000
)

// load is what is done to the node under test.
type load struct {
	relayers int           // of each value, before prunes
	pulls    float64       // requests to the node under test a second
	keep     float64       // share of what the node under test relays that its peers go on taking
	line     float64       // bytes of answers to the node under test a second
	burst    int           // packets a second while there is a burst; 0 for none
	spread   time.Duration // until the whole cluster knows the node under test
}

// loop plays all nodes of the cluster. Run owns everything but published.
type loop struct {
	load
	cluster *cluster
	table   *table
	socket  *socket
	births  <-chan []birth
	random  *rand.Rand

	subject wire.Pubkey    // of the node under test; zero until it has said
	target  netip.AddrPort // where it is
	peers   []peer
	known   bool    // to somebody, so that all are to hear of it
	seen    []int32 // the peers that know it and have its pong
	taking  map[int32]*takes
	mesh    mesh
	wheel   *wheel
	unborn  []birth // the rest of a chunk
	filters filters
	answers answers
	recent  recent
	bursts  bursts

	now       uint64 // in ms since 1970, of this turn
	nextRound uint64
	checked   uint64 // values of which some were verified
	err       error  // the first of the socket's
	counts    counts
	published atomic.Pointer[counts] // replaced whole, never modified
}

func newLoop(c *cluster, t *table, s *socket, births <-chan []birth, target netip.AddrPort, what load, seed uint64) *loop {
	l := &loop{load: what, cluster: c, table: t, socket: s, births: births, target: target}
	l.random = rand.New(newRandom(seed, 1))
	l.mesh.random = l.random
	l.peers = make([]peer, len(c.nodes))
	l.taking = make(map[int32]*takes)
	l.published.Store(new(counts))
	return l
}

// Run plays until the context ends.
func (l *loop) Run(ctx context.Context) error {
	l.now = millis(time.Now())
	l.wheel = newWheel(l.now)
	ticker := time.NewTicker(turnEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := l.turn(millis(time.Now())); err != nil {
			return err
		}
	}
}

// turn does everything that is due.
func (l *loop) turn(now uint64) error {
	elapsed := now - l.now
	l.now = now
	if err := l.socket.receive(mostAtOnce, l.take); err != nil {
		return err
	}
	if now >= l.nextRound {
		l.round()
		l.nextRound = now + roundEvery
	}
	l.bear()
	if err := l.wheel.advance(now, l.deliver); err != nil {
		return err
	}
	l.answerAtRate(elapsed)
	l.pullAtRate(elapsed)
	l.burstAtRate(elapsed)
	if l.err == nil {
		l.err = l.socket.flush()
	}
	return l.err
}

// round does what is not done every turn.
func (l *loop) round() {
	l.meetPeers()
	l.sendPrunes()
	if nodes := len(l.cluster.nodes); len(l.seen) >= nodes/2 && len(l.mesh.groups[0]) == 0 {
		l.mesh.start(l.relayers, nodes, l.now, l.anyPeer)
	}
	l.mesh.rotate(l.now, l.anyPeer)
	snapshot := l.counts
	l.published.Store(&snapshot)
}

// anyPeer is one that knows the node under test. There is one.
func (l *loop) anyPeer() int32 { return l.seen[l.random.IntN(len(l.seen))] }

// post sends a message from a node to the node under test.
func (l *loop) post(from int32, m wire.Message) {
	b, err := l.socket.next()
	if err == nil {
		b, err = wire.Append(b, m)
	}
	if err != nil {
		l.fail(err)
		return
	}
	l.socket.put(b, l.cluster.addr(from), l.target)
	l.counts.To[m.Protocol()].add(0, len(b))
}

// postValues sends values, as they are, from a node to the node under test.
func (l *loop) postValues(protocol wire.Protocol, from int32, values ...[]byte) {
	b, err := l.socket.next()
	if err != nil {
		l.fail(err)
		return
	}
	b = appendHead(b, protocol, l.cluster.nodes[from].pubkey, len(values))
	for _, v := range values {
		b = append(b, v...)
	}
	l.socket.put(b, l.cluster.addr(from), l.target)
	l.counts.To[protocol].add(len(values), len(b))
}

// fail ends the loop at the end of the turn.
func (l *loop) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// fault counts one, and remembers the first.
func (l *loop) fault(f fault, example string) {
	if l.counts.Faults[f]++; l.counts.Faults[f] == 1 {
		l.counts.Examples[f] = example
	}
}
