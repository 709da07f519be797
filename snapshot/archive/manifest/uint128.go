package manifest

import (
	"math"
	"math/big"
	"time"
)

// Uint128 is an unsigned integer of 128 bits, Hi·2^64 + Lo.
type Uint128 struct {
	Hi, Lo uint64
}

// String prints the number in decimal.
func (u Uint128) String() string {
	n := new(big.Int).SetUint64(u.Hi)
	n.Lsh(n, 64)
	return n.Or(n, new(big.Int).SetUint64(u.Lo)).String()
}

// SlotDuration is how long a slot is meant to take, or false when the manifest
// says 0 or more than a time.Duration holds. It differs between clusters and
// changes at epochs: 400 ms, 350 ms, 300 ms (SIMD-0525).
func (m *Manifest) SlotDuration() (time.Duration, bool) {
	ns := m.Bank.NanosPerSlot
	if ns.Hi != 0 || ns.Lo == 0 || ns.Lo > math.MaxInt64 {
		return 0, false
	}
	return time.Duration(ns.Lo), true
}
