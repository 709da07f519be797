package gossip

import (
	"iter"
	"math/bits"
	"slices"

	"solsnap/gossip/wire"
)

// The sizes of the active set (Agave gossip/src/push_active_set.rs and
// crds_gossip_push.rs).
const (
	numBuckets  = 25
	pushFanout  = 9
	activePeers = pushFanout + 3 // per bucket

	pruneFalseRate = 0.1
	pruneMaxBits   = 1024 * 8 * 4
	pruneMinItems  = 8192

	lamportsPerSOL = 1_000_000_000
)

// stakeBucket is the bucket of a stake in lamports: the length of the number of
// whole SOL in bits.
func stakeBucket(lamports uint64) int {
	return min(bits.Len64(lamports/lamportsPerSOL), numBuckets-1)
}

// candidate is a node that may be pushed to. This node is none.
type candidate struct {
	pubkey wire.Pubkey
	stake  uint64 // in lamports
}

// activeSet is whom new values are pushed to: some peers for each bucket of the
// lesser stake of this node and of the value's origin. One owner.
type activeSet struct {
	self    wire.Pubkey
	random  func() uint64
	fanout  int                      // how many peers get a value
	size    int                      // how many there are in a bucket
	highest int                      // no bucket above this one is of any use
	buckets [numBuckets][]activePeer // oldest first
}

type activePeer struct {
	pubkey wire.Pubkey
	pruned wire.Bloom // origins it wants no values of
}

func newActiveSet(self wire.Pubkey, random func() uint64) *activeSet {
	return &activeSet{self: self, random: random, fanout: pushFanout, size: activePeers, highest: numBuckets - 1}
}

// own tells the stake of this node, which no bucket that is used exceeds. A node
// without stake has one bucket to look after, not 25.
func (s *activeSet) own(stake uint64) {
	s.highest = stakeBucket(stake)
	clear(s.buckets[s.highest+1:])
}

// rotate gives every bucket one new peer, or as many as are missing, drawn from
// the candidates with a preference for stake up to that of the bucket. The oldest
// peer goes, and whoever is no candidate any more: in a cluster of a dozen nodes
// the dead would else fill the fanout. Nothing happens without candidates. The
// size of the cluster is that of what peers may prune.
func (s *activeSet) rotate(candidates []candidate, cluster int) {
	if len(candidates) == 0 {
		return
	}
	known := make(map[wire.Pubkey]struct{}, len(candidates))
	for _, c := range candidates {
		known[c.pubkey] = struct{}{}
	}
	weights := make([]uint64, len(candidates))
	for k := range s.highest + 1 {
		for i, c := range candidates {
			w := uint64(min(stakeBucket(c.stake), k) + 1)
			weights[i] = w * w
		}
		s.buckets[k] = slices.DeleteFunc(s.buckets[k], func(p activePeer) bool {
			_, ok := known[p.pubkey]
			return !ok
		})
		s.rotateBucket(k, candidates, weights, max(cluster, pruneMinItems))
	}
}

func (s *activeSet) rotateBucket(k int, candidates []candidate, weights []uint64, items int) {
	peers := s.buckets[k]
	for i := range newWeightedShuffle(weights).all(s.random) {
		if len(peers) > s.size {
			break
		}
		if c := candidates[i].pubkey; findPeer(peers, c) == nil {
			peers = append(peers, s.newPeer(c, items))
		}
	}
	if surplus := len(peers) - s.size; surplus > 0 {
		peers = slices.Delete(peers, 0, surplus)
	}
	s.buckets[k] = peers
}

// newPeer has pruned itself: nobody is sent their own values.
func (s *activeSet) newPeer(pubkey wire.Pubkey, items int) activePeer {
	p := activePeer{pubkey, wire.NewBloom(items, pruneFalseRate, pruneMaxBits, s.random)}
	p.pruned.Add(pubkey[:])
	return p
}

func findPeer(peers []activePeer, pubkey wire.Pubkey) *activePeer {
	for i := range peers {
		if peers[i].pubkey == pubkey {
			return &peers[i]
		}
	}
	return nil
}

// nodes are the peers of a bucket to push a value of an origin to: the first few
// that have not pruned it. Nobody can prune this node's own values.
func (s *activeSet) nodes(bucket int, origin wire.Pubkey) iter.Seq[wire.Pubkey] {
	return func(yield func(wire.Pubkey) bool) {
		left := s.fanout
		for i := range s.buckets[bucket] {
			p := &s.buckets[bucket][i]
			if origin != s.self && p.pruned.Contains(origin[:]) {
				continue
			}
			if !yield(p.pubkey) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// prune keeps values of an origin from being pushed to a peer out of a bucket, for
// as long as the peer is in it.
func (s *activeSet) prune(peer, origin wire.Pubkey, bucket int) {
	if origin == s.self {
		return
	}
	if p := findPeer(s.buckets[bucket], peer); p != nil {
		p.pruned.Add(origin[:])
	}
}
