package manifest

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"solsnap/snapshot"
)

// ErrNotVerifiable means that a manifest lacks what its bank hash is made of:
// the accounts lattice hash, before Agave 2.2, or the last blockhash.
var ErrNotVerifiable = errors.New("bank hash not verifiable")

// BankHash computes the bank hash anew, to be compared with Bank.Hash: from the
// parent's hash, the signature count, the last blockhash, the accounts lattice
// hash (SIMD-0215) and the hard forks since the parent. It says nothing about
// any other field. The error is ErrNotVerifiable.
func (m *Manifest) BankHash() (snapshot.Hash, error) {
	last, lattice := m.Bank.BlockhashQueue.LastHash, m.Extra.AccountsLtHash
	if last == nil || lattice == nil {
		return snapshot.Hash{}, ErrNotVerifiable
	}
	b := binary.LittleEndian.AppendUint64(m.Bank.ParentHash[:], m.Bank.SignatureCount)
	hash := sha256.Sum256(append(b, last[:]...))
	hash = sha256.Sum256(append(hash[:], lattice[:]...))
	if forks := m.Bank.HardForks.between(m.Bank.ParentSlot, m.Bank.Slot); forks > 0 {
		hash = sha256.Sum256(binary.LittleEndian.AppendUint64(hash[:], forks))
	}
	return hash, nil
}
