package manifest

import (
	"bytes"
	"testing"

	"solsnap/snapshot"
)

// made is a manifest in which every field is set and no two numbers are equal.
func made() *Manifest {
	n := uint64(1000)
	next := func() uint64 { n++; return n }
	hash := func() (h snapshot.Hash) {
		for i := range h {
			h[i] = byte(next())
		}
		return h
	}
	hashesPerTick, last, epochAccounts, blockID := next(), hash(), hash(), hash()
	m := &Manifest{Tail: TailBlockID}
	m.Bank = Bank{
		BlockhashQueue: BlockhashQueue{LastHashIndex: next(), LastHash: &last, MaxAge: next(),
			Hashes: []Blockhash{{hash(), next(), next(), next()}, {last, next(), next(), next()}}},
		Ancestors: []SlotCount{{7, next()}},
		Hash:      hash(), ParentHash: hash(), ParentSlot: 98,
		HardForks:        HardForks{{10, next()}, {50, next()}},
		TransactionCount: next(), TickHeight: next(), SignatureCount: next(), Capitalization: next(), MaxTickHeight: next(),
		HashesPerTick: &hashesPerTick, TicksPerSlot: next(), NanosPerSlot: Uint128{next(), next()},
		GenesisCreationTime: -int64(next()), SlotsPerYear: 1.5, AccountsDataLen: next(),
		Slot: 100, Epoch: next(), BlockHeight: next(), LeaderID: Pubkey(hash()), CollectorFees: next(), FeeCalculator: next(),
		FeeRateGovernor: FeeRateGovernor{next(), next(), next(), next(), 51}, CollectedRent: next(),
		RentCollector: RentCollector{next(), EpochSchedule{next(), next(), true, next(), snapshot.Slot(next())}, 2.5, Rent{next(), 3.5, 52}},
		EpochSchedule: EpochSchedule{next(), next(), true, next(), snapshot.Slot(next())},
		Inflation:     Inflation{0.1, 0.2, 0.3, 0.4, 0.5, 0.6},
		Stakes:        madeStakes(next, hash), IsDelta: true,
	}
	m.AccountsDB = AccountsDB{
		Storages:     []Storage{{100, next(), next()}, {98, next(), next()}},
		WriteVersion: next(), Slot: snapshot.Slot(next()),
		BankHashInfo: BankHashInfo{hash(), hash(), BankHashStats{next(), next(), next(), next(), next()}},
	}
	m.Extra = Extra{
		LamportsPerSignature:   next(),
		IncrementalPersistence: &IncrementalPersistence{90, hash(), next(), hash(), next()},
		EpochAccountsHash:      &epochAccounts,
		EpochStakes: []EpochStakes{{Epoch: next(), Stakes: madeStakes(next, hash), TotalStake: next(),
			Nodes:            []NodeVoteAccounts{{Pubkey(hash()), []Pubkey{Pubkey(hash()), Pubkey(hash())}, next()}},
			AuthorizedVoters: []EpochAuthorizedVoter{{Pubkey(hash()), Pubkey(hash())}}}},
		AccountsLtHash: new([2048]byte),
		BlockID:        &blockID,
	}
	for i := range m.Extra.AccountsLtHash {
		m.Extra.AccountsLtHash[i] = byte(i / 7)
	}
	m.Extra.EpochStakes[0].Stakes.Delegations.All[0].CreditsObserved = next()
	return m
}

func madeStakes(next func() uint64, hash func() snapshot.Hash) Stakes {
	node := Pubkey(hash())
	s := Stakes{
		VoteAccounts: []VoteAccount{
			{Pubkey(hash()), next(), node, Account{next(), append(le32(2), node[:]...), Pubkey(hash()), true, next()}},
			{Pubkey(hash()), next(), Pubkey{}, Account{next(), []byte("short"), Pubkey(hash()), false, next()}},
		},
		Delegations: Delegations{Count: 2, All: []Delegation{
			{Pubkey(hash()), Pubkey(hash()), next(), next(), next(), 0.25, 0},
			{Pubkey(hash()), Pubkey(hash()), next(), next(), next(), 0, 0},
		}},
		Unused: next(), Epoch: next(), History: []StakeHistory{{next(), next(), next(), next()}},
	}
	s.Delegations.Stake = s.Delegations.All[0].Stake + s.Delegations.All[1].Stake
	return s
}

// locate finds where in the encoding of made a change has its first byte. For an
// Option that is the tag, for a list the count.
func locate(t testing.TB, change func(*Manifest)) int {
	t.Helper()
	changed := made()
	change(changed)
	before, after := encode(t, made()), encode(t, changed)
	for i := range before {
		if before[i] != after[i] {
			return i
		}
	}
	t.Fatal("the change is not in the encoding")
	return 0
}

// patched is the encoding of made with other bytes somewhere.
func patched(t testing.TB, at int, b ...byte) []byte {
	t.Helper()
	whole := encode(t, made())
	copy(whole[at:], b)
	return whole
}

// spliced is the encoding of made with the count at a place raised to n, and
// bytes put in behind it.
func spliced(t testing.TB, at int, n uint64, b []byte) []byte {
	t.Helper()
	whole := encode(t, made())
	return bytes.Join([][]byte{whole[:at], le64(nil, n), b, whole[at+8:]}, nil)
}
