//go:build linux

package main

import (
	"math/rand/v2"

	"solsnap/gossip/wire"
)

const (
	// enoughUpserts is after how many values of an origin a node prunes (Agave
	// gossip/src/received_cache.rs, MIN_NUM_UPSERTS).
	enoughUpserts = 20
	// heedWithin is how long values may still come after a prune, in ms.
	heedWithin = 1000
	// quiet is after which time without a push a peer is taken to have left the
	// active set of the node under test, in ms, and with that its prunes to have
	// ended.
	quiet = 30_000
)

// takes is what a peer makes of what the node under test relays to it. The peer
// gets the same values from others, too, and mostly sooner.
type takes struct {
	origins map[int32]taken
	pending []wire.Pubkey // to prune
	last    uint64        // when it got anything
}

// taken is what a peer got of an origin.
type taken struct {
	upserts int
	pruned  uint64 // when it last did; 0 for not
}

// takePush counts what was relayed to a peer.
func (l *loop) takePush(i int32, values []wire.Value) {
	t := l.taking[i]
	if t == nil {
		t = &takes{origins: make(map[int32]taken)}
		l.taking[i] = t
	}
	t.last = l.now
	for _, v := range values {
		l.checkWallclock(v)
		if origin, ok := l.cluster.index[v.Origin()]; ok {
			l.takeRelayed(i, t, origin)
		} else if v.Kind() == wire.KindContactInfo {
			l.noteRefresh(v.Wallclock())
		}
	}
}

// noteRefresh notes how often the node under test makes its ContactInfo anew.
func (l *loop) noteRefresh(wallclock uint64) {
	if wallclock <= l.counts.Refreshed {
		return
	}
	if l.counts.Refreshed != 0 {
		l.counts.Gap = max(l.counts.Gap, wallclock-l.counts.Refreshed)
	}
	l.counts.Refreshed = wallclock
}

// takeRelayed prunes an origin after some values, and again if they do not end:
// the prune may have been lost.
func (l *loop) takeRelayed(i int32, t *takes, origin int32) {
	key := l.cluster.nodes[origin].pubkey
	o := t.origins[origin]
	if origin == i {
		l.fault(faultReturned, key.String())
		return
	}
	if o.pruned != 0 && l.now-o.pruned > heedWithin {
		l.fault(faultUnheeded, key.String())
	}
	if o.upserts++; o.upserts == enoughUpserts {
		o.upserts = 0
		if !l.keeps(i, origin) {
			o.pruned = l.now
			t.pending = append(t.pending, key)
		}
	}
	t.origins[origin] = o
}

// keeps reports whether the node under test is one of the two from whom a peer
// gets the values of an origin soonest. The answer is always the same.
func (l *loop) keeps(i, origin int32) bool {
	return rand.New(rand.NewPCG(uint64(i), uint64(origin))).Float64() < l.keep
}

// sendPrunes has the peers say what they do not want.
func (l *loop) sendPrunes() {
	for i, t := range l.taking {
		for len(t.pending) > 0 {
			n := min(len(t.pending), wire.MaxPruneOrigins)
			l.post(i, wire.NewPrune(l.cluster.nodes[i].key, l.subject, t.pending[:n], l.now))
			l.counts.PrunedThere += uint64(n)
			t.pending = t.pending[n:]
		}
		if l.now-t.last > quiet {
			delete(l.taking, i)
		}
	}
}
