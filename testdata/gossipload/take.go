//go:build linux

package main

import (
	"fmt"

	"solsnap/gossip/wire"
)

// checkEvery is how many values that the node under test relays go by for one
// whose signature is checked.
const checkEvery = 256

// take answers a datagram.
func (l *loop) take(d datagram) {
	i, ok := l.cluster.at(d.to)
	if !ok || d.from != l.target {
		l.fault(faultAddress, fmt.Sprintf("from %v to %v", d.from, d.to))
		return
	}
	m, err := wire.Decode(d.bytes)
	if err != nil {
		l.fault(faultUndecodable, err.Error())
		return
	}
	values := 0
	switch m := m.(type) {
	case *wire.Ping:
		l.takePing(i, m)
	case *wire.Pong:
		l.takePong(i, m)
	case *wire.PullRequest:
		l.takePullRequest(i, m)
	case *wire.PullResponse:
		values = len(m.Values)
		l.takeValues(i, m.From, m.Values)
	case *wire.Push:
		values = len(m.Values)
		l.takeValues(i, m.From, m.Values)
		l.takePush(i, m.Values)
	case *wire.Prune:
		l.takePrune(i, m)
	}
	l.counts.From[m.Protocol()].add(values, len(d.bytes))
}

// takeValues looks at what was pushed or came on request.
func (l *loop) takeValues(i int32, from wire.Pubkey, values []wire.Value) {
	if !l.meet(from) {
		return
	}
	for _, v := range values {
		if v.Origin() == l.subject {
			l.takeOwn(i, v)
			continue
		}
		if _, ok := l.cluster.index[v.Origin()]; !ok {
			l.fault(faultOrigin, v.Label().String())
		}
		if l.checked++; l.checked%checkEvery == 0 {
			l.verify(v)
		}
	}
}

func (l *loop) verify(v wire.Value) bool {
	_, err := v.Verify()
	if err != nil {
		l.fault(faultSignature, v.Label().String())
	}
	return err == nil
}

// takeOwn takes what the node under test says of itself.
func (l *loop) takeOwn(i int32, v wire.Value) {
	if !l.verify(v) {
		return
	}
	switch v.Kind() {
	case wire.KindContactInfo:
		if l.checkInfo(v) {
			l.takeInfo(i)
		}
	case wire.KindSnapshotHashes:
		l.counts.Advertised++
	}
}

// checkInfo reports whether a node of a real cluster would take the ContactInfo
// of the node under test.
func (l *loop) checkInfo(v wire.Value) bool {
	info := v.ContactInfo()
	place, _ := info.Socket(wire.SocketGossip)
	switch {
	case info.ShredVersion != shredVersion:
		l.fault(faultShredVersion, fmt.Sprint(info.ShredVersion))
	case place != l.target:
		l.fault(faultPlace, place.String())
	default:
		return l.checkWallclock(v)
	}
	return false
}

// checkWallclock reports whether a value is neither of the past nor of the future.
func (l *loop) checkWallclock(v wire.Value) bool {
	const slack = 2000 // on the way here
	ok := v.Wallclock() <= l.now+window+slack && l.now <= v.Wallclock()+window+slack
	if !ok {
		l.fault(faultWallclock, fmt.Sprintf("%v: %d ms", v.Label(), int64(v.Wallclock()-l.now)))
	}
	return ok
}

// takeInfo makes the node under test known, if the peer has its pong.
func (l *loop) takeInfo(i int32) {
	if !l.gate(i) {
		l.counts.Gated++
		return
	}
	l.learn(i)
}

// takePrune ends what a peer pushes.
func (l *loop) takePrune(i int32, m *wire.Prune) {
	switch {
	case m.Verify() != nil:
		l.fault(faultSignature, "prune")
	case m.Destination != l.cluster.nodes[i].pubkey:
		l.fault(faultPrune, m.Destination.String())
	case l.meet(m.From):
		l.counts.PrunedHere += uint64(len(m.Origins))
		l.counts.Needless += uint64(l.mesh.prune(i, m.Origins, l.cluster.index))
	}
}
