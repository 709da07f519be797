//go:build linux

package main

import "solsnap/gossip/wire"

const (
	// stubSilence is after which time without a value a relayer is no longer
	// counted, in ms: more than between two values of a voter. Others have nobody
	// pruned.
	stubSilence = 1000
	// stubUpserts is after how many values of an origin a stub may prune.
	stubUpserts = enoughUpserts
)

// stubPrunes are the two relayers that a stub listens to, by origin.
type stubPrunes map[wire.Pubkey]*stubRelayers

type stubRelayers struct {
	kept   [2]wire.Pubkey
	heard  [2]uint64 // when
	others int       // values of others since the last prune
}

// judge takes note of a value, and reports whether to prune who relayed it: a
// third relayer, now and then.
func (p stubPrunes) judge(origin, relayer wire.Pubkey, now uint64) bool {
	r := p[origin]
	if r == nil {
		r = new(stubRelayers)
		p[origin] = r
	}
	for i := range r.kept {
		if r.kept[i] == relayer {
			r.heard[i] = now
			return false
		}
	}
	for i := range r.kept {
		if now-r.heard[i] > stubSilence {
			r.kept[i], r.heard[i] = relayer, now
			return false
		}
	}
	if r.others++; r.others < stubUpserts {
		return false
	}
	r.others = 0
	return true
}
