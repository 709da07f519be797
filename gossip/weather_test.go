package gossip

import (
	"net/netip"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// TestGossipInBadWeather loses one datagram in five, doubles one in ten, and lets
// them overtake each other by up to 300 ms.
func TestGossipInBadWeather(t *testing.T) {
	n := settled(t, 10, 60/shrink, Light, Limits{})
	n.weather = weather{delay: 30, jitter: 300, loss: 0.2, twice: 0.1}
	n.run(time.Second)
	for slot := uint64(1001); slot < 1005; slot++ {
		rounds := n.announced(n.members[slot%5], snapshotsAt(1000, slot), 100, 50)
		t.Logf("announcement known to all after %d rounds", rounds)
	}
}

// TestGossipJoinsInBadWeather begins a cluster with the same losses: a ping that
// is lost costs 20 s (gossip-wire §6.2).
func TestGossipJoinsInBadWeather(t *testing.T) {
	const size = 16 / shrink
	n := newNetwork(t, 11)
	n.weather = weather{delay: 30, jitter: 300, loss: 0.2, twice: 0.1}
	door := n.join(Light, Limits{})
	for range size - 1 {
		n.join(Light, Limits{}, door)
	}
	rounds := n.until("everybody knows everybody", 3000, func() bool {
		return n.all(func(m *member) bool { return m.table.Stats().Values[wire.KindContactInfo] == size })
	})
	t.Logf("%d nodes know each other after %d rounds", size, rounds)
}

// TestGossipWithWrongClocks: a clock may be 15 s wrong (gossip-wire §11.1), in
// either direction.
func TestGossipWithWrongClocks(t *testing.T) {
	for _, tt := range []struct {
		skew    time.Duration
		visible bool
	}{{10 * time.Second, true}, {-10 * time.Second, true}, {20 * time.Second, false}, {-20 * time.Second, false}} {
		t.Run(tt.skew.String(), func(t *testing.T) {
			n := settled(t, 12, 20/shrink, Light, Limits{})
			wrong := n.add(Light, Limits{})
			wrong.setDoors(n.doorsOf(0))
			wrong.skew = tt.skew.Milliseconds()
			wrong.enter(n)
			for _, m := range n.members {
				m.announce(snapshotsAt(1000, 0), m.now(n))
			}
			if !tt.visible {
				n.run(40 * time.Second)
				same(t, "nodes that know of it", n.count(func(m *member) bool { return m.table.Has(wrong.self) }), 1)
				same(t, "nodes it knows of", wrong.table.Stats().Pubkeys, 1)
				wrong.skew = 0
			}
			rounds := n.until("known both ways", 600, func() bool {
				return n.all(func(m *member) bool {
					return m.sees(wrong, snapshotsAt(1000, 0)) && wrong.sees(m, snapshotsAt(1000, 0))
				})
			})
			t.Logf("known both ways after %d rounds", rounds)
		})
	}
}

// doorsOf are the addresses of nodes, by their numbers.
func (n *network) doorsOf(numbers ...int) (addrs []netip.AddrPort) {
	for _, i := range numbers {
		addrs = append(addrs, n.members[i].addr)
	}
	return addrs
}

// TestGossipHealsAfterAPartition cuts a cluster in halves for two minutes. Then
// each half has long forgotten to push to the other (gossip-wire §7.5): it is the
// entrypoint that brings them together, or that staked nodes are tried now and
// then.
func TestGossipHealsAfterAPartition(t *testing.T) {
	for name, prepare := range map[string]func(*network){
		"by an entrypoint": func(n *network) {
			for _, m := range n.members[1:] {
				m.setDoors(n.doorsOf(0))
			}
		},
		"by stake": func(n *network) {
			stakes := make(stakes)
			for _, m := range n.members {
				stakes[m.self] = 100 * lamportsPerSOL
			}
			for _, m := range n.members {
				m.setStakes(stakes)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			const size = 24 / shrink
			n := settled(t, 13, size, Light, Limits{})
			prepare(n)
			left, right := n.members[0], n.members[size-1]
			n.weather.cut = func(a, b *member) bool { return (a.number < size/2) != (b.number < size/2) }
			left.announce(snapshotsAt(1000, 1001), n.clock)
			right.announce(snapshotsAt(1000, 1002), n.clock)
			n.run(2 * time.Minute)
			same(t, "nodes that know the left half's", n.count(func(m *member) bool { return m.sees(left, snapshotsAt(1000, 1001)) }), size/2)
			same(t, "nodes that know the right half's", n.count(func(m *member) bool { return m.sees(right, snapshotsAt(1000, 1002)) }), size/2)

			n.weather.cut = nil
			rounds := n.until("both halves know of both", 600, func() bool {
				return n.all(func(m *member) bool {
					return m.sees(left, snapshotsAt(1000, 1001)) && m.sees(right, snapshotsAt(1000, 1002))
				})
			})
			t.Logf("both halves know of both after %d rounds", rounds)
			n.run(30 * time.Second)
			t.Logf("an announcement takes %d rounds", n.announced(left, snapshotsAt(1000, 1003), 100, 20))
		})
	}
}
