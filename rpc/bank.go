package rpc

import (
	"encoding/json"
	"errors"
	"log/slog"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// epochsOfStakes is for how many epochs before the last a bank keeps epoch
// stakes: Agave's MAX_LEADER_SCHEDULE_STAKES.
const epochsOfStakes = 5

// Bank is what BankMethods answer from: what follows from the manifest of one
// bank, computed once and mostly printed already. It keeps nothing of the
// manifest itself, never changes, and may be used by any number of requests.
type Bank struct {
	slot             snapshot.Slot
	blockHeight      uint64
	transactionCount uint64
	capitalization   uint64
	schedule         manifest.EpochSchedule
	// totalStake is that of the bank's epoch in lamports, nil where the manifest
	// has no stakes for it.
	totalStake *uint64
	leader     manifest.Pubkey // zero where it is not known
	votes      *voteAccounts   // nil where totalStake is
	leaders    map[uint64]*epochLeaders

	lastHash *snapshot.Hash
	// recent are the blockhashes of maxProcessingAge and less.
	recent map[snapshot.Hash]struct{}

	// The texts of answers.
	epochInfo, epochSchedule, inflationGovernor json.RawMessage
	inflationRate                               json.RawMessage // nil where it is not known
}

// NewBank computes everything but the texts of leader schedules, which are made
// when the first client asks: for a manifest of mainnet that takes some tenths
// of a second. The logger, where nil discards, hears of what the manifest does
// not allow; the methods concerned answer as Agave does where it does not know.
// The manifest is not used any longer when NewBank returns.
func NewBank(m *manifest.Manifest, logger *slog.Logger) *Bank {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	b := &Bank{
		slot:             m.Bank.Slot,
		blockHeight:      m.Bank.BlockHeight,
		transactionCount: m.Bank.TransactionCount,
		capitalization:   m.Bank.Capitalization,
		schedule:         m.Bank.EpochSchedule,
		leader:           m.Bank.LeaderID,
		leaders:          drawLeaders(m, logger),
	}
	b.addBlockhashes(&m.Bank.BlockhashQueue)
	epoch := m.Epoch()
	if stakes, err := m.EpochStakes(epoch.Epoch); err == nil {
		total := stakes.TotalStake
		b.totalStake, b.votes = &total, newVoteAccounts(m, stakes, logger)
	}
	if b.leader.IsZero() { // as Firedancer writes it
		if leaders := b.leaders[epoch.Epoch]; leaders != nil {
			b.leader, _ = leaders.schedule.Leader(epoch.SlotIndex)
		}
	}
	b.print(m, epoch)
	return b
}

// Capitalization is the sum of all accounts' lamports: the total supply.
func (b *Bank) Capitalization() uint64 { return b.capitalization }

// drawLeaders draws the leader schedules of the epochs for which a bank has
// epoch stakes. How many those are is not for the manifest to say.
func drawLeaders(m *manifest.Manifest, logger *slog.Logger) map[uint64]*epochLeaders {
	last := m.Bank.EpochSchedule.LeaderScheduleEpoch(m.Bank.Slot)
	drawn := make(map[uint64]*epochLeaders)
	for epoch := last - min(last, epochsOfStakes); ; epoch++ {
		schedule, err := m.LeaderSchedule(epoch)
		switch {
		case err == nil:
			drawn[epoch] = newEpochLeaders(schedule)
		case !errors.Is(err, manifest.ErrNoEpochStakes):
			logger.Warn("leader schedule does not follow from the manifest", "slot", m.Bank.Slot, "epoch", epoch, "err", err)
		}
		if epoch == last {
			return drawn
		}
	}
}

// print makes the texts of the answers that every client gets alike.
func (b *Bank) print(m *manifest.Manifest, epoch manifest.EpochInfo) {
	b.epochInfo = printed(epochInfo{
		AbsoluteSlot:     b.slot,
		BlockHeight:      b.blockHeight,
		Epoch:            epoch.Epoch,
		SlotIndex:        epoch.SlotIndex,
		SlotsInEpoch:     epoch.SlotsInEpoch,
		TransactionCount: b.transactionCount,
	})
	b.epochSchedule = printed(epochSchedule{
		FirstNormalEpoch:         b.schedule.FirstNormalEpoch,
		FirstNormalSlot:          b.schedule.FirstNormalSlot,
		LeaderScheduleSlotOffset: b.schedule.LeaderScheduleSlotOffset,
		SlotsPerEpoch:            b.schedule.SlotsPerEpoch,
		Warmup:                   b.schedule.Warmup,
	})
	b.inflationGovernor = printed(governorOf(m.Bank.Inflation))
	if rate, ok := inflationRateOf(m); ok {
		b.inflationRate = printed(rate)
	}
}

// printed is the JSON text of plain numbers, which cannot fail.
func printed(v any) json.RawMessage {
	text, err := marshal(v)
	if err != nil {
		panic("rpc: " + err.Error())
	}
	return text
}

// epochInfo is the answer of GetEpochInfo. The members of this and the other
// answers are in the order of their names, as serde_json's map has them.
type epochInfo struct {
	AbsoluteSlot     snapshot.Slot `json:"absoluteSlot"`
	BlockHeight      uint64        `json:"blockHeight"`
	Epoch            uint64        `json:"epoch"`
	SlotIndex        uint64        `json:"slotIndex"`
	SlotsInEpoch     uint64        `json:"slotsInEpoch"`
	TransactionCount uint64        `json:"transactionCount"`
}

// epochSchedule is the answer of GetEpochSchedule.
type epochSchedule struct {
	FirstNormalEpoch         uint64        `json:"firstNormalEpoch"`
	FirstNormalSlot          snapshot.Slot `json:"firstNormalSlot"`
	LeaderScheduleSlotOffset uint64        `json:"leaderScheduleSlotOffset"`
	SlotsPerEpoch            uint64        `json:"slotsPerEpoch"`
	Warmup                   bool          `json:"warmup"`
}
