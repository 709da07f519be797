package manifest

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"solsnap/snapshot"
)

// The schedules of the public clusters.
var (
	mainnetSchedule = EpochSchedule{SlotsPerEpoch: 432000, LeaderScheduleSlotOffset: 432000}
	testnetSchedule = EpochSchedule{432000, 432000, true, 14, 524256}
)

func TestEpoch(t *testing.T) {
	for name, tt := range map[string]struct {
		schedule    EpochSchedule
		slot        snapshot.Slot
		want        EpochInfo
		leaderEpoch uint64
	}{
		"mainnet, first slot":          {mainnetSchedule, 0, EpochInfo{0, 0, 432000}, 1},
		"mainnet, last of epoch":       {mainnetSchedule, 431999, EpochInfo{0, 431999, 432000}, 1},
		"mainnet, epoch 1020":          {mainnetSchedule, 440640000, EpochInfo{1020, 0, 432000}, 1021},
		"warm-up, first slot":          {testnetSchedule, 0, EpochInfo{0, 0, 32}, 1},
		"warm-up, last of epoch 0":     {testnetSchedule, 31, EpochInfo{0, 31, 32}, 1},
		"warm-up, first of epoch 1":    {testnetSchedule, 32, EpochInfo{1, 0, 64}, 2},
		"warm-up, last of epoch 1":     {testnetSchedule, 95, EpochInfo{1, 63, 64}, 2},
		"warm-up, slot 100":            {testnetSchedule, 100, EpochInfo{2, 4, 128}, 3},
		"warm-up, last of all":         {testnetSchedule, 524255, EpochInfo{13, 262143, 262144}, 14},
		"normal, first":                {testnetSchedule, 524256, EpochInfo{14, 0, 432000}, 15},
		"normal, June 2026":            {testnetSchedule, 417955321, EpochInfo{980, 119065, 432000}, 981},
		"normal, last slot of all":     {testnetSchedule, math.MaxUint64, EpochInfo{42700796466933, 19359, 432000}, 42700796466934},
		"schedule half as far ahead":   {EpochSchedule{SlotsPerEpoch: 100, LeaderScheduleSlotOffset: 50}, 149, EpochInfo{1, 49, 100}, 1},
		"and then decided":             {EpochSchedule{SlotsPerEpoch: 100, LeaderScheduleSlotOffset: 50}, 150, EpochInfo{1, 50, 100}, 2},
		"no slots in an epoch":         {EpochSchedule{FirstNormalEpoch: 3}, 7, EpochInfo{3, 7, 0}, 3},
		"no warm-up, but a first slot": {EpochSchedule{100, 100, false, 10, 7}, 3, EpochInfo{10, 0, 100}, 11},
		"zero":                         {EpochSchedule{}, 0, EpochInfo{}, 0},
		"warm-up for ever":             {EpochSchedule{1, 1, true, 60, math.MaxUint64}, math.MaxUint64 - 1, EpochInfo{58, 1<<63 + 30, 1 << 63}, 59},
		"no end of epochs":             {EpochSchedule{1, 1, false, math.MaxUint64, 0}, 5, EpochInfo{math.MaxUint64, 0, 1}, math.MaxUint64},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, "Epoch", tt.schedule.Epoch(tt.slot), tt.want)
			check(t, "LeaderScheduleEpoch", tt.schedule.LeaderScheduleEpoch(tt.slot), tt.leaderEpoch)
		})
	}
}

// TestEpochsJoin walks over the border of any epoch of any sane schedule: the
// slots of an epoch are numbered from its first slot, and the next epoch begins
// where they end.
func TestEpochsJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schedule := mainnetSchedule
		if rapid.Bool().Draw(t, "warm-up") {
			bits := rapid.Uint64Range(6, 30).Draw(t, "bits")
			schedule = EpochSchedule{1 << bits, 1 << bits, true, bits - 5, snapshot.Slot(1<<bits - 32)}
		}
		epoch := rapid.Uint64Range(0, 5000).Draw(t, "epoch")
		length := schedule.SlotsInEpoch(epoch)
		first := schedule.FirstSlot(epoch)
		if got := schedule.FirstSlot(epoch + 1); got != first+snapshot.Slot(length) {
			t.Fatalf("epoch %d of %d slots begins at %d, and the next at %d", epoch, length, first, got)
		}
		index := rapid.Uint64Range(0, length-1).Draw(t, "slot index")
		if got, want := schedule.Epoch(first+snapshot.Slot(index)), (EpochInfo{epoch, index, length}); got != want {
			t.Fatalf("slot %d is at %v, want %v", uint64(first)+index, got, want)
		}
	})
}

func TestEpochScheduleOverflow(t *testing.T) {
	for name, tt := range map[string]struct {
		schedule EpochSchedule
		epoch    uint64
		slots    uint64
		first    snapshot.Slot
	}{
		"warm-up, epoch 58":  {EpochSchedule{1, 1, true, 100, 0}, 58, 1 << 63, 1<<63 - 32},
		"warm-up, epoch 59":  {EpochSchedule{1, 1, true, 100, 0}, 59, math.MaxUint64, math.MaxUint64},
		"warm-up, last":      {EpochSchedule{1, 1, true, math.MaxUint64, 0}, math.MaxUint64 - 1, math.MaxUint64, math.MaxUint64},
		"normal, product":    {EpochSchedule{1 << 40, 1, false, 0, 0}, 1 << 24, 1 << 40, math.MaxUint64},
		"normal, sum":        {EpochSchedule{1 << 63, 1, false, 0, 1 << 63}, 1, 1 << 63, math.MaxUint64},
		"before first epoch": {EpochSchedule{100, 100, false, 10, 7}, 3, 100, 7},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, "SlotsInEpoch", tt.schedule.SlotsInEpoch(tt.epoch), tt.slots)
			check(t, "FirstSlot", tt.schedule.FirstSlot(tt.epoch), tt.first)
		})
	}
}
