package archive

import (
	"encoding/binary"
	"math"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// validator is the only one of a development cluster: it has all the stake, since
// genesis, and votes for every slot.
type validator struct {
	identity, vote, stakeAccount manifest.Pubkey
	stake                        uint64 // lamports
}

// The sizes of the accounts, whatever is in them: VoteStateV3::size_of of Agave's
// solana-vote-interface, StakeStateV2::size_of of solana-stake-interface.
const (
	voteStateSize  = 3762
	stakeStateSize = 200
)

// What a vote account keeps, and what a vote earns that comes in the next slot
// (Agave, crate solana-vote-interface).
const (
	maxLockouts        = 31
	maxEpochCredits    = 64
	maxCreditsPerVote  = 16
	latencyOfNextBlock = 1
)

// genesisAccounts are the validator's accounts in genesis.bin.
func (v *validator) genesisAccounts(c *Cluster) []Account {
	return []Account{
		{v.identity, manifest.Account{Lamports: 500_000_000_000, Owner: systemProgram, RentEpoch: exemptFromRent}},
		v.voteAccount(c, 0),
		v.stakeAccountOf(c),
	}
}

// stakeAccountOf is a StakeStateV2::Stake that was delegated at genesis. The bank
// pays no rewards, so it never changes.
func (v *validator) stakeAccountOf(c *Cluster) Account {
	reserve := c.rentExempt(stakeStateSize)
	data := binary.LittleEndian.AppendUint32(make([]byte, 0, stakeStateSize), 2)
	data = appendUint64s(data, reserve)
	data = append(data, v.identity[:]...)                     // may stake
	data = append(data, v.identity[:]...)                     // may withdraw
	data = append(data, make([]byte, 8+8+32)...)              // no lockup
	data = append(data, v.vote[:]...)                         // delegated to
	data = appendUint64s(data, v.stake, math.MaxUint64)       // from genesis on
	data = appendUint64s(data, math.MaxUint64, 0, 0)          // until never; reserved; no credits observed
	data = append(data, make([]byte, cap(data)-len(data))...) // flags, padding
	return Account{v.stakeAccount, manifest.Account{
		Lamports: reserve + v.stake, Data: data, Owner: stakeProgram, RentEpoch: exemptFromRent,
	}}
}

// delegation says what the stake account's data says.
func (v *validator) delegation() manifest.Delegation {
	return manifest.Delegation{
		StakeAccount: v.stakeAccount, Voter: v.vote, Stake: v.stake,
		ActivationEpoch: math.MaxUint64, DeactivationEpoch: math.MaxUint64,
	}
}

// voteAccount is the vote account in the bank of slot: a VoteStateV3, which every
// version of Agave reads. The block of a slot has the vote for the slot before.
func (v *validator) voteAccount(c *Cluster, slot snapshot.Slot) Account {
	epoch := c.EpochSchedule.Epoch(slot).Epoch
	data := binary.LittleEndian.AppendUint32(make([]byte, 0, voteStateSize), 2)
	data = append(data, v.identity[:]...)
	data = append(data, v.identity[:]...) // may withdraw
	data = append(data, 0)                // per cent of commission
	data = appendVotes(data, slot)
	data = appendUint64s(data, 1, epoch)
	data = append(data, v.identity[:]...) // votes from the epoch on
	data = append(data, make([]byte, 32*(32+8+8))...)
	data = append(appendUint64s(data, 31), 1) // no voter before it
	data = appendCredits(data, c, slot)
	data = appendTimestamp(data, c, slot)
	data = append(data, make([]byte, cap(data)-len(data))...)
	return Account{v.vote, manifest.Account{
		Lamports: c.rentExempt(voteStateSize), Data: data, Owner: voteProgram, RentEpoch: exemptFromRent,
	}}
}

// appendVotes writes the tower of a validator that has missed no slot, and its
// root.
func appendVotes(data []byte, slot snapshot.Slot) []byte {
	votes := min(uint64(slot), maxLockouts)
	data = appendUint64s(data, votes)
	for confirmations := votes; confirmations > 0; confirmations-- {
		data = append(data, latencyOfNextBlock)
		data = appendUint64s(data, uint64(slot)-confirmations)
		data = binary.LittleEndian.AppendUint32(data, uint32(confirmations))
	}
	if slot <= maxLockouts {
		return appendOptionalUint64(data, nil)
	}
	root := uint64(slot) - maxLockouts - 1
	return appendOptionalUint64(data, &root)
}

// appendCredits writes the credits of the newest epochs: a vote earns them when
// it becomes the root.
func appendCredits(data []byte, c *Cluster, slot snapshot.Slot) []byte {
	const firstRoot = maxLockouts + 1 // is the slot in which there is the first root
	if slot < firstRoot {
		return appendUint64s(data, 0)
	}
	earnedBefore := func(slot snapshot.Slot) uint64 { return maxCreditsPerVote * uint64(slot-min(slot, firstRoot)) }
	last := c.EpochSchedule.Epoch(slot).Epoch
	first := max(c.EpochSchedule.Epoch(firstRoot).Epoch, last+1-min(last+1, maxEpochCredits))
	data = appendUint64s(data, last-first+1)
	for epoch := first; epoch <= last; epoch++ {
		end := min(slot+1, c.EpochSchedule.FirstSlot(epoch+1))
		data = appendUint64s(data, epoch, earnedBefore(end), earnedBefore(c.EpochSchedule.FirstSlot(epoch)))
	}
	return data
}

// appendTimestamp writes the time of the last vote.
func appendTimestamp(data []byte, c *Cluster, slot snapshot.Slot) []byte {
	if slot == 0 {
		return appendUint64s(data, 0, 0)
	}
	return appendUint64s(data, uint64(slot-1), uint64(c.timeOf(slot-1)/int64(time.Second)))
}

// stakes are the stakes cache of the bank of slot.
func (v *validator) stakes(c *Cluster, slot snapshot.Slot) manifest.Stakes {
	epoch := c.EpochSchedule.Epoch(slot).Epoch
	return manifest.Stakes{
		VoteAccounts: []manifest.VoteAccount{{Pubkey: v.vote, Stake: v.stake, Account: v.voteAccount(c, slot).Account}},
		Delegations:  manifest.Delegations{All: []manifest.Delegation{v.delegation()}},
		Epoch:        epoch,
		History:      v.history(epoch),
	}
}

// history is the cluster's stake in the epochs before.
func (v *validator) history(epoch uint64) (history []manifest.StakeHistory) {
	for before := epoch; before > 0 && len(history) < maxStakeHistory; before-- {
		history = append(history, manifest.StakeHistory{Epoch: before - 1, Effective: v.stake})
	}
	return history
}

// epochStakes are those that Agave demands in the bank of slot: of its epoch, and
// on to the last whose leaders are decided. They are the same in every bank, so
// they have the vote account as of genesis.
func (v *validator) epochStakes(c *Cluster, slot snapshot.Slot) (stakes []manifest.EpochStakes) {
	first, last := c.EpochSchedule.Epoch(slot).Epoch, c.EpochSchedule.LeaderScheduleEpoch(slot)
	for epoch := first; epoch <= last; epoch++ {
		before := epoch - min(epoch, 1)
		stakes = append(stakes, manifest.EpochStakes{
			Epoch: epoch,
			Stakes: manifest.Stakes{
				VoteAccounts: []manifest.VoteAccount{{Pubkey: v.vote, Stake: v.stake, Account: v.voteAccount(c, 0).Account}},
				Epoch:        before,
				History:      v.history(before),
			},
			TotalStake:       v.stake,
			Nodes:            []manifest.NodeVoteAccounts{{Node: v.identity, VoteAccounts: []manifest.Pubkey{v.vote}, TotalStake: v.stake}},
			AuthorizedVoters: []manifest.EpochAuthorizedVoter{{VoteAccount: v.vote, Voter: v.identity}},
		})
	}
	return stakes
}
