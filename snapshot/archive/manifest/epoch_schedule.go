package manifest

import (
	"math"
	"math/bits"

	"solsnap/snapshot"
)

// minSlotsPerEpoch is the length of epoch 0 during warm-up, 2^minEpochBits:
// MINIMUM_SLOTS_PER_EPOCH of Agave's solana-epoch-schedule.
const (
	minSlotsPerEpoch = 1 << minEpochBits
	minEpochBits     = 5
)

// EpochSchedule divides slots into epochs. With warm-up, epoch 0 has 32 slots
// and each one twice as many as the last, until FirstNormalEpoch. No number in
// it makes its methods panic; where Agave would overflow, they give the largest
// uint64.
type EpochSchedule struct {
	SlotsPerEpoch uint64
	// LeaderScheduleSlotOffset is how many slots before an epoch its leader
	// schedule is known.
	LeaderScheduleSlotOffset uint64
	Warmup                   bool
	FirstNormalEpoch         uint64
	FirstNormalSlot          snapshot.Slot
}

func (s *EpochSchedule) walk(c *codec) {
	uint64Field(c, "slots_per_epoch", &s.SlotsPerEpoch)
	uint64Field(c, "leader_schedule_slot_offset", &s.LeaderScheduleSlotOffset)
	c.bool("warmup", &s.Warmup)
	uint64Field(c, "first_normal_epoch", &s.FirstNormalEpoch)
	uint64Field(c, "first_normal_slot", &s.FirstNormalSlot)
}

// EpochInfo is where in which epoch a slot is.
type EpochInfo struct {
	Epoch uint64
	// SlotIndex counts from the epoch's first slot, which has 0.
	SlotIndex    uint64
	SlotsInEpoch uint64
}

// Epoch is where the bank's slot is. Bank.Epoch does not say: Agave writes 0.
func (m *Manifest) Epoch() EpochInfo { return m.Bank.EpochSchedule.Epoch(m.Bank.Slot) }

// Epoch says where slot is.
func (s EpochSchedule) Epoch(slot snapshot.Slot) EpochInfo {
	if s.warmingUp(slot) {
		return warmupEpoch(uint64(slot))
	}
	epochs, index := s.divide(s.normalIndex(slot))
	return EpochInfo{saturatingAdd(s.FirstNormalEpoch, epochs), index, s.SlotsPerEpoch}
}

// warmupEpoch is the epoch whose slots end below the next power of two, less
// the 32 that an epoch before epoch 0 would have had.
func warmupEpoch(slot uint64) EpochInfo {
	epoch := uint64(bits.Len64(saturatingAdd(slot, minSlotsPerEpoch)) - 1 - minEpochBits)
	length := uint64(1) << (epoch + minEpochBits)
	return EpochInfo{epoch, slot - (length - minSlotsPerEpoch), length}
}

func (s EpochSchedule) warmingUp(slot snapshot.Slot) bool {
	return s.Warmup && slot < s.FirstNormalSlot
}

// normalIndex counts from the first slot of an epoch of full length.
func (s EpochSchedule) normalIndex(slot snapshot.Slot) uint64 {
	return uint64(slot - min(slot, s.FirstNormalSlot))
}

// divide counts whole epochs and the slots beyond them. An epoch of no slots,
// which no cluster has, never ends.
func (s EpochSchedule) divide(slots uint64) (epochs, rest uint64) {
	if s.SlotsPerEpoch == 0 {
		return 0, slots
	}
	return slots / s.SlotsPerEpoch, slots % s.SlotsPerEpoch
}

// SlotsInEpoch is how many slots the epoch has.
func (s EpochSchedule) SlotsInEpoch(epoch uint64) uint64 {
	if !s.Warmup || epoch >= s.FirstNormalEpoch {
		return s.SlotsPerEpoch
	}
	if epoch >= 64-minEpochBits {
		return math.MaxUint64
	}
	return 1 << (epoch + minEpochBits)
}

// FirstSlot is the epoch's first slot.
func (s EpochSchedule) FirstSlot(epoch uint64) snapshot.Slot {
	if s.Warmup && epoch < s.FirstNormalEpoch {
		slots := s.SlotsInEpoch(epoch)
		if slots == math.MaxUint64 {
			return math.MaxUint64
		}
		return snapshot.Slot(slots - minSlotsPerEpoch)
	}
	overflow, slots := bits.Mul64(epoch-min(epoch, s.FirstNormalEpoch), s.SlotsPerEpoch)
	if overflow != 0 {
		return math.MaxUint64
	}
	return snapshot.Slot(saturatingAdd(slots, uint64(s.FirstNormalSlot)))
}

// LeaderScheduleEpoch is the last epoch whose leaders are decided by the time of
// slot. A bank keeps epoch stakes up to that one.
func (s EpochSchedule) LeaderScheduleEpoch(slot snapshot.Slot) uint64 {
	if s.warmingUp(slot) {
		return s.Epoch(slot).Epoch + 1
	}
	epochs, _ := s.divide(saturatingAdd(s.normalIndex(slot), s.LeaderScheduleSlotOffset))
	return saturatingAdd(s.FirstNormalEpoch, epochs)
}
