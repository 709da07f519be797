package gossip

import (
	"fmt"
	"slices"
	"testing"

	"solsnap/gossip/wire"
)

// stakesOf is a map as a function.
func stakesOf(stakes map[wire.Pubkey]uint64) func(wire.Pubkey) uint64 {
	return func(k wire.Pubkey) uint64 { return stakes[k] }
}

// TestReceivedCache has the numbers of Agave's test_received_cache.
func TestReceivedCache(t *testing.T) {
	c := newReceivedCache(receivedLimits{})
	origin := numbered(100)
	for node, counts := range [][]int{{3, 1, 7, 5}, {7, 6, 5, 2}, {2, 0, 0, 2}, {3, 5, 0, 6}, {6, 2, 6, 2}} {
		for dups, count := range counts {
			for range count {
				c.record(origin, numbered(uint64(node)), dups)
			}
		}
	}
	r := c.origins.get(origin)
	same(t, "upserts", r.upserts, 21)
	for node, want := range []uint64{4, 13, 2, 8, 8} {
		i := slices.IndexFunc(r.relayers, func(r relayer) bool { return r.pubkey == numbered(uint64(node)) })
		same(t, "score", r.relayers[i].score, want)
	}
	stakes := stakesOf(map[wire.Pubkey]uint64{
		numbered(0): 6, numbered(1): 1, numbered(2): 5, numbered(3): 3, numbered(4): 7, origin: 9,
	})
	// Agave's stake condition is 0.5 here: 4 of 9.
	prunes := surplus(slices.Clone(r.relayers), 4, origin, stakes)
	same(t, "prunes", fmt.Sprint(prunes), fmt.Sprint([]wire.Pubkey{numbered(3), numbered(0), numbered(2)}))
}

// feed makes a node relay new values of an origin.
func feed(c *receivedCache, origin, from wire.Pubkey, values int) {
	for range values {
		c.record(origin, from, 0)
	}
}

func TestPruneOfRelayers(t *testing.T) {
	origin := numbered(100)
	const sol = lamportsPerSOL
	// Relayer n has the score 10-n.
	for name, tt := range map[string]struct {
		own    uint64
		stakes map[wire.Pubkey]uint64
		want   []uint64 // numbers
	}{
		"without stakes two stay":           {0, nil, []uint64{2, 3}},
		"own stake counts if it is less":    {0, map[wire.Pubkey]uint64{origin: 1000 * sol}, []uint64{2, 3}},
		"origin's stake counts if less":     {1000 * sol, nil, []uint64{2, 3}},
		"15 % of 100 SOL are not there":     {100 * sol, map[wire.Pubkey]uint64{origin: 200 * sol, numbered(0): 1 * sol}, nil},
		"the first two have them":           {100 * sol, map[wire.Pubkey]uint64{origin: 200 * sol, numbered(1): 15 * sol}, []uint64{2, 3}},
		"the first two have a lamport less": {100 * sol, map[wire.Pubkey]uint64{origin: 200 * sol, numbered(1): 15*sol - 1}, nil},
		"the third has them":                {100 * sol, map[wire.Pubkey]uint64{origin: 200 * sol, numbered(2): 15 * sol}, []uint64{3}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newReceivedCache(receivedLimits{})
			for n := range uint64(4) {
				feed(c, origin, numbered(n), int(10-n))
			}
			var want []wire.Pubkey
			for _, n := range tt.want {
				want = append(want, numbered(n))
			}
			got := c.prune(self, origin, tt.own, stakesOf(tt.stakes))
			same(t, "prunes", fmt.Sprint(got), fmt.Sprint(want))
		})
	}
}

// TestPruneBreaksTiesByStake among relayers with the same score.
func TestPruneBreaksTiesByStake(t *testing.T) {
	c := newReceivedCache(receivedLimits{})
	origin := numbered(100)
	stakes := make(map[wire.Pubkey]uint64)
	for n := range uint64(5) {
		feed(c, origin, numbered(n), 4)
		stakes[numbered(n)] = n
	}
	got := c.prune(self, origin, 0, stakesOf(stakes))
	same(t, "prunes", fmt.Sprint(got), fmt.Sprint([]wire.Pubkey{numbered(2), numbered(1), numbered(0)}))
}

// TestPruneWaitsForEnoughValues and begins anew.
func TestPruneWaitsForEnoughValues(t *testing.T) {
	for _, threshold := range []int{0, 5} {
		c := newReceivedCache(receivedLimits{upserts: threshold})
		enough := max(threshold, 5)
		if threshold == 0 {
			enough = 20
		}
		origin := numbered(100)
		none := stakesOf(nil)
		same(t, "prunes of an origin not heard of", len(c.prune(self, origin, 0, none)), 0)
		for range 2 {
			c.record(origin, numbered(1), 1)
			c.record(origin, numbered(2), 2)
			c.record(origin, numbered(3), -1)
			feed(c, origin, numbered(4), enough-1)
			same(t, "prunes before", len(c.prune(self, origin, 0, none)), 0)
			feed(c, origin, numbered(4), 1)
			got := c.prune(self, origin, 0, none)
			same(t, "prunes", len(got), 2)
			same(t, "one late is among them", slices.Contains(got, numbered(2)), true)
			same(t, "one too late is among them", slices.Contains(got, numbered(3)), true)
			same(t, "prunes again", len(c.prune(self, origin, 0, none)), 0)
		}
	}
}

// TestPruneSparesTheOrigin and values of this node.
func TestPruneSparesTheOrigin(t *testing.T) {
	c := newReceivedCache(receivedLimits{})
	origin := numbered(100)
	for n := range uint64(3) {
		feed(c, origin, numbered(n), 10)
	}
	c.record(origin, origin, 5)
	same(t, "prunes", fmt.Sprint(len(c.prune(self, origin, 0, stakesOf(nil)))), "1")
	for n := range uint64(3) {
		feed(c, self, numbered(n), 10)
	}
	same(t, "prunes of own values", len(c.prune(self, self, 0, stakesOf(nil))), 0)
}

// TestLateRelayersAreBounded by 50; those that are timely still come in.
func TestLateRelayersAreBounded(t *testing.T) {
	c := newReceivedCache(receivedLimits{})
	origin := numbered(10_000)
	for n := range uint64(1000) {
		c.record(origin, numbered(n), -1)
		c.record(origin, numbered(n), 7)
	}
	same(t, "relayers", len(c.origins.get(origin).relayers), 50)
	feed(c, origin, numbered(2000), 11)
	feed(c, origin, numbered(2001), 10)
	prunes := c.prune(self, origin, 0, stakesOf(nil))
	same(t, "prunes", len(prunes), 50)
	same(t, "a timely one is among them", slices.Contains(prunes, numbered(2000)), false)
}

func TestOriginsAreBounded(t *testing.T) {
	c := newReceivedCache(receivedLimits{origins: 10})
	for n := range uint64(100) {
		feed(c, numbered(n), numbered(1000), 20)
	}
	same(t, "origins", c.origins.len(), 10)
}

func BenchmarkReceivedRecord(b *testing.B) {
	c := newReceivedCache(receivedLimits{})
	for n := uint64(0); b.Loop(); n++ {
		c.record(numbered(n%5000), numbered(n%53), int(n%7))
	}
}
