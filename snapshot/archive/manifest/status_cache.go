package manifest

import (
	"fmt"
	"io"

	"solsnap/snapshot"
)

// maxSlotDeltas is how many slots Agave keeps transaction results of, and the
// most it loads (MAX_CACHE_ENTRIES of runtime/src/status_cache.rs).
const maxSlotDeltas = 300

// keySlice is how many bytes of a signature or message hash a status cache has,
// and maxKeyOffset from where at most: a signature has 64.
const (
	keySlice     = 20
	maxKeyOffset = 64 - keySlice
)

// StatusCache says of which slots a snapshot has transaction results. No hash
// covers it.
type StatusCache struct {
	// Slots has the order of the file.
	Slots []SlotDelta
	// Trailing is how many bytes follow.
	Trailing int64
}

// SlotDelta counts the results of one rooted slot. Agave records each
// transaction twice: under its signature, and under its message hash.
type SlotDelta struct {
	Slot        snapshot.Slot
	Blockhashes uint64
	Results     uint64
	// Errors are those of the Results that are no success.
	Errors uint64
}

// DecodeStatusCache reads snapshots/status_cache of size bytes from r, looks at
// each result and keeps only the counts. The layout is that of Agave
// runtime/src/serde_snapshot/status_cache.rs. The error wraps a *DecodeError.
func DecodeStatusCache(r io.Reader, size int64) (*StatusCache, error) {
	if size < 0 || size > MaxSize {
		return nil, fmt.Errorf("decode status cache: size %d, want 0 to %d", size, int64(MaxSize))
	}
	c := &codec{in: newCursor(r, size, 0)}
	s := new(StatusCache)
	s.decode(c)
	if c.in.err != nil {
		return nil, fmt.Errorf("decode status cache: %w", c.in.err)
	}
	s.Trailing = c.in.left()
	return s, nil
}

// Check reports what would keep Agave from starting with this status cache at a
// bank's slot, other than the SlotHistory sysvar: a slot twice, or after the
// bank's.
func (s *StatusCache) Check(bank snapshot.Slot) error {
	seen := make(map[snapshot.Slot]bool, len(s.Slots))
	for _, delta := range s.Slots {
		if delta.Slot > bank {
			return fmt.Errorf("status cache has slot %d, above the bank's %d", delta.Slot, bank)
		}
		if seen[delta.Slot] {
			return fmt.Errorf("status cache has slot %d twice", delta.Slot)
		}
		seen[delta.Slot] = true
	}
	return nil
}

func (s *StatusCache) decode(c *codec) {
	const smallest = 8 + 1 + 8
	c.each("slot_deltas", smallest, func() {
		if len(s.Slots) == maxSlotDeltas {
			c.in.fail("slot", fmt.Errorf("slot delta %d, want at most %d", len(s.Slots)+1, maxSlotDeltas))
			return
		}
		var delta SlotDelta
		delta.decode(c)
		s.Slots = append(s.Slots, delta)
	})
}

func (d *SlotDelta) decode(c *codec) {
	d.Slot = snapshot.Slot(c.in.uint64("slot"))
	if root := c.in.bool("is_root"); !root {
		c.in.fail("is_root", fmt.Errorf("slot %d is no root, want only roots", d.Slot))
	}
	const smallest = 32 + 8 + 8
	d.Blockhashes = uint64(c.each("blockhashes", smallest, func() { d.decodeBlockhash(c) }))
}

func (d *SlotDelta) decodeBlockhash(c *codec) {
	c.in.skip("blockhash", 32)
	if offset := c.in.uint64("key_offset"); offset > maxKeyOffset {
		c.in.fail("key_offset", fmt.Errorf("%d, want at most %d", offset, maxKeyOffset))
	}
	d.Results += uint64(c.each("results", keySlice+4, func() {
		c.in.skip("key_slice", keySlice)
		if decodeResult(c.in) {
			d.Errors++
		}
	}))
}

// decodeResult takes a Result<(), TransactionError> and reports an error.
func decodeResult(c *cursor) bool {
	if variant(c, "result", 2) == 0 {
		return false
	}
	decodeTransactionError(c)
	return true
}

// The variants of TransactionError and InstructionError that have a payload, and
// how many variants there are (Agave, crates solana-transaction-error and
// solana-instruction-error). The numbers are the wire's.
const (
	transactionErrors = 39
	instructionError  = 8
	duplicateInstr    = 30
	rentTooLow        = 31 // InsufficientFundsForRent
	restricted        = 35 // ProgramExecutionTemporarilyRestricted

	instructionErrors = 54
	customError       = 25
	borshIOError      = 44
)

func decodeTransactionError(c *cursor) {
	switch variant(c, "transaction_error", transactionErrors) {
	case instructionError:
		c.uint8("instruction_index")
		decodeInstructionError(c)
	case duplicateInstr, rentTooLow, restricted:
		c.uint8("index")
	}
}

func decodeInstructionError(c *cursor) {
	switch variant(c, "instruction_error", instructionErrors) {
	case customError:
		c.uint32("custom")
	case borshIOError:
		c.skip("borsh_io_error", c.count("borsh_io_error", 1))
	}
}

// variant takes the discriminant of an enum that has so many variants.
func variant(c *cursor, name string, variants uint32) uint32 {
	v := c.uint32(name)
	if v >= variants {
		c.offset -= 4 // the error is about the number that was taken
		c.fail(name, fmt.Errorf("variant %d, want at most %d", v, variants-1))
		return 0
	}
	return v
}
