package gossip

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"solsnap/gossip/crds"
	"solsnap/gossip/wire"
)

// validators are full nodes of a network that vote.
type validators struct {
	*network
	nodes []*member
	votes int
}

// vote makes all of them vote, and tell their slots now and then.
func (v *validators) vote() {
	v.votes++
	for _, m := range v.nodes {
		m.table.Insert(madeVote(v.t, m.key, uint8(v.votes%12), v.clock), crds.Local, v.clock)
		if v.votes%10 == 0 {
			m.table.Insert(madeEpochSlots(v.t, m.key, uint8(v.votes/10), v.clock), crds.Local, v.clock)
		}
	}
}

// mixed is a cluster of full nodes that vote, and of light ones.
func mixed(t *testing.T, seed uint64, full, light int) (*validators, []*member) {
	n := newNetwork(t, seed)
	for range full {
		n.add(Full, Limits{PingRate: 1000, PullBudget: 1 << 20})
	}
	for range light {
		n.add(Light, Limits{PingRate: 1000})
	}
	n.acquaint()
	return &validators{network: n, nodes: n.members[:full]}, n.members[full:]
}

// kept is how many values of a kind a node has.
func (m *member) kept(k wire.Kind) int { return m.table.Stats().Values[k] }

// TestGossipFullAndLightTogether: full nodes relay everything; light ones keep
// contact infos and snapshot hashes, and remember the hashes of the rest
// (gossip-wire §11.5).
func TestGossipFullAndLightTogether(t *testing.T) {
	const full, light = 12 / shrink, 8 / shrink
	v, lights := mixed(t, 30, full, light)
	pulled := make(map[wire.Hash]int) // votes that were sent to the first light node by pull
	lights[0].tap = func(_, to netip.AddrPort, data []byte) {
		m, err := wire.Decode(data)
		if response, ok := m.(*wire.PullResponse); ok && err == nil && to == lights[0].addr {
			for _, value := range response.Values {
				if !keptByLight(value.Kind()) {
					pulled[value.Hash()]++
				}
			}
		}
	}
	for range 60 {
		v.vote()
		v.run(500 * time.Millisecond)
	}
	rounds := v.until("every full node has everything", 200, func() bool {
		return !slices.ContainsFunc(v.nodes, func(m *member) bool {
			return m.kept(wire.KindVote) != full*12 || m.kept(wire.KindEpochSlots) != full*6
		})
	})
	t.Logf("every full node has everything after %d rounds", rounds)
	for _, m := range lights {
		same(t, "votes that a light node keeps", m.kept(wire.KindVote), 0)
		same(t, "epoch slots that a light node keeps", m.kept(wire.KindEpochSlots), 0)
		same(t, "values that it relays", m.kept(wire.KindContactInfo), full+light)
	}
	news := v.announced(lights[1], snapshotsAt(1000, 0), 100, 20)
	t.Logf("an announcement of a light node is known after %d rounds", news)

	total := 60*full + 6*full
	again := 0
	for _, times := range pulled {
		again += times - 1
	}
	t.Logf("of %d values that it does not want, %d came to a light node by pull, %d of them again", total, len(pulled), again)
	if len(pulled) > total/4 || again > len(pulled)/4 {
		t.Errorf("%d unwanted values came by pull and %d came again, want few of %d", len(pulled), again, total)
	}
	clear(pulled)
	v.run(time.Minute)
	same(t, "unwanted values that came by pull in a minute without news", len(pulled), 0)
}

// TestGossipLightNodeJoins: whoever joins late is given everything once, and not
// for ever.
func TestGossipLightNodeJoins(t *testing.T) {
	const full = 8 / shrink
	v, _ := mixed(t, 31, full, 0)
	for range 24 {
		v.vote()
		v.run(200 * time.Millisecond)
	}
	late := v.join(Light, Limits{}, v.nodes[0])
	unwanted := func() uint64 {
		s := late.counts().ValuesIn
		return s[wire.KindVote][Unwanted] + s[wire.KindEpochSlots][Unwanted]
	}
	rounds := v.until("it knows everybody", 300, func() bool { return late.kept(wire.KindContactInfo) == full+1 })
	t.Logf("it knows everybody after %d rounds", rounds)
	v.run(30 * time.Second)
	first := unwanted()
	v.run(time.Minute)
	t.Logf("%d unwanted values in the first half minute, %d in the minute after", first, unwanted()-first)
	same(t, "unwanted values later", unwanted()-first, 0)
	same(t, "refused hashes", late.table.Stats().Refused, full*14)
}

// TestGossipEntrypointOfEverybody: a full node of which nothing is known but where
// it is gives a whole table to who joins (gossip-wire §11.5).
func TestGossipEntrypointOfEverybody(t *testing.T) {
	const full = 8 / shrink
	v, _ := mixed(t, 32, full, 0)
	for range 24 {
		v.vote()
		v.run(200 * time.Millisecond)
	}
	v.weather.cut = func(a, b *member) bool { // the newcomer reaches nobody but the entrypoint
		return max(a.number, b.number) == full && min(a.number, b.number) != 0
	}
	late := v.join(Full, Limits{}, v.nodes[0])
	v.until("it has met the entrypoint", 100, func() bool { return late.kept(wire.KindContactInfo) > 1 })
	t.Logf("it has %d contact infos", late.kept(wire.KindContactInfo))
	rounds := v.until("it has the votes of the entrypoint", 600, func() bool { return late.kept(wire.KindVote) >= 12 })
	t.Logf("it has votes after %d more rounds", rounds)
	v.weather.cut = nil
	rounds = v.until("it has everything", 900, func() bool { return late.kept(wire.KindVote) == 12*full })
	t.Logf("it has all votes %d rounds after the others can be reached", rounds)
	v.until("everybody knows it", 300, func() bool { return v.all(func(m *member) bool { return m.table.Has(late.self) }) })
}
