package manifest

import (
	"errors"
	"math"
	"math/big"
	"testing"
)

// TestLeaderScheduleNamesTheRealLeader holds schedules against the leader of the
// bank's own slot. On testnet 456 vote accounts had stake, and each of the
// draws before that slot's must be right.
func TestLeaderScheduleNamesTheRealLeader(t *testing.T) {
	for name, staked := range map[string]int{testnet: 456, fullV2: 2} {
		t.Run(name, func(t *testing.T) {
			m := decode(t, fixture(t, name))
			now := m.Epoch()
			schedule, err := m.LeaderSchedule(now.Epoch)
			if err != nil {
				t.Fatal(err)
			}
			check(t, "slots", schedule.Slots(), now.SlotsInEpoch)
			check(t, "nodes", len(schedule.Nodes), staked)
			leader, ok := schedule.Leader(now.SlotIndex)
			check(t, "has leader", ok, true)
			check(t, "leader", leader, m.Bank.LeaderID)
			_, ok = schedule.Leader(schedule.Slots())
			check(t, "has leader beyond the epoch", ok, false)
			checkShares(t, m, schedule)
		})
	}
}

// checkShares checks that nodes lead as often as they have stake, within five
// standard deviations.
func checkShares(t *testing.T, m *Manifest, schedule *LeaderSchedule) {
	t.Helper()
	stakes, err := m.EpochStakes(schedule.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	leads := make(map[Pubkey]float64)
	for slot := uint64(0); slot < schedule.Slots(); slot += turn {
		leader, _ := schedule.Leader(slot)
		leads[leader]++
	}
	turns := float64(schedule.Slots() / turn)
	for _, node := range stakes.Nodes {
		share := float64(node.TotalStake) / float64(stakes.TotalStake)
		deviation := math.Sqrt(turns * share * (1 - share))
		if got := leads[node.Node]; math.Abs(got-turns*share) > 5*deviation+1 {
			t.Errorf("%s leads %v times, want about %v", node.Node, got, turns*share)
		}
	}
}

// stakesOf makes epoch stakes of vote accounts 1, 2, …, of nodes 101, 102, ….
func stakesOf(epoch uint64, stakes ...uint64) EpochStakes {
	s := EpochStakes{Epoch: epoch}
	for i, stake := range stakes {
		s.Stakes.VoteAccounts = append(s.Stakes.VoteAccounts, VoteAccount{Pubkey: Pubkey{byte(i + 1)}, Node: Pubkey{byte(i + 101)}, Stake: stake})
		s.Nodes = append(s.Nodes, NodeVoteAccounts{Node: Pubkey{byte(i + 101)}, TotalStake: stake})
		s.TotalStake = saturatingAdd(s.TotalStake, stake)
	}
	return s
}

func TestLeaderSchedule(t *testing.T) {
	unnamed := stakesOf(5, 10)
	unnamed.Stakes.VoteAccounts[0].Node = Pubkey{}
	for name, tt := range map[string]struct {
		stakes EpochStakes
		slots  uint64
		nodes  []Pubkey
		want   string // a part of the error; "" for none
	}{
		"one leads always":     {stakesOf(5, 0, 7), 432000, []Pubkey{{102}}, ""},
		"highest stake first":  {stakesOf(5, 1, 3, 2), 32, []Pubkey{{102}, {103}, {101}}, ""},
		"then highest address": {stakesOf(5, 2, 2, 2), 32, []Pubkey{{103}, {102}, {101}}, ""},
		"all the stake":        {stakesOf(5, math.MaxUint64), 32, []Pubkey{{101}}, ""},
		"odd number of slots":  {stakesOf(5, 7), 33, []Pubkey{{101}}, ""},
		"no slots":             {stakesOf(5, 7), 0, []Pubkey{{101}}, ""},
		"too much stake":       {stakesOf(5, math.MaxUint64, 1), 32, nil, "more than 2^64 lamports"},
		"no stake":             {stakesOf(5, 0, 0), 32, nil, "nobody has stake"},
		"no vote accounts":     {stakesOf(5), 32, nil, "nobody has stake"},
		"no node":              {unnamed, 32, nil, "names no node"},
		"endless epoch":        {stakesOf(5, 7), maxScheduleSlots + 1, nil, "4320001 slots, want at most 4320000"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &Manifest{Bank: Bank{EpochSchedule: EpochSchedule{SlotsPerEpoch: tt.slots}}, Extra: Extra{EpochStakes: []EpochStakes{tt.stakes}}}
			schedule, err := m.LeaderSchedule(5)
			checkError(t, err, tt.want)
			if err != nil {
				return
			}
			check(t, "number of nodes", len(schedule.Nodes), len(tt.nodes))
			for i, node := range schedule.Nodes {
				check(t, "node", node, tt.nodes[i])
			}
			for slot := range tt.slots {
				if leader, ok := schedule.Leader(slot); !ok || len(tt.nodes) == 1 && leader != tt.nodes[0] {
					t.Fatalf("slot %d is led by %v, %v", slot, leader, ok)
				}
			}
		})
	}
}

// TestSharesOfLamports has stakes so small that a draw off by one shows.
func TestSharesOfLamports(t *testing.T) {
	m := &Manifest{Bank: Bank{EpochSchedule: EpochSchedule{SlotsPerEpoch: 432000}}, Extra: Extra{EpochStakes: []EpochStakes{stakesOf(5, 1, 2, 1)}}}
	schedule, err := m.LeaderSchedule(5)
	if err != nil {
		t.Fatal(err)
	}
	checkShares(t, m, schedule)
}

// TestWeightedDraws holds draws against the definition in whole numbers, for a
// total of which a quarter of all draws is refused.
func TestWeightedDraws(t *testing.T) {
	stakes := stakesOf(1, 1<<63, 1<<62)
	draw, err := newWeighted(stakes.staked())
	if err != nil {
		t.Fatal(err)
	}
	total := new(big.Int).SetUint64(3 << 62)
	random, same := newChacha20(9), newChacha20(9)
	refused := 0
	for range 1000 {
		var high, low *big.Int
		for {
			product := new(big.Int).SetUint64(same.uint64())
			product.Mul(product, total)
			high, low = new(big.Int).Rsh(product, 64), product.And(product, new(big.Int).SetUint64(math.MaxUint64))
			if low.Cmp(new(big.Int).SetUint64(math.MaxUint64-1<<62)) <= 0 {
				break
			}
			refused++
		}
		want := 0
		if high.Cmp(new(big.Int).SetUint64(1<<63)) >= 0 {
			want = 1
		}
		check(t, "index", draw.next(random), want)
	}
	check(t, "some were refused", refused > 100, true)
}

func TestLeaderScheduleOfAnotherEpoch(t *testing.T) {
	m := &Manifest{Extra: Extra{EpochStakes: []EpochStakes{stakesOf(5, 1), stakesOf(6, 1)}}}
	_, err := m.LeaderSchedule(7)
	checkError(t, err, "no epoch stakes for epoch 7, only for [5 6]")
	if !errors.Is(err, ErrNoEpochStakes) {
		t.Errorf("got %v, want ErrNoEpochStakes", err)
	}
}

func BenchmarkLeaderSchedule(b *testing.B) {
	m := decode(b, fixture(b, testnet))
	for b.Loop() {
		if _, err := m.LeaderSchedule(980); err != nil {
			b.Fatal(err)
		}
	}
}
