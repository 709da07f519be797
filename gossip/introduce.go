package gossip

import (
	"net/netip"

	"solsnap/gossip/wire"
)

// introduction is a value of our own that goes to one node directly.
type introduction struct {
	to   netip.AddrPort
	kind wire.Kind
	due  uint64
}

const (
	// introduceAfter is how long a node gets to take a pong, or a contact info, into
	// account: what comes in the same batch is judged by what was known before
	// (§6.1, 5 and 9).
	introduceAfter = 100 // ms
	// maxIntroductions bounds those that are not due yet. Further nodes have to hear
	// of us from others.
	maxIntroductions = 4096
)

// introduce hands our own values to a node that has proved its address: the
// contact info, and the snapshot hashes some time after.
func (e *engine) introduce(to netip.AddrPort, now uint64) {
	if len(e.introductions) < maxIntroductions {
		e.introductions = append(e.introductions,
			introduction{to, wire.KindContactInfo, now + introduceAfter},
			introduction{to, wire.KindSnapshotHashes, now + 3*introduceAfter})
	}
}

// sendIntroductions sends those that are due.
func (e *engine) sendIntroductions(now uint64) {
	rest := e.introductions[:0]
	for _, i := range e.introductions {
		if i.due > now {
			rest = append(rest, i)
			continue
		}
		v, ok := e.table.Get(wire.Label{Kind: i.kind, Origin: e.self})
		if ok && (i.kind == wire.KindContactInfo || e.serving && e.snapshots != nil) {
			e.outbox.add(i.to, &wire.Push{From: e.self, Values: []wire.Value{v.Value()}})
		}
	}
	e.introductions = rest
}
