package gossip

import (
	"cmp"
	"slices"

	"solsnap/gossip/wire"
)

// How relayers are judged (Agave gossip/src/received_cache.rs and
// crds_gossip_push.rs).
const (
	maxRelayers    = 50   // of one origin, beyond those that were timely
	timelyDups     = 2    // first and second deliveries count
	minRelayers    = 2    // kept whatever their stake
	pruneStakePart = 0.15 // of the lesser stake of this node and the origin
)

// receivedLimits bound the received cache. Zero fields take their defaults.
type receivedLimits struct {
	origins int // remembered; 8192 by default
	upserts int // after which relayers are judged; 20 by default
}

func (l receivedLimits) withDefaults() receivedLimits {
	if l.origins == 0 {
		l.origins = 8192
	}
	if l.upserts == 0 {
		l.upserts = 20
	}
	return l
}

// receivedCache tells which of the nodes that relay an origin's values do so in
// time, so that the others can be asked to stop. One owner.
type receivedCache struct {
	upserts int
	origins *lru[wire.Pubkey, received]
}

// received is who relayed an origin's values since it was last judged.
type received struct {
	upserts  int
	relayers []relayer
}

type relayer struct {
	pubkey wire.Pubkey
	score  uint64
}

func newReceivedCache(limits receivedLimits) *receivedCache {
	limits = limits.withDefaults()
	return &receivedCache{limits.upserts, newLRU[wire.Pubkey, received](limits.origins)}
}

// record says that a node relayed a value of an origin, after numDups others had:
// 0 if the value was new, and -1 if it was too old to be of any use. The relayers
// remembered are maxRelayers, and at most one more for each timely delivery.
func (c *receivedCache) record(origin, from wire.Pubkey, numDups int) {
	r := c.origins.add(origin)
	if numDups == 0 {
		r.upserts++
	}
	timely := 0 <= numDups && numDups < timelyDups
	i := slices.IndexFunc(r.relayers, func(r relayer) bool { return r.pubkey == from })
	if i < 0 {
		if !timely && len(r.relayers) >= maxRelayers {
			return
		}
		i = len(r.relayers)
		r.relayers = append(r.relayers, relayer{pubkey: from})
	}
	if timely {
		r.relayers[i].score++
	}
}

// prune gives the relayers that should stop relaying an origin's values, once
// there were enough of those to judge by, and begins to count anew. The origin
// itself is never among them.
func (c *receivedCache) prune(self, origin wire.Pubkey, ownStake uint64, stakes func(wire.Pubkey) uint64) []wire.Pubkey {
	r := c.origins.get(origin)
	if r == nil || r.upserts < c.upserts || origin == self {
		return nil
	}
	want := uint64(float64(min(ownStake, stakes(origin))) * pruneStakePart)
	prunes := surplus(r.relayers, want, origin, stakes)
	r.upserts, r.relayers = 0, r.relayers[:0]
	return prunes
}

// surplus are the relayers that are not needed: all but the best two, and those
// whom it takes to have the stake that is wanted.
func surplus(relayers []relayer, want uint64, origin wire.Pubkey, stakes func(wire.Pubkey) uint64) (prunes []wire.Pubkey) {
	slices.SortFunc(relayers, func(a, b relayer) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(stakes(b.pubkey), stakes(a.pubkey)))
	})
	var kept uint64 // stake of those before
	for i, r := range relayers {
		enough := i >= minRelayers && kept >= want
		kept += stakes(r.pubkey)
		if enough && r.pubkey != origin {
			prunes = append(prunes, r.pubkey)
		}
	}
	return prunes
}
