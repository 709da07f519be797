package archive

import (
	"fmt"
	"iter"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/lthash"
	"solsnap/snapshot/archive/manifest"
)

// The layout of a record in an account storage, Agave's AppendVec
// (accounts-db/src/append_vec.rs, append_vec/meta.rs).
const (
	recordHeaderSize = 136
	recordAlign      = 8
)

// largestData is the most data that an account has, Solana's
// MAX_PERMITTED_DATA_LENGTH.
const largestData = 10 << 20

// Account is an account to be written.
type Account struct {
	Pubkey manifest.Pubkey
	// Account without lamports is a tombstone: a record that says that there is
	// no such account any more, and hides those of earlier slots.
	manifest.Account
}

// SlotAccounts are the accounts that a slot wrote, and that make one storage.
type SlotAccounts struct {
	Slot snapshot.Slot
	// Accounts yields each account once. It is walked twice and must yield the
	// same both times. What it yields is only read, and not kept: it may be the
	// same Account filled anew.
	Accounts iter.Seq[*Account]
}

// check refuses what no reader would take for this account.
func (a *Account) check() error {
	switch {
	case len(a.Data) > largestData:
		return fmt.Errorf("account %s has %d bytes of data, want at most %d", a.Pubkey, len(a.Data), largestData)
	case a.Lamports == 0 && a.Pubkey.IsZero():
		return fmt.Errorf("account %s without lamports would end its storage", a.Pubkey)
	}
	return nil
}

// appendRecord writes the account's record, padded with zeros so that the next
// one is aligned. Write version and hash are zero, as Agave writes them since
// 2025.
func (a *Account) appendRecord(b []byte) []byte {
	b = appendUint64s(b, 0, uint64(len(a.Data)))
	b = append(b, a.Pubkey[:]...)
	b = appendUint64s(b, a.Lamports, a.RentEpoch)
	b = append(b, a.Owner[:]...)
	b = appendBool(b, a.Executable)
	b = append(b, make([]byte, 7+32)...) // padding, hash
	b = append(b, a.Data...)
	return append(b, make([]byte, -len(a.Data)&(recordAlign-1))...)
}

// recordSize is the length of the account's record.
func (a *Account) recordSize() int64 {
	return int64(recordHeaderSize+len(a.Data)+recordAlign-1) &^ (recordAlign - 1)
}

// lattice is what the lattice hash covers of the account.
func (a *Account) lattice() lthash.Account {
	return lthash.Account{Lamports: a.Lamports, Data: a.Data, Executable: a.Executable, Owner: a.Owner, Pubkey: a.Pubkey}
}
