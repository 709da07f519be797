package archive

import (
	"errors"
	"fmt"
	"math/bits"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/lthash"
	"solsnap/snapshot/archive/manifest"
)

// survey is what a walk over all of a bank's accounts finds out: everything of
// the manifest that depends on them.
type survey struct {
	lattice        lthash.Hash
	capitalization uint64
	dataLen        uint64
	// stats are of the records of the bank's slot.
	stats manifest.BankHashStats
	// sizes are those of the storages, in the order of Bank.Accounts.
	sizes []int64
	// latest has the slot that wrote an account last; nil if nobody asks.
	latest map[manifest.Pubkey]snapshot.Slot
	// hidden is the highest slot with a record that a later one replaces.
	hidden *snapshot.Slot
	sum    lthash.Sum
	hashed lthash.Account // only here so that it is not allocated anew each time
}

// surveyAccounts walks the slots from the last to the first, so that the first
// record of an account is the one that counts.
func (b *Bank) surveyAccounts() (*survey, error) {
	s := &survey{sizes: make([]int64, len(b.Accounts))}
	if !b.Distinct {
		s.latest = make(map[manifest.Pubkey]snapshot.Slot)
	}
	for i := len(b.Accounts) - 1; i >= 0; i-- {
		of := &b.Accounts[i]
		for account := range of.Accounts {
			if err := s.add(account, of.Slot, of.Slot == b.Slot); err != nil {
				return nil, fmt.Errorf("slot %d: %w", of.Slot, err)
			}
			s.sizes[i] += account.recordSize()
		}
		if s.sizes[i] == 0 {
			return nil, fmt.Errorf("slot %d has no account, want none or one at least", of.Slot)
		}
	}
	s.lattice = s.sum.Total()
	s.latest = nil
	return s, nil
}

func (s *survey) add(a *Account, slot snapshot.Slot, ofBank bool) error {
	if err := a.check(); err != nil {
		return err
	}
	if ofBank {
		s.count(a)
	}
	hidden, err := s.hides(a.Pubkey, slot)
	if err != nil || hidden {
		return err
	}
	var carry uint64
	if s.capitalization, carry = bits.Add64(s.capitalization, a.Lamports, 0); carry > 0 {
		return errors.New("accounts hold more than 2^64-1 lamports together")
	}
	if a.Lamports > 0 {
		s.dataLen += uint64(len(a.Data))
	}
	s.hashed = a.lattice()
	s.sum.Add(&s.hashed)
	return nil
}

// hides reports that a later slot wrote the account again. Twice in one slot is
// an error: Agave panics at it.
func (s *survey) hides(key manifest.Pubkey, slot snapshot.Slot) (bool, error) {
	if s.latest == nil {
		return false, nil
	}
	later, seen := s.latest[key]
	switch {
	case !seen:
		s.latest[key] = slot
	case later == slot:
		return false, fmt.Errorf("account %s is there twice", key)
	case s.hidden == nil:
		s.hidden = new(snapshot.Slot)
		*s.hidden = slot
	}
	return seen, nil
}

// count counts as Agave's BankHashStats does.
func (s *survey) count(a *Account) {
	if a.Lamports == 0 {
		s.stats.RemovedAccounts++
	} else {
		s.stats.UpdatedAccounts++
	}
	if a.Executable {
		s.stats.ExecutableAccounts++
	}
	s.stats.LamportsStored += a.Lamports
	s.stats.TotalDataLen += uint64(len(a.Data))
}
