package gossip

import (
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// TestGossipTrafficStaysBounded: what a node sends does not depend on how large
// the cluster is, but for the values that there are: each node makes one contact
// info in 7.5 s and one snapshot hashes in 10 s, and hands on what others make to
// at most 9 nodes, if they have not pruned it (gossip-wire §8). Pull requests are
// 8 in 500 ms of at most 1232 bytes whatever the size (§7.5).
func TestGossipTrafficStaysBounded(t *testing.T) {
	const seconds = 10 / shrink
	for _, size := range []int{25 / shrink, 50 / shrink, 100 / shrink} {
		n := settled(t, 20, size, Light, Limits{})
		for _, m := range n.members {
			m.announce(snapshotsAt(1000, 0), n.clock)
		}
		n.run(4 * time.Second / shrink)
		before := n.stats()
		n.run(seconds * time.Second)
		after := n.stats()
		each := uint64(size * seconds)
		requests := (after.PacketsOut[wire.ProtocolPullRequest] - before.PacketsOut[wire.ProtocolPullRequest]) / each
		pushes := (after.PacketsOut[wire.ProtocolPush] - before.PacketsOut[wire.ProtocolPush]) / each
		bytes := (after.BytesOut - before.BytesOut) / each
		t.Logf("%d nodes: each sends %d bytes in %d pull requests and %d pushes a second", size, bytes, requests, pushes)
		if requests > 16 {
			t.Errorf("%d nodes: %d pull requests per node and second, want at most 16", size, requests)
		}
		values := uint64(size) * (1000/75 + 10) / 100 // a second, rounded up
		if most := pushFanout * (values + 1); pushes > most {
			t.Errorf("%d nodes: %d pushes per node and second, want at most %d", size, pushes, most)
		}
		if most := 16*wire.MaxPacket + pushFanout*(values+1)*300 + 4096; bytes > most {
			t.Errorf("%d nodes: %d bytes per node and second, want at most %d", size, bytes, most)
		}
	}
}

// stats are those of all nodes together.
func (n *network) stats() (total Stats) {
	for _, m := range n.members {
		s := m.counts()
		for p := range s.PacketsOut {
			total.PacketsOut[p] += s.PacketsOut[p]
			for v := range s.PacketsIn[p] {
				total.PacketsIn[p][v] += s.PacketsIn[p][v]
			}
		}
		for k := range s.ValuesIn {
			for v := range s.ValuesIn[k] {
				total.ValuesIn[k][v] += s.ValuesIn[k][v]
			}
		}
		total.BytesIn += s.BytesIn
		total.BytesOut += s.BytesOut
		total.Verified += s.Verified
		total.PrunesIn += s.PrunesIn
		total.PrunesOut += s.PrunesOut
	}
	return total
}

// duplicates is how often a pushed contact info or snapshot hashes came again, for
// each time that one was new.
func duplicates(before, after Stats) float64 {
	var news, again uint64
	for _, k := range []wire.Kind{wire.KindContactInfo, wire.KindSnapshotHashes} {
		news += after.ValuesIn[k][Accepted] - before.ValuesIn[k][Accepted]
		again += after.ValuesIn[k][Duplicate] - before.ValuesIn[k][Duplicate]
		again += after.ValuesIn[k][Stale] - before.ValuesIn[k][Stale]
	}
	return float64(again) / float64(news)
}

// TestGossipPrunesDuplicatesAndKeepsTheMesh: nodes that get the same value from
// many ask most of them to stop (gossip-wire §8.4). Two relayers of each origin are
// left, and all that is new still gets to everybody.
func TestGossipPrunesDuplicatesAndKeepsTheMesh(t *testing.T) {
	const size = 40 / shrink
	// Nobody is replaced as a push peer, which would end what they have pruned.
	n := settled(t, 21, size, Light, Limits{RefreshInterval: time.Hour, PullInterval: time.Hour})
	n.run(time.Second)
	slot := uint64(1000)
	news := func(times int) Stats {
		before := n.stats()
		for range times {
			slot++
			for _, m := range n.members {
				m.announce(snapshotsAt(slot, 0), n.clock)
				n.run(10 * time.Millisecond)
			}
			n.run(500 * time.Millisecond)
			for _, origin := range n.members {
				same(t, "nodes that know of an announcement", n.count(func(m *member) bool { return m.sees(origin, snapshotsAt(slot, 0)) }), size)
			}
		}
		return before
	}
	first := duplicates(news(2), n.stats())
	news(8)
	last := duplicates(news(10), n.stats())
	t.Logf("copies of each value beyond the first: %.1f before prunes, %.1f after; %d origins pruned", first, last, n.stats().PrunesIn)
	if first < 6 || last > 3 {
		t.Errorf("copies are %.1f before and %.1f after prunes, want about 8 and at most 3", first, last)
	}
}
