package snapshot

import (
	"fmt"
	"strconv"
)

// Slot is a Solana slot number: a period of the cluster's clock in which one
// leader may produce a block. Slots are far above 2^32 and, in JSON, must not
// pass through a float64.
type Slot uint64

// ParseSlot reads a slot in canonical decimal: ASCII digits, no sign and no
// leading zero, so that ParseSlot and Slot.String are inverses.
func ParseSlot(s string) (Slot, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("slot %q is not a decimal number below 2^64", s)
	}
	if Slot(n).String() != s {
		return 0, fmt.Errorf("slot %q is not in canonical decimal, want %d", s, n)
	}
	return Slot(n), nil
}

// String prints the slot in decimal.
func (s Slot) String() string { return strconv.FormatUint(uint64(s), 10) }
