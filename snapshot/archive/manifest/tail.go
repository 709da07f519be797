package manifest

import "solsnap/snapshot"

// Tail names the last field of a manifest. The format grows at its end only, so
// a manifest may end after any of these, and what is missing has its default.
type Tail int

// The fields at whose end a manifest may end.
const (
	TailNone                    Tail = iota // ends with the bank hash info
	TailHistoricalRoots                     // obsolete, always empty
	TailHistoricalRootsWithHash             // obsolete, always empty
	TailLamportsPerSignature
	TailIncrementalPersistence
	TailEpochAccountsHash
	TailEpochStakes
	TailAccountsLtHash // Agave 2.2
	TailBlockID        // Agave 4.0
)

// Extra holds the extra fields: Agave's ExtraFieldsToSerialize.
type Extra struct {
	// LamportsPerSignature is the fee now.
	LamportsPerSignature uint64
	// IncrementalPersistence is obsolete: Agave up to 2.1 wrote it to
	// incremental archives.
	IncrementalPersistence *IncrementalPersistence
	// EpochAccountsHash is obsolete.
	EpochAccountsHash *snapshot.Hash
	// EpochStakes are those of the bank's epoch, the next, and some before.
	EpochStakes []EpochStakes
	// AccountsLtHash is the sum of the lattice hashes of all accounts, 1024
	// 16-bit integers little-endian. Its BLAKE3 is the hash in the archive's name.
	AccountsLtHash *[2048]byte
	// BlockID is nil before Agave 4.0 and where it is not known.
	BlockID *snapshot.Hash
}

// IncrementalPersistence linked an incremental archive to its full one.
type IncrementalPersistence struct {
	FullSlot                  snapshot.Slot
	FullHash                  snapshot.Hash
	FullCapitalization        uint64
	IncrementalHash           snapshot.Hash
	IncrementalCapitalization uint64
}

func (p *IncrementalPersistence) walk(c *codec) {
	uint64Field(c, "full_slot", &p.FullSlot)
	c.array("full_hash", p.FullHash[:])
	uint64Field(c, "full_capitalization", &p.FullCapitalization)
	c.array("incremental_hash", p.IncrementalHash[:])
	uint64Field(c, "incremental_capitalization", &p.IncrementalCapitalization)
}

// walkTail walks the fields that may be missing, and stops where the file does.
func (m *Manifest) walkTail(c *codec) {
	for i, field := range m.tail(c) {
		here := Tail(i + 1)
		if c.failed() || c.reading() && c.in.left() == 0 || !c.reading() && m.Tail < here {
			return
		}
		if c.reading() {
			m.Tail = here
		}
		field()
	}
}

// tail has the fields from TailHistoricalRoots to TailBlockID.
func (m *Manifest) tail(c *codec) []func() {
	e := &m.Extra
	return []func(){
		func() { c.obsolete("historical_roots", 8) },
		func() { c.obsolete("historical_roots_with_hash", 8+32) },
		func() { uint64Field(c, "lamports_per_signature", &e.LamportsPerSignature) },
		func() {
			const name = "incremental_snapshot_persistence"
			optional(c, name, &e.IncrementalPersistence, func(p *IncrementalPersistence) {
				c.within(name, func() { p.walk(c) })
			})
		},
		func() {
			optional(c, "epoch_accounts_hash", &e.EpochAccountsHash, func(h *snapshot.Hash) { c.array("epoch_accounts_hash", h[:]) })
		},
		func() {
			list(c, "versioned_epoch_stakes", minEpochStakes, &e.EpochStakes, func(s *EpochStakes) { s.walk(c) })
		},
		func() {
			optional(c, "accounts_lt_hash", &e.AccountsLtHash, func(h *[2048]byte) { c.array("accounts_lt_hash", h[:]) })
		},
		func() { optional(c, "block_id", &e.BlockID, func(h *snapshot.Hash) { c.array("block_id", h[:]) }) },
	}
}

// needs is the shortest tail that has all that is set.
func (e *Extra) needs() Tail {
	switch {
	case e.BlockID != nil:
		return TailBlockID
	case e.AccountsLtHash != nil:
		return TailAccountsLtHash
	case len(e.EpochStakes) > 0:
		return TailEpochStakes
	case e.EpochAccountsHash != nil:
		return TailEpochAccountsHash
	case e.IncrementalPersistence != nil:
		return TailIncrementalPersistence
	case e.LamportsPerSignature != 0:
		return TailLamportsPerSignature
	}
	return TailNone
}
