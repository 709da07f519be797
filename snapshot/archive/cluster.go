package archive

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// Cluster is what the genesis of a cluster decides: Agave's GenesisConfig (crate
// solana-genesis-config). Each bank's manifest repeats most of it, and Agave
// starts from no snapshot that differs from its genesis.bin.
type Cluster struct {
	// CreatedAt is kept to the second.
	CreatedAt time.Time
	// Accounts are those of genesis.bin, in any order. Native programs and
	// sysvars are not among them: the first bank makes those.
	Accounts     []Account
	TickDuration time.Duration
	TicksPerSlot uint64
	// HashesPerTick is nil where proof of history sleeps instead of hashing.
	HashesPerTick   *uint64
	FeeRateGovernor manifest.FeeRateGovernor
	Rent            manifest.Rent
	Inflation       manifest.Inflation
	EpochSchedule   manifest.EpochSchedule
	// Type is 0 for a testnet, 1 for mainnet-beta, 2 for devnet, 3 for a
	// development cluster.
	Type uint32
}

// DevelopmentCluster has the values that Agave's tools give a development
// cluster, whose epochs grow from 32 slots to 432,000.
func DevelopmentCluster(createdAt time.Time, accounts ...Account) Cluster {
	return Cluster{
		CreatedAt:       createdAt,
		Accounts:        accounts,
		TickDuration:    6_250 * time.Microsecond,
		TicksPerSlot:    64,
		FeeRateGovernor: manifest.FeeRateGovernor{TargetLamportsPerSignature: 10_000, TargetSignaturesPerSlot: 20_000, BurnPercent: 50},
		Rent:            manifest.Rent{LamportsPerByteYear: 3480, ExemptionThreshold: 2, BurnPercent: 50},
		Inflation:       manifest.Inflation{Initial: 0.08, Terminal: 0.015, Taper: 0.15, Foundation: 0.05, FoundationTerm: 7},
		EpochSchedule: manifest.EpochSchedule{
			SlotsPerEpoch: 432_000, LeaderScheduleSlotOffset: 432_000,
			Warmup: true, FirstNormalEpoch: 14, FirstNormalSlot: 524_256,
		},
		Type: 3,
	}
}

// SlotDuration is how long a slot is meant to take.
func (c *Cluster) SlotDuration() time.Duration {
	return c.TickDuration * time.Duration(c.TicksPerSlot)
}

// slotsPerYear divides in the order of Agave's years_as_slots, because the bits
// of the manifest's must be those that Agave makes of genesis.bin.
func (c *Cluster) slotsPerYear() float64 {
	const secondsPerYear = 365.242_199 * 24 * 60 * 60
	return secondsPerYear * (1e9 / float64(c.TickDuration)) / float64(c.TicksPerSlot)
}

// timeOf is when a slot was due, in nanoseconds since 1970.
func (c *Cluster) timeOf(slot snapshot.Slot) int64 {
	return c.CreatedAt.Unix()*int64(time.Second) + int64(slot)*int64(c.SlotDuration())
}

// rentExempt is what an account with so much data must hold (crate solana-rent).
func (c *Cluster) rentExempt(dataLen int) uint64 {
	const accountOverhead = 128
	return uint64(float64((accountOverhead+uint64(dataLen))*c.Rent.LamportsPerByteYear) * c.Rent.ExemptionThreshold)
}

// GenesisBin is the content of genesis.bin: bincode, so every integer
// little-endian and every count a u64. Equal clusters give equal bytes. Its
// SHA-256 is the GenesisHash.
func (c *Cluster) GenesisBin() []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(c.CreatedAt.Unix()))
	b = c.appendAccounts(b)
	b = appendUint64s(b,
		0,              // native instruction processors
		0,              // rewards pools
		c.TicksPerSlot, //
		1024,           // unused; what Agave's tools write
		uint64(c.TickDuration/time.Second),
	)
	b = binary.LittleEndian.AppendUint32(b, uint32(c.TickDuration%time.Second))
	b = append(b, 0) // no target tick count
	b = appendOptionalUint64(b, c.HashesPerTick)
	b = appendUint64s(b, 0) // backwards compatibility
	b = appendFeeRateGovernor(b, c.FeeRateGovernor)
	b = appendRent(b, c.Rent)
	b = appendInflation(b, c.Inflation)
	b = appendEpochSchedule(b, c.EpochSchedule)
	return binary.LittleEndian.AppendUint32(b, c.Type)
}

// appendAccounts writes the accounts in the order of their keys: Agave keeps
// them in a BTreeMap.
func (c *Cluster) appendAccounts(b []byte) []byte {
	accounts := slices.SortedFunc(slices.Values(c.Accounts), func(x, y Account) int { return bytes.Compare(x.Pubkey[:], y.Pubkey[:]) })
	b = appendUint64s(b, uint64(len(accounts)))
	for _, a := range accounts {
		b = append(b, a.Pubkey[:]...)
		b = appendUint64s(b, a.Lamports, uint64(len(a.Data)))
		b = append(b, a.Data...)
		b = append(b, a.Owner[:]...)
		b = appendBool(b, a.Executable)
		b = appendUint64s(b, a.RentEpoch)
	}
	return b
}

func appendFeeRateGovernor(b []byte, g manifest.FeeRateGovernor) []byte {
	b = appendUint64s(b, g.TargetLamportsPerSignature, g.TargetSignaturesPerSlot, g.MinLamportsPerSignature, g.MaxLamportsPerSignature)
	return append(b, g.BurnPercent)
}

func appendRent(b []byte, r manifest.Rent) []byte {
	b = appendUint64s(b, r.LamportsPerByteYear, math.Float64bits(r.ExemptionThreshold))
	return append(b, r.BurnPercent)
}

func appendInflation(b []byte, i manifest.Inflation) []byte {
	for _, share := range []float64{i.Initial, i.Terminal, i.Taper, i.Foundation, i.FoundationTerm, i.Unused} {
		b = appendUint64s(b, math.Float64bits(share))
	}
	return b
}

func appendEpochSchedule(b []byte, s manifest.EpochSchedule) []byte {
	b = appendUint64s(b, s.SlotsPerEpoch, s.LeaderScheduleSlotOffset)
	b = appendBool(b, s.Warmup)
	return appendUint64s(b, s.FirstNormalEpoch, uint64(s.FirstNormalSlot))
}

func appendUint64s(b []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendOptionalUint64(b []byte, v *uint64) []byte {
	if v == nil {
		return append(b, 0)
	}
	return appendUint64s(append(b, 1), *v)
}
