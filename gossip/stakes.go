package gossip

import (
	"math/bits"

	"solsnap/gossip/wire"
)

const (
	// minStakedNodes is how many nodes with stake must be known before the stake of
	// a node decides anything (Agave gossip/src/crds_filter.rs, MIN_NUM_STAKED_NODES).
	minStakedNodes = 500
	// minStake is how many lamports a node must have to count as staked
	// (MIN_STAKE_FOR_GOSSIP).
	minStake = lamportsPerSOL
)

// stakes are who has how much, in lamports. It is replaced whole.
type stakes map[wire.Pubkey]uint64

func (s stakes) of(node wire.Pubkey) uint64 { return s[node] }

func (s stakes) empty() bool { return len(s) == 0 }

// admit reports whether a node may send what only staked nodes may.
func (s stakes) admit(node wire.Pubkey) bool {
	return len(s) < minStakedNodes || s[node] >= minStake
}

// weight is how much more often a peer is chosen for its stake, which counts up
// to our own (gossip/src/crds_gossip.rs, get_gossip_nodes).
func (s stakes) weight(peer, self wire.Pubkey) uint64 {
	w := uint64(bits.Len64(min(s[peer], s[self])/lamportsPerSOL)) + 1
	return w * w
}

// relays reports whether values of a kind and origin are passed on by push or by
// pull response (gossip/src/crds_filter.rs).
func (s stakes) relays(v wire.Verified, push bool) bool {
	switch v.Kind() {
	case wire.KindContactInfo, wire.KindSnapshotHashes:
		return true
	case wire.KindVote:
		return push || s.admit(v.Origin())
	default:
		return s.admit(v.Origin())
	}
}

// takes reports whether values of a kind and origin are let in.
func (s stakes) takes(kind wire.Kind, origin wire.Pubkey) bool {
	switch kind {
	case wire.KindContactInfo, wire.KindSnapshotHashes, wire.KindVote, wire.KindEpochSlots:
		return true
	default:
		return s.admit(origin)
	}
}
