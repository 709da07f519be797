package gossip

import (
	"slices"
	"testing"
	"time"

	"solsnap/gossip/crds"
	"solsnap/gossip/wire"
)

// TestGossipPushWindow: a pushed value may be 15 s off, in either direction, and
// not more (gossip-wire §8.1).
func TestGossipPushWindow(t *testing.T) {
	for offset, taken := range map[int64]bool{-15_000: true, 15_000: true, -15_001: false, 15_001: false} {
		l := newLab(t, Light, Limits{})
		s := l.knows(newActor(1))
		l.hears(s.addr, s.push(t, s.hashes(1000, uint64(int64(l.clock)+offset))))
		if got := l.sees(s) == 1000; got != taken {
			t.Errorf("%d ms off: taken is %t, want %t", offset, got, taken)
		}
	}
}

// TestGossipPullWindow: who pulls must have about our time (gossip-wire §7.6).
func TestGossipPullWindow(t *testing.T) {
	for offset, answered := range map[int64]bool{-14_999: true, 14_999: true, -15_001: false, 15_001: false} {
		l := newLab(t, Light, Limits{})
		s, other := l.knows(newActor(1)), newActor(1000)
		l.table.Insert(signed(t, other.key, other.info(l.clock-20_000)), crds.Pulled, l.clock)
		out := l.hears(s.addr, s.request(t, partitionOf(l, other), uint64(int64(l.clock)+offset)))
		if got := len(only[*wire.PullResponse](out)) > 0; got != answered {
			t.Errorf("%d ms off: answered is %t, want %t", offset, got, answered)
		}
	}
}

// TestGossipPullResponsesHoldBackWhatIsYoung: what is younger than who asks, by up
// to a random 3750 ms, is probably on its way by push (gossip-wire §7.6).
func TestGossipPullResponsesHoldBackWhatIsYoung(t *testing.T) {
	for younger, want := range map[uint64]string{0: "always", 1875: "sometimes", 3750: "never"} {
		l := newLab(t, Light, Limits{PullBudget: 1 << 20})
		s, other := l.knows(newActor(1)), newActor(1000)
		l.table.Insert(signed(t, other.key, other.info(l.clock+younger)), crds.Pulled, l.clock)
		const times = 200
		answered := 0
		for range times {
			for _, m := range only[*wire.PullResponse](l.hears(s.addr, s.request(t, partitionOf(l, other), l.clock))) {
				if slices.ContainsFunc(m.Values, func(v wire.Value) bool { return v.Origin() == other.pubkey }) {
					answered++
				}
			}
		}
		got := "sometimes"
		switch answered {
		case 0:
			got = "never"
		case times:
			got = "always"
		}
		same(t, "answered", got, want)
	}
}

// TestGossipPullBudgetWithoutStakes is 20 KiB a second (gossip-wire §7.6, 4).
func TestGossipPullBudgetWithoutStakes(t *testing.T) {
	l := newLab(t, Full, Limits{})
	l.fill(20, 3000)
	s := l.knows(newActor(1))
	l.clock += 10_000
	size := 0
	const seconds = 5
	for i := range uint64(50 * seconds) {
		size += sizeTo(s.addr, l.hears(s.addr, s.request(t, i%64, l.clock)))
		l.clock += 20
	}
	if most := 10_240 + seconds*20_480; size > most || size < most-2*wire.MaxPacket {
		t.Errorf("%d bytes in %d s, want about %d", size, seconds, most)
	}
}

// TestGossipTimeouts: while stakes are known, what an unstaked node has said is
// forgotten when it has been silent for 15 s; what a staked one has said stays for
// two days, and so does everybody's while no stakes are known (gossip-wire §7.7).
func TestGossipTimeouts(t *testing.T) {
	for name, tt := range map[string]struct {
		staked bool // somebody is
		self   bool // this node is
		want   bool // it is still there after 20 s
	}{
		"no stakes known": {false, false, true}, "unstaked": {true, false, false}, "staked": {true, true, true},
	} {
		l := newLab(t, Light, Limits{})
		s := l.knows(newActor(1))
		l.hears(s.addr, s.push(t, s.hashes(1000, l.clock)))
		of := stakes{}
		if tt.staked {
			of[newActor(2).pubkey] = 100 * lamportsPerSOL
		}
		if tt.self {
			of[s.pubkey] = 100 * lamportsPerSOL
		}
		l.setStakes(of)
		l.passes(14 * time.Second)
		same(t, name+": is there after 14 s", l.sees(s), 1000)
		l.passes(6 * time.Second)
		same(t, name+": is there after 20 s", l.table.Has(s.pubkey), tt.want)
		l.passes(50 * time.Second)
		same(t, name+": is shown after a minute", len(l.peers(l.clock)), 0)
	}
}

// TestGossipHashesLiveAsLongAsTheContactInfo is Agave's rule for unstaked nodes
// (gossip-wire §7.7).
func TestGossipHashesLiveAsLongAsTheContactInfo(t *testing.T) {
	l := newLab(t, Light, Limits{})
	l.setStakes(stakes{newActor(2).pubkey: 100 * lamportsPerSOL})
	s := l.knows(newActor(1))
	l.hears(s.addr, s.push(t, s.hashes(1000, l.clock)))
	for range 6 {
		l.passes(10 * time.Second)
		l.hears(s.addr, s.push(t, s.info(l.clock)))
		same(t, "slot", l.sees(s), 1000)
	}
	l.passes(17 * time.Second)
	same(t, "is there", l.table.Has(s.pubkey), false)
}

// TestGossipPrunesWhoIsLate: after 20 values of an origin, all who relayed them but
// the best two are asked to stop, the origin itself never (gossip-wire §8.4).
func TestGossipPrunesWhoIsLate(t *testing.T) {
	l := newLab(t, Full, Limits{})
	var relayers []actor
	for i := range 5 {
		relayers = append(relayers, l.knows(newActor(1+i)))
	}
	origin := relayers[4]
	prunes := make(map[wire.Pubkey]int) // origins, by whom they go to
	deliver := func(slot uint64) {
		l.clock += 100
		m := origin.push(t, origin.hashes(slot, l.clock))
		for _, r := range relayers {
			m.From = r.pubkey
			for _, p := range only[*wire.Prune](l.hears(r.addr, m)) {
				same(t, "pruned origin", p.Origins[0], origin.pubkey)
				same(t, "error of the prune", p.Verify(), nil)
				prunes[p.Destination] += len(p.Origins)
			}
		}
	}
	for slot := range uint64(18) { // the contact info was the first value
		deliver(1000 + slot)
	}
	same(t, "prunes after 19 values", len(prunes), 0)
	deliver(2000)
	for i, want := range []int{0, 0, 1, 1, 0} {
		same(t, "prunes for a relayer", prunes[relayers[i].pubkey], want)
	}
}

// TestGossipLightPrunes by the values that it keeps: votes, which it does not
// verify, say nothing about who relays them.
func TestGossipLightPrunes(t *testing.T) {
	l := newLab(t, Light, Limits{})
	fast, second, slow := l.knows(newActor(1)), l.knows(newActor(2)), l.knows(newActor(3))
	origin := l.knows(newActor(4))
	prunes := make(map[wire.Pubkey]int)
	relay := func(v wire.Verified) {
		for _, r := range []actor{fast, second, slow} {
			for _, p := range only[*wire.Prune](l.hears(r.addr, &wire.Push{From: r.pubkey, Values: []wire.Value{v.Value()}})) {
				prunes[p.Destination]++
			}
		}
	}
	for range 100 {
		l.clock += 10
		relay(madeVote(t, origin.key, 0, l.clock))
	}
	same(t, "prunes for votes", len(prunes), 0)
	same(t, "votes kept", l.table.Stats().Values[wire.KindVote], 0)
	for slot := range uint64(10) {
		l.clock += 10
		relay(signed(t, origin.key, origin.hashes(1000+slot, l.clock)))
	}
	if prunes[slow.pubkey] == 0 || prunes[fast.pubkey]+prunes[second.pubkey] > 0 {
		t.Errorf("prunes are %d for the fast, %d for the second and %d for the slow, want some for the slow only",
			prunes[fast.pubkey], prunes[second.pubkey], prunes[slow.pubkey])
	}
}

// TestGossipOldPulledValues: of an old value in a pull response it counts whether
// its origin is known to live (gossip-wire §7.7).
func TestGossipOldPulledValues(t *testing.T) {
	l := newLab(t, Full, Limits{})
	l.setStakes(stakes{newActor(9).pubkey: 100 * lamportsPerSOL})
	s := l.knows(newActor(1))
	old := madeVote(t, s.key, 1, l.clock-60_000)
	l.hears(s.addr, &wire.PullResponse{Values: []wire.Value{old.Value()}})
	same(t, "old vote of a known node is kept", l.kept(wire.KindVote), 1)
	l.passes(20 * time.Second)
	same(t, "node is there without news", l.table.Has(s.pubkey), false)
}

func (l *lab) kept(k wire.Kind) int { return l.table.Stats().Values[k] }

// TestGossipFiltersCoverWhatIsRefused: what a light node does not keep is in its
// pull filters all the same (gossip-wire §11.5).
func TestGossipFiltersCoverWhatIsRefused(t *testing.T) {
	l := newLab(t, Light, Limits{})
	s := l.knows(newActor(1))
	var hashes []wire.Hash
	for i := range uint8(12) {
		v := madeVote(t, s.key, i, l.clock)
		hashes = append(hashes, v.Hash())
		l.hears(s.addr, &wire.Push{From: s.pubkey, Values: []wire.Value{v.Value()}})
	}
	covered := make(map[wire.Hash]bool)
	for _, request := range only[*wire.PullRequest](l.passes(30 * time.Second)) {
		if request.Filter.MaskBits < 6 {
			t.Errorf("mask has %d bits, want at least 6", request.Filter.MaskBits)
		}
		for _, h := range hashes {
			if request.Filter.Covers(h) {
				covered[h] = true
				same(t, "is in the filter", request.Filter.Contains(h), true)
			}
		}
	}
	if len(covered) < len(hashes)/2 {
		t.Errorf("%d of %d votes were in the partition of a filter, want most", len(covered), len(hashes))
	}
}

// TestGossipIntroductions: who proves its address is told at once who we are, and
// in another packet what we serve, if we do (gossip-wire §11.2).
func TestGossipIntroductions(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*lab)
		want   []wire.Kind
	}{
		"serving":              {func(*lab) {}, []wire.Kind{wire.KindContactInfo, wire.KindSnapshotHashes}},
		"withdrawn":            {func(l *lab) { l.setServing(false, l.clock) }, []wire.Kind{wire.KindContactInfo}},
		"nothing to serve now": {func(l *lab) { l.announce(nil, l.clock) }, []wire.Kind{wire.KindContactInfo}},
	} {
		l := newLab(t, Light, Limits{})
		l.announce(snapshotsAt(1000, 0), l.clock)
		l.passes(2 * time.Second)
		tt.change(l)
		l.passes(time.Second)
		s := l.knows(newActor(1))
		var kinds []wire.Kind
		for _, push := range only[*wire.Push](l.passes(500 * time.Millisecond)) {
			same(t, name+": values in a packet", len(push.Values), 1)
			kinds = append(kinds, push.Values[0].Kind())
		}
		if !slices.Equal(kinds, tt.want) {
			t.Errorf("%s: %v is told %v, want %v", name, s.addr, kinds, tt.want)
		}
	}
}
