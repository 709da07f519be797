package gossip

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// TestGossipSettledPullAsksForAll: what does not come by push, a Light node has
// after one interval.
func TestGossipSettledPullAsksForAll(t *testing.T) {
	l := newLab(t, Light, Limits{})
	l.knows(newActor(1))
	l.passes(40 * time.Second)
	asked := make(map[uint64]bool)
	for _, request := range only[*wire.PullRequest](l.passes(5 * time.Second)) {
		same(t, "bits of the mask", request.Filter.MaskBits, 6)
		asked[request.Filter.Mask] = true
	}
	same(t, "partitions asked for", len(asked), 64)
}

// TestGossipPullsReachEveryPartition: there may be more of them than a pull has
// requests, and then it is the turn of others each time.
func TestGossipPullsReachEveryPartition(t *testing.T) {
	l := newLab(t, Light, Limits{})
	l.knows(newActor(1))
	l.passes(40 * time.Second)
	for i := range uint64(300_000) {
		l.table.Fail(sha256.Sum256(binary.LittleEndian.AppendUint64(nil, i)), l.clock)
	}
	caller, ok := l.sign(l.contactInfo(l.clock))
	same(t, "signed", ok, true)
	asked := make(map[uint64]bool)
	for range 40 {
		filters := l.filters(caller, l.clock)
		same(t, "filters", len(filters), 64)
		for i := range filters {
			same(t, "bits of the mask", filters[i].MaskBits, 8)
			asked[filters[i].Mask] = true
		}
	}
	same(t, "partitions asked for", len(asked), 256)
}
