package archive

import (
	"crypto/sha256"
	"iter"
	"math/rand/v2"
	"slices"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

const lamportsPerSOL = 1_000_000_000

// filling is the size of the data of each account that is there to fill an
// archive: like a small program's, and already aligned.
const (
	filling       = 8 << 10
	fillingRecord = recordHeaderSize + filling
)

// turns is how many slots share the writing: those accounts that are written
// again and again have their turn every eighth slot, and the others were written
// in the eight slots after genesis. So an archive has some ten storages.
const turns = 8

// hash makes up the hash of something in a slot.
func (l *Ledger) hash(of string, slot snapshot.Slot) snapshot.Hash {
	return sha256.Sum256(appendUint64s([]byte(of), l.config.Seed, uint64(slot)))
}

// pubkey makes up an address.
func (l *Ledger) pubkey(of string) manifest.Pubkey {
	return sha256.Sum256(appendUint64s([]byte(of), l.config.Seed))
}

// faucet has the cluster's first 1,000,000 SOL.
func (l *Ledger) faucet() Account {
	return Account{l.pubkey("faucet"), manifest.Account{
		Lamports: 1_000_000 * lamportsPerSOL, Owner: systemProgram, RentEpoch: exemptFromRent,
	}}
}

// hot is how many accounts are written again and again, cold how many others
// there are.
func (l *Ledger) hot() int  { return int(max(1, l.config.IncrementalBytes/fillingRecord)) }
func (l *Ledger) cold() int { return max(0, int(l.config.FullBytes/fillingRecord)-l.hot()) }

// accounts are those of the bank, by the slot that wrote each last.
func (l *Ledger) accounts(b *Bank) (all []SlotAccounts) {
	slots := append(newestSlots(min(b.Slot, turns), turns+1), newestSlots(b.Slot, turns)...)
	slices.Sort(slots)
	for _, slot := range slices.Compact(slots) {
		if written := l.written(b, slot); len(written) > 0 {
			all = append(all, SlotAccounts{slot, inOrder(written)})
		}
	}
	return all
}

// written are the accounts of the bank that slot wrote, and no later one: the
// sequences that are not empty.
func (l *Ledger) written(b *Bank, slot snapshot.Slot) (written []iter.Seq[*Account]) {
	c := b.Cluster
	if slot == 0 {
		written = append(written, each(nativePrograms()), each(c.fixedSysvars()), each(l.genesisAccounts()))
	}
	if class := int(slot - 1); slot > 0 && slot <= turns && class < l.cold() {
		written = append(written, l.class("cold", class, l.cold(), 0))
	}
	if class := int(slot % turns); slot > 0 && b.Slot-slot < turns && class < l.hot() {
		written = append(written, l.class("hot", class, l.hot(), slot))
	}
	if slot == b.Slot {
		vote := l.validator.voteAccount(c, slot)
		written = append(written, each(b.slotSysvars(l.parents(slot))), each([]Account{vote}))
	}
	return written
}

// genesisAccounts are those of genesis.bin that no slot writes again.
func (l *Ledger) genesisAccounts() []Account {
	return slices.DeleteFunc(slices.Clone(l.cluster.Accounts), func(a Account) bool { return a.Pubkey == l.validator.vote })
}

// class makes up, of so many accounts of a kind, every eighth, as version left
// them.
func (l *Ledger) class(kind string, class, count int, version snapshot.Slot) iter.Seq[*Account] {
	return func(yield func(*Account) bool) {
		a := &Account{Account: manifest.Account{Data: make([]byte, filling), RentEpoch: exemptFromRent, Owner: l.pubkey("program")}}
		for i := class; i < count; i += turns {
			l.fill(a, kind, uint64(i), version)
			if !yield(a) {
				return
			}
		}
	}
}

// fill draws the data. Random data does not compress, so an archive is about as
// large as its accounts.
func (l *Ledger) fill(a *Account, kind string, i uint64, version snapshot.Slot) {
	a.Pubkey = sha256.Sum256(appendUint64s([]byte(kind), l.config.Seed, i))
	random := rand.NewChaCha8(sha256.Sum256(appendUint64s(a.Pubkey[:], uint64(version))))
	_, _ = random.Read(a.Data) // never fails
	a.Lamports = l.cluster.rentExempt(filling) + random.Uint64()>>40
}

func each(accounts []Account) iter.Seq[*Account] {
	return func(yield func(*Account) bool) {
		for i := range accounts {
			if !yield(&accounts[i]) {
				return
			}
		}
	}
}

func inOrder(sequences []iter.Seq[*Account]) iter.Seq[*Account] {
	return func(yield func(*Account) bool) {
		for _, sequence := range sequences {
			for account := range sequence {
				if !yield(account) {
					return
				}
			}
		}
	}
}
