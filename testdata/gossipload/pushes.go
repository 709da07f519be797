//go:build linux

package main

import (
	"encoding/binary"

	"solsnap/gossip/wire"
)

const (
	// jitter is by how much the way of a value differs from that of the one
	// before, in ms, on average.
	jitter = 15
	// pairShare is how often a relayer waits for a second value that fits into the
	// packet; most do not. On mainnet-beta more than 90 % of packets have one value
	// (Agave, pull request 6037).
	pairShare = 0.2
	// pairWithin is how many deliveries are looked through for that.
	pairWithin = 24
)

// appendHead writes what comes before the values of a push or a pull response.
func appendHead(b []byte, protocol wire.Protocol, from wire.Pubkey, values int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(protocol))
	b = append(b, from[:]...)
	return binary.LittleEndian.AppendUint64(b, uint64(values))
}

// headSize is how much that is.
const headSize = wire.MaxPacket - wire.MaxValues

// bear puts the values whose time has come into the table, and on their way.
func (l *loop) bear() {
	for {
		if len(l.unborn) == 0 {
			select {
			case l.unborn = <-l.births:
			default:
				return // they have not been signed yet
			}
		}
		for len(l.unborn) > 0 && l.unborn[0].at <= l.now {
			l.born(&l.unborn[0])
			l.unborn = l.unborn[1:]
		}
		if len(l.unborn) > 0 {
			return
		}
	}
}

func (l *loop) born(b *birth) {
	l.counts.Born++
	l.table.replace(b.slot, b.value)
	l.recent.add(b.value.bytes)
	copies := 0
	for _, e := range l.mesh.from(b.node) {
		if e.pruned[b.node] || e.relayer == b.node {
			continue
		}
		copies++
		l.wheel.add(b.at+e.latency+uint64(exponential(jitter, l.random)), delivery{b.value.bytes, e.relayer})
	}
	if copies == 0 && len(l.mesh.groups[0]) > 0 {
		l.counts.Orphans++
	}
}

// deliver pushes what is due, most of it a value at a time.
func (l *loop) deliver(due uint64, deliveries []delivery) error {
	for i := range deliveries {
		d := &deliveries[i]
		if d.value == nil {
			continue // it went with an earlier one
		}
		l.counts.Deliveries++
		if l.now > due+lateAfter {
			l.counts.Late++
		}
		if second := l.pairOf(deliveries[i:]); second != nil {
			l.counts.Deliveries++
			l.postValues(wire.ProtocolPush, d.relayer, d.value, second.value)
			second.value = nil
			continue
		}
		l.postValues(wire.ProtocolPush, d.relayer, d.value)
	}
	return l.err
}

// pairOf is a delivery that goes into the same packet as the first one, or nil.
func (l *loop) pairOf(deliveries []delivery) *delivery {
	if l.random.Float64() > pairShare {
		return nil
	}
	first := deliveries[0]
	for i := 1; i < min(len(deliveries), pairWithin); i++ {
		d := &deliveries[i]
		if d.value != nil && d.relayer == first.relayer && headSize+len(first.value)+len(d.value) <= wire.MaxPacket {
			return d
		}
	}
	return nil
}
