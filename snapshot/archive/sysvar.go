package archive

import (
	"math"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// The sysvar accounts (Agave, crate solana-sysvar): what programs may ask about
// the bank. All but those of which there can be few numbers have the size that
// they have when full, padded with zeros.
var (
	sysvarOwner       = wellKnown("Sysvar1111111111111111111111111111111111111")
	clockSysvar       = wellKnown("SysvarC1ock11111111111111111111111111111111")
	scheduleSysvar    = wellKnown("SysvarEpochSchedu1e111111111111111111111111")
	restartSysvar     = wellKnown("SysvarLastRestartS1ot1111111111111111111111")
	blockhashesSysvar = wellKnown("SysvarRecentB1ockHashes11111111111111111111")
	rentSysvar        = wellKnown("SysvarRent111111111111111111111111111111111")
	hashesSysvar      = wellKnown("SysvarS1otHashes111111111111111111111111111")
	historySysvar     = wellKnown("SysvarS1otHistory11111111111111111111111111")
	stakeSysvar       = wellKnown("SysvarStakeHistory1111111111111111111111111")
)

// How much the sysvars hold: MAX_ENTRIES of each.
const (
	maxRecentBlockhashes = 150
	maxSlotHashes        = 512
	maxStakeHistory      = 512
	slotHistoryBits      = 1 << 20
)

// sysvar is the account of a sysvar of this cluster.
func (c *Cluster) sysvar(address manifest.Pubkey, data []byte) Account {
	return Account{address, manifest.Account{Lamports: c.rentExempt(len(data)), Data: data, Owner: sysvarOwner}}
}

// fixedSysvars are those that a cluster without restarts never changes.
func (c *Cluster) fixedSysvars() []Account {
	return []Account{
		c.sysvar(scheduleSysvar, appendEpochSchedule(nil, c.EpochSchedule)),
		c.sysvar(rentSysvar, appendRent(nil, c.Rent)),
		c.sysvar(restartSysvar, appendUint64s(nil, 0)),
	}
}

// slotSysvars are those that each slot of the bank's writes anew. Every slot up
// to the bank's has a block; parents are their bank hashes, the newest first.
func (b *Bank) slotSysvars(parents []snapshot.Hash) []Account {
	c := b.Cluster
	return []Account{
		c.sysvar(clockSysvar, b.clock()),
		c.sysvar(blockhashesSysvar, b.recentBlockhashes()),
		c.sysvar(hashesSysvar, b.slotHashes(parents)),
		c.sysvar(historySysvar, slotHistory(b.Slot)),
		c.sysvar(stakeSysvar, stakeHistory(b.Stakes.History)),
	}
}

func (b *Bank) clock() []byte {
	c := b.Cluster
	epoch := c.EpochSchedule.Epoch(b.Slot).Epoch
	seconds := func(slot snapshot.Slot) uint64 { return uint64(c.timeOf(slot) / int64(time.Second)) }
	return appendUint64s(nil,
		uint64(b.Slot),
		seconds(c.EpochSchedule.FirstSlot(epoch)),
		epoch,
		c.EpochSchedule.LeaderScheduleEpoch(b.Slot),
		seconds(b.Slot),
	)
}

// recentBlockhashes has the newest first.
func (b *Bank) recentBlockhashes() []byte {
	n := min(len(b.Blockhashes), maxRecentBlockhashes)
	data := appendUint64s(make([]byte, 0, 8+maxRecentBlockhashes*(32+8)), uint64(n))
	for i := range n {
		data = append(data, b.Blockhashes[len(b.Blockhashes)-1-i][:]...)
		data = appendUint64s(data, b.LamportsPerSignature)
	}
	return data[:cap(data)]
}

func (b *Bank) slotHashes(parents []snapshot.Hash) []byte {
	data := appendUint64s(make([]byte, 0, 8+maxSlotHashes*(8+32)), uint64(len(parents)))
	for i, hash := range parents {
		data = appendUint64s(data, uint64(b.Slot)-1-uint64(i))
		data = append(data, hash[:]...)
	}
	return data[:cap(data)]
}

// slotHistory has a bit for each of the slots up to the newest. There is one at
// most for a slot 2^20 slots back, and the newer slot has it.
func slotHistory(newest snapshot.Slot) []byte {
	const words = slotHistoryBits / 64
	data := appendUint64s([]byte{1}, words) // the vector of bits has blocks
	bits := min(uint64(newest)+1, slotHistoryBits)
	for word := range uint64(words) {
		set := min(64, bits-min(bits, 64*word))
		data = appendUint64s(data, 1<<set-1)
	}
	return appendUint64s(data, slotHistoryBits, uint64(newest)+1)
}

// stakeHistory takes the newest epoch first, as the manifest has it.
func stakeHistory(history []manifest.StakeHistory) []byte {
	data := appendUint64s(make([]byte, 0, 8+maxStakeHistory*32), uint64(len(history)))
	for _, h := range history {
		data = appendUint64s(data, h.Epoch, h.Effective, h.Activating, h.Deactivating)
	}
	return data[:cap(data)]
}

// newestSlots are the slots up to newest, the oldest first, so many at most.
func newestSlots(newest snapshot.Slot, most uint64) []snapshot.Slot {
	n := min(uint64(newest), most-1) + 1
	slots := make([]snapshot.Slot, n)
	for i := range slots {
		slots[i] = newest - snapshot.Slot(n-1) + snapshot.Slot(i)
	}
	return slots
}

// exemptFromRent is the rent epoch of every account that holds enough.
const exemptFromRent = math.MaxUint64
