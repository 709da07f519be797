//go:build linux

package main

import (
	"time"

	"solsnap/gossip/wire"
)

// Times of the ping gate in ms (Agave gossip/src/ping_pong.rs).
const (
	pongLife    = 1_280_000
	pongRenewal = pongLife / 4
	pingEvery   = 20_000
	pongLate    = 1000 // when a ping counts as unanswered
)

// peer is what a node of the cluster knows of the node under test. Times are 0
// for never.
type peer struct {
	token  wire.Token // of the ping that waits for its pong
	pinged uint64
	ponged uint64
	waits  bool   // for a pong
	learns uint64 // when the ContactInfo of the node under test gets here
	seen   bool
	budget budget
}

// gate reports whether a peer takes the node under test for real. If not, it
// pings it.
func (l *loop) gate(i int32) bool {
	p := &l.peers[i]
	age := l.now - p.ponged
	open := p.ponged != 0 && age < pongLife
	if (!open || age > pongRenewal) && l.now-p.pinged >= pingEvery {
		l.ping(i)
	}
	return open
}

// ping sends a token such as Agave's: eight bytes, and zeros.
func (l *loop) ping(i int32) {
	p := &l.peers[i]
	p.pinged, p.waits = l.now, true
	for at := range 8 {
		p.token[at] = byte(1 + l.random.IntN(255))
	}
	l.post(i, wire.NewPing(l.cluster.nodes[i].key, p.token))
}

func (l *loop) takePing(i int32, m *wire.Ping) {
	if m.Verify() != nil {
		l.fault(faultSignature, "ping")
		return
	}
	l.meet(m.From)
	l.post(i, wire.NewPong(l.cluster.nodes[i].key, m.Token))
}

func (l *loop) takePong(i int32, m *wire.Pong) {
	p := &l.peers[i]
	switch {
	case m.Verify() != nil:
		l.fault(faultSignature, "pong")
	case !p.waits || m.Hash != wire.PongHash(p.token):
		l.fault(faultPong, m.Hash.String())
	case l.meet(m.From):
		p.ponged, p.waits = l.now, false
	}
}

// meet reports whether a message is of the node under test, which is whoever
// speaks first.
func (l *loop) meet(key wire.Pubkey) bool {
	if l.subject.IsZero() {
		l.subject = key
	}
	if key != l.subject {
		l.fault(faultIdentity, key.String())
	}
	return key == l.subject
}

// learn has the ContactInfo of the node under test reach a peer, and with the
// first of them the others too, over some time.
func (l *loop) learn(i int32) {
	if l.peers[i].learns == 0 {
		l.peers[i].learns = l.now
	}
	if l.known {
		return
	}
	l.known = true
	for other := range l.peers {
		if p := &l.peers[other]; p.learns == 0 {
			p.learns = l.now + l.random.Uint64N(1+uint64(l.spread/time.Millisecond))
		}
	}
}

// meetPeers pings for those who have heard of the node under test, and counts
// those who take it for real.
func (l *loop) meetPeers() {
	l.counts.Unanswered = 0
	for i := range l.peers {
		p := &l.peers[i]
		if p.waits && l.now-p.pinged > pongLate {
			l.counts.Unanswered++
		}
		if p.learns != 0 && p.learns <= l.now && l.gate(int32(i)) && !p.seen {
			p.seen = true
			l.seen = append(l.seen, int32(i))
		}
	}
	l.counts.Visible = uint64(len(l.seen))
}
