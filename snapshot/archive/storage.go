package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"solsnap/snapshot"
)

// The layout of a record in an account storage, Agave's AppendVec
// (accounts-db/src/append_vec.rs, append_vec/meta.rs).
const (
	recordHeaderSize = 136
	recordAlign      = 8
)

// account is one account as a storage holds it.
type account struct {
	pubkey, owner [32]byte
	lamports      uint64
	data          []byte
}

// appendRecord writes the account in the 136-byte header layout, padded with
// zeros so that the next record is aligned. Write version and hash are zero, as
// Agave writes them since 2025; the rent epoch says that no rent is due.
func (a account) appendRecord(b []byte) []byte {
	b = appendUint64s(b, 0, uint64(len(a.data)))
	b = append(b, a.pubkey[:]...)
	b = appendUint64s(b, a.lamports, math.MaxUint64)
	b = append(b, a.owner[:]...)
	b = append(b, make([]byte, 1+7+32)...) // not executable, padding, hash
	b = append(b, a.data...)
	return append(b, make([]byte, -len(b)&(recordAlign-1))...)
}

// storage is a made-up account storage, always the same for the same fields.
// Its bytes are made as they are read, however large it is.
type storage struct {
	slot snapshot.Slot
	id   uint64
	seed uint64
	// accounts is how many records there are, each with storageData bytes.
	accounts int
}

// storageData is the size of each account's data: like a small program's, and
// already aligned.
const storageData = 8 << 10

const recordSize = recordHeaderSize + storageData

// name is the member's name in a snapshot archive.
func (s storage) name() string { return fmt.Sprintf("accounts/%d.%d", s.slot, s.id) }

func (s storage) size() int64 { return int64(s.accounts) * recordSize }

// WriteTo writes the records.
func (s storage) WriteTo(w io.Writer) (written int64, _ error) {
	var key [24]byte
	binary.LittleEndian.PutUint64(key[0:], s.seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(s.slot))
	binary.LittleEndian.PutUint64(key[16:], s.id)
	random := rand.NewChaCha8(sha256.Sum256(key[:]))
	record := make([]byte, 0, recordSize)
	for range s.accounts {
		n, err := w.Write(s.account(random).appendRecord(record))
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// account draws the next account. Random data does not compress, so an archive
// is about as large as its accounts.
func (s storage) account(random *rand.ChaCha8) account {
	a := account{lamports: 1 + random.Uint64()>>40, data: make([]byte, storageData)}
	_, _ = random.Read(a.pubkey[:]) // never fails
	_, _ = random.Read(a.owner[:])
	_, _ = random.Read(a.data)
	return a
}
