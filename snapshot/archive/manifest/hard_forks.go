package manifest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"solsnap/snapshot"
)

// HardForks are the slots at which the cluster was restarted by agreement, and
// how often at each.
type HardForks []SlotCount

// ShredVersion is the number by which nodes tell their cluster's shreds and
// peers from others (Agave, crate solana-shred-version). It is never 0.
func (f HardForks) ShredVersion(genesis snapshot.Hash) uint16 {
	forks := slices.SortedStableFunc(slices.Values(f), func(a, b SlotCount) int { return cmp.Compare(a.Slot, b.Slot) })
	hash := genesis
	for _, fork := range forks {
		b := binary.LittleEndian.AppendUint64(hash[:], uint64(fork.Slot))
		hash = sha256.Sum256(binary.LittleEndian.AppendUint64(b, fork.Count))
	}
	var version uint16
	for i := 0; i < len(hash); i += 2 {
		version ^= binary.BigEndian.Uint16(hash[i:])
	}
	if version == math.MaxUint16 {
		return version
	}
	return version + 1
}

// between counts the restarts at slots above parent, up to slot.
func (f HardForks) between(parent, slot snapshot.Slot) uint64 {
	var count uint64
	for _, fork := range f {
		if parent < fork.Slot && fork.Slot <= slot {
			count += fork.Count
		}
	}
	return count
}

// ShredVersion is that of a cluster with this genesis hash and the bank's hard
// forks.
func (m *Manifest) ShredVersion(genesis snapshot.Hash) uint16 {
	return m.Bank.HardForks.ShredVersion(genesis)
}
