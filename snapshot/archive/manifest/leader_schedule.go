package manifest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sort"
)

// turn is for how many slots in a row a leader leads:
// NUM_CONSECUTIVE_LEADER_SLOTS of Agave.
const turn = 4

// maxScheduleSlots is ten times an epoch of any public cluster. The length of an
// epoch in a manifest may be anything.
const maxScheduleSlots = 4_320_000

// LeaderSchedule says who leads in each slot of an epoch.
type LeaderSchedule struct {
	// Epoch is the one that it is for.
	Epoch uint64
	// Nodes are the identities of those with stake, the highest stake first. A
	// node with several vote accounts is there several times.
	Nodes []Pubkey

	turns []uint32 // indices of Nodes, one for each turn
	slots uint64
}

// LeaderSchedule draws the leaders of an epoch from its epoch stakes. The error
// wraps ErrNoEpochStakes when there are none.
func (m *Manifest) LeaderSchedule(epoch uint64) (*LeaderSchedule, error) {
	stakes, err := m.EpochStakes(epoch)
	if err != nil {
		return nil, err
	}
	schedule, err := stakes.leaderSchedule(m.Bank.EpochSchedule.SlotsInEpoch(epoch))
	if err != nil {
		return nil, fmt.Errorf("leader schedule of epoch %d: %w", epoch, err)
	}
	return schedule, nil
}

// Slots is how many slots the epoch has.
func (s *LeaderSchedule) Slots() uint64 { return s.slots }

// Leader is the identity that leads in a slot of the epoch, whose first slot has
// index 0. It is false beyond the epoch.
func (s *LeaderSchedule) Leader(slotIndex uint64) (Pubkey, bool) {
	if slotIndex >= s.slots {
		return Pubkey{}, false
	}
	return s.Nodes[s.turns[slotIndex/turn]], true
}

// leaderSchedule draws one leader for each four slots, as Agave's
// ledger/src/leader_schedule.rs does.
func (s *EpochStakes) leaderSchedule(slots uint64) (*LeaderSchedule, error) {
	if slots > maxScheduleSlots {
		return nil, fmt.Errorf("%d slots, want at most %d", slots, maxScheduleSlots)
	}
	staked := s.staked()
	draw, err := newWeighted(staked)
	if err != nil {
		return nil, err
	}
	schedule := &LeaderSchedule{Epoch: s.Epoch, slots: slots, turns: make([]uint32, (slots+turn-1)/turn)}
	for _, v := range staked {
		if v.Node.IsZero() {
			return nil, fmt.Errorf("vote account %s names no node", v.Pubkey)
		}
		schedule.Nodes = append(schedule.Nodes, v.Node)
	}
	random := newChacha20(s.Epoch)
	for i := range schedule.turns {
		schedule.turns[i] = uint32(draw.next(random))
	}
	return schedule, nil
}

// staked are the vote accounts with stake: by stake and then by address, both
// descending.
func (s *EpochStakes) staked() []*VoteAccount {
	var staked []*VoteAccount
	for i := range s.Stakes.VoteAccounts {
		if v := &s.Stakes.VoteAccounts[i]; v.Stake > 0 {
			staked = append(staked, v)
		}
	}
	slices.SortFunc(staked, func(a, b *VoteAccount) int {
		return cmp.Or(cmp.Compare(b.Stake, a.Stake), bytes.Compare(b.Pubkey[:], a.Pubkey[:]))
	})
	return staked
}

// weighted draws indices with the probability of their weight: Rust's
// WeightedIndex over u64, rand 0.8.
type weighted struct {
	cumulative []uint64
	total      uint64
	zone       uint64 // the highest low half at which a draw counts
}

func newWeighted(staked []*VoteAccount) (*weighted, error) {
	w := new(weighted)
	for _, v := range staked {
		total, carry := bits.Add64(w.total, v.Stake, 0)
		if carry != 0 {
			return nil, errors.New("stakes add up to more than 2^64 lamports")
		}
		w.total = total
		w.cumulative = append(w.cumulative, total)
	}
	if w.total == 0 {
		return nil, fmt.Errorf("nobody has stake: %w", ErrNoEpochStakes)
	}
	w.zone = ^(-w.total % w.total) // 2^64-1 less (2^64 - total) mod total
	return w, nil
}

// next multiplies a random number with the total; the high half is uniform where
// the low half is in the zone.
func (w *weighted) next(random *chacha20) int {
	for {
		chosen, low := bits.Mul64(random.uint64(), w.total)
		if low <= w.zone {
			return sort.Search(len(w.cumulative), func(i int) bool { return w.cumulative[i] > chosen })
		}
	}
}
