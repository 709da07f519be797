package manifest

import (
	"fmt"

	"solsnap/snapshot"
)

// AccountsDB holds the accounts-db fields: Agave's SerializableAccountsDb. The
// fields that are called obsolete are zero in what Agave 4.1 and later write.
type AccountsDB struct {
	// Storages may be empty: Firedancer and Agave since September 2026 leave the
	// members of the archive to speak for themselves. In an incremental's
	// manifest it may list the full archive's storages too.
	Storages     []Storage
	WriteVersion uint64 // obsolete
	// Slot is the bank's.
	Slot         snapshot.Slot
	BankHashInfo BankHashInfo
}

// Storage is one row of the storages map: accounts/<Slot>.<ID> in the archive.
type Storage struct {
	Slot snapshot.Slot
	// ID is a u32 inside of Agave.
	ID uint64
	// Len is how many bytes of the storage count. Agave 4.2 ignores it.
	Len uint64
}

// BankHashInfo says what the slot did to the accounts.
type BankHashInfo struct {
	AccountsDeltaHash snapshot.Hash // obsolete
	AccountsHash      snapshot.Hash // obsolete
	Stats             BankHashStats
}

// BankHashStats count for this slot only.
type BankHashStats struct {
	UpdatedAccounts    uint64
	RemovedAccounts    uint64
	LamportsStored     uint64
	TotalDataLen       uint64
	ExecutableAccounts uint64
}

// walk refuses a storage of a slot after the bank's, as Agave does.
func (a *AccountsDB) walk(c *codec, bank snapshot.Slot) {
	list(c, "storages", 32, &a.Storages, func(s *Storage) {
		uint64Field(c, "slot", &s.Slot)
		if c.reading() && s.Slot > bank {
			c.in.fail("slot", fmt.Errorf("slot %d is above the bank's %d", s.Slot, bank))
		}
		c.constant("len", 1) // Agave keeps one storage for each slot
		uint64Field(c, "id", &s.ID)
		uint64Field(c, "accounts_current_len", &s.Len)
	})
	uint64Field(c, "write_version", &a.WriteVersion)
	uint64Field(c, "accounts_db.slot", &a.Slot)
	c.within("bank_hash_info", func() { a.BankHashInfo.walk(c) })
}

func (b *BankHashInfo) walk(c *codec) {
	c.array("accounts_delta_hash", b.AccountsDeltaHash[:])
	c.array("accounts_hash", b.AccountsHash[:])
	uint64Field(c, "num_updated_accounts", &b.Stats.UpdatedAccounts)
	uint64Field(c, "num_removed_accounts", &b.Stats.RemovedAccounts)
	uint64Field(c, "num_lamports_stored", &b.Stats.LamportsStored)
	uint64Field(c, "total_data_len", &b.Stats.TotalDataLen)
	uint64Field(c, "num_executable_accounts", &b.Stats.ExecutableAccounts)
}
