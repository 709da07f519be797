package archive

import (
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// manifest is the bank's, as Agave 4.1 and later write it: without what became
// obsolete, so with epoch 0.
func (b *Bank) manifest(found *survey, rows []manifest.Storage) (*manifest.Manifest, error) {
	lattice := found.lattice.Bytes()
	m := &manifest.Manifest{
		Bank: b.bankFields(found),
		AccountsDB: manifest.AccountsDB{
			Storages: rows, Slot: b.Slot, BankHashInfo: manifest.BankHashInfo{Stats: found.stats},
		},
		Extra: manifest.Extra{
			LamportsPerSignature: b.LamportsPerSignature,
			EpochStakes:          b.EpochStakes,
			AccountsLtHash:       &lattice,
			BlockID:              b.BlockID,
		},
		Tail: manifest.TailBlockID,
	}
	if b.BlockID == nil {
		m.Tail = manifest.TailAccountsLtHash
	}
	var err error
	m.Bank.Hash, err = m.BankHash()
	return m, err
}

func (b *Bank) bankFields(found *survey) manifest.Bank {
	c := b.Cluster
	ticks := (uint64(b.Slot) + 1) * c.TicksPerSlot
	return manifest.Bank{
		BlockhashQueue:      b.blockhashQueue(),
		ParentHash:          b.ParentHash,
		ParentSlot:          b.ParentSlot,
		HardForks:           b.HardForks,
		TransactionCount:    b.TransactionCount,
		TickHeight:          ticks,
		SignatureCount:      b.SignatureCount,
		Capitalization:      found.capitalization,
		MaxTickHeight:       ticks,
		HashesPerTick:       c.HashesPerTick,
		TicksPerSlot:        c.TicksPerSlot,
		NanosPerSlot:        manifest.Uint128{Lo: uint64(c.SlotDuration())},
		GenesisCreationTime: c.CreatedAt.Unix(),
		SlotsPerYear:        c.slotsPerYear(),
		AccountsDataLen:     found.dataLen,
		Slot:                b.Slot,
		BlockHeight:         b.BlockHeight,
		LeaderID:            b.LeaderID,
		FeeRateGovernor:     derivedGovernor(c.FeeRateGovernor),
		EpochSchedule:       c.EpochSchedule,
		Inflation:           c.Inflation,
		Stakes:              b.Stakes,
		IsDelta:             true,
	}
}

// blockhashQueue numbers the blockhashes, of which the genesis hash has 0 and
// that of the first block 1.
func (b *Bank) blockhashQueue() manifest.BlockhashQueue {
	last := b.BlockHeight + 1
	q := manifest.BlockhashQueue{LastHashIndex: last, LastHash: &b.Blockhashes[len(b.Blockhashes)-1], MaxAge: blockhashMaxAge}
	for i, hash := range b.Blockhashes {
		age := uint64(len(b.Blockhashes) - 1 - i)
		due := b.Cluster.timeOf(b.Slot - min(b.Slot, snapshot.Slot(age)))
		q.Hashes = append(q.Hashes, manifest.Blockhash{
			Hash:                 hash,
			LamportsPerSignature: b.LamportsPerSignature,
			HashIndex:            last - age,
			Timestamp:            uint64(due / int64(time.Millisecond)),
		})
	}
	return q
}

// derivedGovernor bounds the fee as Agave's FeeRateGovernor::new_derived does in
// the first bank.
func derivedGovernor(g manifest.FeeRateGovernor) manifest.FeeRateGovernor {
	if g.TargetSignaturesPerSlot > 0 {
		g.MinLamportsPerSignature = max(1, g.TargetLamportsPerSignature/2)
		g.MaxLamportsPerSignature = 10 * g.TargetLamportsPerSignature
	}
	return g
}
