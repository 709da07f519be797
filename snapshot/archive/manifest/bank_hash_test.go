package manifest

import (
	"testing"

	"solsnap/snapshot"
)

// TestBankHashCovers changes one thing at a time in a real manifest. What the
// hash covers must change it, and nothing else may.
func TestBankHashCovers(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Manifest)
		same   bool
	}{
		"parent hash":      {func(m *Manifest) { m.Bank.ParentHash[31]++ }, false},
		"signature count":  {func(m *Manifest) { m.Bank.SignatureCount++ }, false},
		"last blockhash":   {func(m *Manifest) { m.Bank.BlockhashQueue.LastHash[0]++ }, false},
		"lattice hash":     {func(m *Manifest) { m.Extra.AccountsLtHash[2047]++ }, false},
		"fork at slot":     {func(m *Manifest) { m.Bank.HardForks = append(m.Bank.HardForks, SlotCount{100, 1}) }, false},
		"fork after slot":  {func(m *Manifest) { m.Bank.HardForks = append(m.Bank.HardForks, SlotCount{101, 1}) }, true},
		"fork at parent":   {func(m *Manifest) { m.Bank.HardForks = append(m.Bank.HardForks, SlotCount{99, 1}) }, true},
		"fork of no count": {func(m *Manifest) { m.Bank.HardForks = append(m.Bank.HardForks, SlotCount{100, 0}) }, true},
		"forks since":      {func(m *Manifest) { m.Bank.ParentSlot = 9 }, false},
		"capitalization":   {func(m *Manifest) { m.Bank.Capitalization++ }, true},
		"block id":         {func(m *Manifest) { m.Extra.BlockID = nil }, true},
		"bank hash":        {func(m *Manifest) { m.Bank.Hash = snapshot.Hash{} }, true},
		"epoch stakes":     {func(m *Manifest) { m.Extra.EpochStakes = nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := decode(t, fixture(t, fullV2))
			want := m.Bank.Hash
			tt.change(m)
			got, err := m.BankHash()
			check(t, "error", err, nil)
			check(t, "same hash", got == want, tt.same)
			if again, _ := m.BankHash(); again != got {
				t.Error("another hash the second time")
			}
		})
	}
}

// TestBankHashCountsForks has the same forks at one slot and at two.
func TestBankHashCountsForks(t *testing.T) {
	var hashes []snapshot.Hash
	for _, forks := range []HardForks{{{100, 2}}, {{99, 1}, {100, 1}}, {{98, 7}, {100, 2}}, {{100, 1}}} {
		m := decode(t, fixture(t, fullV2))
		m.Bank.ParentSlot, m.Bank.HardForks = 98, forks
		hash, err := m.BankHash()
		check(t, "error", err, nil)
		hashes = append(hashes, hash)
	}
	check(t, "two at one slot as at two", hashes[0] == hashes[1], true)
	check(t, "the parent's do not count", hashes[0] == hashes[2], true)
	check(t, "one is not two", hashes[0] == hashes[3], false)
}

func TestBankHashNotVerifiable(t *testing.T) {
	for name, change := range map[string]func(*Manifest){
		"no lattice hash": func(m *Manifest) { m.Extra.AccountsLtHash = nil },
		"no blockhash":    func(m *Manifest) { m.Bank.BlockhashQueue.LastHash = nil },
	} {
		t.Run(name, func(t *testing.T) {
			m := made()
			change(m)
			_, err := m.BankHash()
			check(t, "error", err, ErrNotVerifiable)
		})
	}
}
