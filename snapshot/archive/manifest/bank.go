package manifest

import "solsnap/snapshot"

// Bank holds the bank fields: Agave's SerializableVersionedBank. The fields that
// are called obsolete are zero in what Agave 4.1 and later write, and are kept
// only to write what was read.
type Bank struct {
	BlockhashQueue BlockhashQueue
	Ancestors      []SlotCount // obsolete
	// Hash is the bank hash of this slot: what validators vote on.
	Hash       snapshot.Hash
	ParentHash snapshot.Hash
	ParentSlot snapshot.Slot
	HardForks  HardForks
	// TransactionCount counts since genesis.
	TransactionCount uint64
	TickHeight       uint64
	// SignatureCount is that of this slot only.
	SignatureCount uint64
	// Capitalization is the sum of all accounts' lamports.
	Capitalization uint64
	MaxTickHeight  uint64
	// HashesPerTick is nil where proof of history does not sleep or hash.
	HashesPerTick *uint64
	TicksPerSlot  uint64
	// NanosPerSlot is how long a slot is meant to take: no constant any more.
	NanosPerSlot Uint128
	// GenesisCreationTime is in Unix seconds.
	GenesisCreationTime int64
	SlotsPerYear        float64
	// AccountsDataLen is the sum of all accounts' data, for information.
	AccountsDataLen uint64
	Slot            snapshot.Slot
	// Epoch is what the file says: 0 since March 2026. Use Manifest.Epoch.
	Epoch       uint64
	BlockHeight uint64
	// LeaderID is the node that led this slot; zero in Firedancer's archives.
	LeaderID        Pubkey
	CollectorFees   uint64 // obsolete
	FeeCalculator   uint64 // obsolete
	FeeRateGovernor FeeRateGovernor
	CollectedRent   uint64        // obsolete
	RentCollector   RentCollector // obsolete: the Rent sysvar counts
	EpochSchedule   EpochSchedule
	Inflation       Inflation
	Stakes          Stakes
	IsDelta         bool
}

// SlotCount is a slot and how often something happened there.
type SlotCount struct {
	Slot  snapshot.Slot
	Count uint64
}

func (s *SlotCount) walk(c *codec) {
	uint64Field(c, "slot", &s.Slot)
	uint64Field(c, "count", &s.Count)
}

// FeeRateGovernor bounds the fee for a signature. The fee itself is
// Extra.LamportsPerSignature.
type FeeRateGovernor struct {
	TargetLamportsPerSignature uint64
	TargetSignaturesPerSlot    uint64
	MinLamportsPerSignature    uint64
	MaxLamportsPerSignature    uint64
	// BurnPercent is the share of fees that is burnt.
	BurnPercent uint8
}

func (g *FeeRateGovernor) walk(c *codec) {
	uint64Field(c, "target_lamports_per_signature", &g.TargetLamportsPerSignature)
	uint64Field(c, "target_signatures_per_slot", &g.TargetSignaturesPerSlot)
	uint64Field(c, "min_lamports_per_signature", &g.MinLamportsPerSignature)
	uint64Field(c, "max_lamports_per_signature", &g.MaxLamportsPerSignature)
	c.uint8("burn_percent", &g.BurnPercent)
}

// RentCollector is what rent was collected by. All of it is zero since March
// 2026.
type RentCollector struct {
	Epoch         uint64
	EpochSchedule EpochSchedule
	SlotsPerYear  float64
	Rent          Rent
}

func (r *RentCollector) walk(c *codec) {
	uint64Field(c, "epoch", &r.Epoch)
	r.EpochSchedule.walk(c)
	c.float64("slots_per_year", &r.SlotsPerYear)
	r.Rent.walk(c)
}

// Rent is what an account must hold to be exempt of rent: lamports for each
// byte and year, for so many years.
type Rent struct {
	LamportsPerByteYear uint64
	// ExemptionThreshold is in years.
	ExemptionThreshold float64
	BurnPercent        uint8
}

func (r *Rent) walk(c *codec) {
	uint64Field(c, "lamports_per_byte_year", &r.LamportsPerByteYear)
	c.float64("exemption_threshold", &r.ExemptionThreshold)
	c.uint8("burn_percent", &r.BurnPercent)
}

// Inflation is the cluster's schedule of new lamports, as shares of one.
type Inflation struct {
	Initial    float64
	Terminal   float64
	Taper      float64
	Foundation float64
	// FoundationTerm is in years.
	FoundationTerm float64
	Unused         float64
}

func (i *Inflation) walk(c *codec) {
	c.float64("initial", &i.Initial)
	c.float64("terminal", &i.Terminal)
	c.float64("taper", &i.Taper)
	c.float64("foundation", &i.Foundation)
	c.float64("foundation_term", &i.FoundationTerm)
	c.float64("unused", &i.Unused)
}

// walkSettings walks the bank fields 1 to 16.
func (b *Bank) walkSettings(c *codec) {
	c.within("blockhash_queue", func() { b.BlockhashQueue.walk(c) })
	list(c, "ancestors", 16, &b.Ancestors, func(s *SlotCount) { s.walk(c) })
	c.array("hash", b.Hash[:])
	c.array("parent_hash", b.ParentHash[:])
	uint64Field(c, "parent_slot", &b.ParentSlot)
	list(c, "hard_forks", 16, (*[]SlotCount)(&b.HardForks), func(s *SlotCount) { s.walk(c) })
	uint64Field(c, "transaction_count", &b.TransactionCount)
	uint64Field(c, "tick_height", &b.TickHeight)
	uint64Field(c, "signature_count", &b.SignatureCount)
	uint64Field(c, "capitalization", &b.Capitalization)
	uint64Field(c, "max_tick_height", &b.MaxTickHeight)
	optional(c, "hashes_per_tick", &b.HashesPerTick, func(n *uint64) { uint64Field(c, "hashes_per_tick", n) })
	uint64Field(c, "ticks_per_slot", &b.TicksPerSlot)
	uint64Field(c, "ns_per_slot", &b.NanosPerSlot.Lo)
	uint64Field(c, "ns_per_slot", &b.NanosPerSlot.Hi)
	uint64Field(c, "genesis_creation_time", &b.GenesisCreationTime)
	c.float64("slots_per_year", &b.SlotsPerYear)
}

// walkState walks the bank fields 17 to 28.
func (b *Bank) walkState(c *codec) {
	uint64Field(c, "accounts_data_len", &b.AccountsDataLen)
	uint64Field(c, "slot", &b.Slot)
	uint64Field(c, "epoch", &b.Epoch)
	uint64Field(c, "block_height", &b.BlockHeight)
	c.array("leader_id", b.LeaderID[:])
	uint64Field(c, "collector_fees", &b.CollectorFees)
	uint64Field(c, "fee_calculator", &b.FeeCalculator)
	c.within("fee_rate_governor", func() { b.FeeRateGovernor.walk(c) })
	uint64Field(c, "collected_rent", &b.CollectedRent)
	c.within("rent_collector", func() { b.RentCollector.walk(c) })
	c.within("epoch_schedule", func() { b.EpochSchedule.walk(c) })
	c.within("inflation", func() { b.Inflation.walk(c) })
}
