package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/durable"
)

// LedgerConfig describes a ledger to make up.
type LedgerConfig struct {
	// Dir receives genesis.bin and the archives. Required, and must exist.
	Dir string
	// CreatedAt is the cluster's birth, kept in genesis.bin to the second.
	// Required: with Seed it decides every byte.
	CreatedAt time.Time
	// Seed makes ledgers differ. 0 is a seed like any other.
	Seed uint64
	// FullBytes is about how many bytes of accounts a full archive holds, besides
	// some 200 KiB that every cluster has. Default 8 MiB.
	FullBytes int64
	// IncrementalBytes is the same for an incremental, if eight slots at least
	// have passed since its base. Default 512 KiB.
	IncrementalBytes int64
}

func (c LedgerConfig) withDefaults() LedgerConfig {
	if c.FullBytes == 0 {
		c.FullBytes = 8 << 20
	}
	if c.IncrementalBytes == 0 {
		c.IncrementalBytes = 512 << 10
	}
	return c
}

// Ledger makes up the ledger of a development cluster: something to serve where
// there is no validator. Equal configurations make equal files.
//
// Its state at a slot is a function of the slot, so that archives of the same
// ledger agree: an incremental over any of its fulls gives what a full of the
// later slot holds. There is a block in every slot, and one validator, which has
// all the stake and votes for each. Some accounts are written every eighth slot,
// and the others once.
//
// The archives meet what Agave asks of a snapshot before it starts from one
// (runtime/src/snapshot_bank_utils.rs, bank.rs, stakes.rs): fields equal to those
// of genesis.bin; the Rent sysvar; a SlotHistory that ends with the bank's slot,
// and a root in the status cache for each of its newest 300; vote account and
// stake account as the stakes cache has them; epoch stakes up to those of the
// leader schedule epoch; their leader; the sums and hashes. Tests hold them to
// it. Agave's own loader, crate solana-runtime 4.2.2, was tried on fulls and pairs
// between slot 0 and 2,000,100: it loads them, goes on to the next blocks and
// into the next epoch, where it pays the stake its inflation, and it refuses them
// when one of these facts is falsified. The validator itself was not run.
//
// Nobody has the cluster's keys, its parents' hashes are made up, and it has
// activated no features and deployed no programs, the stake program for one.
type Ledger struct {
	config    LedgerConfig
	cluster   Cluster
	validator validator
	genesis   snapshot.Hash
}

// NewLedger writes nothing yet.
func NewLedger(c LedgerConfig) *Ledger {
	l := &Ledger{config: c.withDefaults()}
	l.validator = validator{
		identity: l.pubkey("identity"), vote: l.pubkey("vote"), stakeAccount: l.pubkey("stake"),
		stake: 500_000 * lamportsPerSOL,
	}
	l.cluster = DevelopmentCluster(c.CreatedAt)
	l.cluster.Accounts = append(l.validator.genesisAccounts(&l.cluster), l.faucet())
	l.genesis = GenesisHash(l.cluster.GenesisBin())
	return l
}

// WriteGenesis writes genesis.bin. If there is one already it is left alone and
// the error is fs.ErrExist: it may be a real cluster's.
func (l *Ledger) WriteGenesis() error {
	path := filepath.Join(l.config.Dir, genesisMember)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write genesis: %s: %w", path, errors.Join(err, fs.ErrExist))
	}
	err := durable.WriteFile(path, 0o644, func(w io.Writer) error {
		_, err := w.Write(l.cluster.GenesisBin())
		return err
	})
	if err != nil {
		return fmt.Errorf("write genesis to %s: %w", l.config.Dir, err)
	}
	return nil
}

// WriteFull publishes a full archive of slot.
func (l *Ledger) WriteFull(slot snapshot.Slot) (snapshot.Name, error) {
	return l.Bank(slot).WriteFull(l.config.Dir, Packing{})
}

// WriteIncremental publishes an incremental archive of slot over the full one
// of base, which must be below slot and need not exist.
func (l *Ledger) WriteIncremental(base, slot snapshot.Slot) (snapshot.Name, error) {
	return l.Bank(slot).WriteIncremental(l.config.Dir, base, Packing{})
}

// Bank is the state at slot.
func (l *Ledger) Bank(slot snapshot.Slot) *Bank {
	blockID := l.hash("block id", slot)
	b := &Bank{
		Cluster:              &l.cluster,
		Slot:                 slot,
		BlockHeight:          uint64(slot),
		Distinct:             true,
		Blockhashes:          l.blockhashes(slot),
		LamportsPerSignature: 5000,
		TransactionCount:     uint64(slot), // votes
		SignatureCount:       uint64(min(slot, 1)),
		LeaderID:             l.validator.identity,
		Stakes:               l.validator.stakes(&l.cluster, slot),
		EpochStakes:          l.validator.epochStakes(&l.cluster, slot),
		Roots:                newestSlots(slot, maxRoots),
		BlockID:              &blockID,
	}
	if slot > 0 {
		b.ParentSlot, b.ParentHash = slot-1, l.hash("bank", slot-1)
	}
	b.Accounts = l.accounts(b)
	return b
}

// blockhashes are those in the queue of the bank of slot.
func (l *Ledger) blockhashes(slot snapshot.Slot) (hashes []snapshot.Hash) {
	if slot < blockhashMaxAge {
		hashes = append(hashes, l.genesis)
	}
	for _, slot := range newestSlots(slot, blockhashMaxAge+1) {
		hashes = append(hashes, l.hash("blockhash", slot))
	}
	return hashes
}

// parents are the bank hashes of the slots below slot, the newest first.
func (l *Ledger) parents(slot snapshot.Slot) (hashes []snapshot.Hash) {
	for i := range min(slot, maxSlotHashes) {
		hashes = append(hashes, l.hash("bank", slot-1-i))
	}
	return hashes
}
