package archive

import (
	"crypto/sha256"
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
	// FullBytes is about how many bytes of accounts a full archive holds.
	// Default 8 MiB.
	FullBytes int64
	// IncrementalBytes is the same for an incremental. Default 512 KiB.
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
// The genesis is real: Agave reads it. An archive is a real tar in a zstd
// frame, whose account storages are real too, but it has no bank manifest, so
// no validator can start from it; and the hash in its name is the SHA-256 of
// its account storages, not the checksum of an accounts lattice hash.
type Ledger struct {
	config LedgerConfig
}

// NewLedger writes nothing yet.
func NewLedger(c LedgerConfig) *Ledger { return &Ledger{config: c.withDefaults()} }

// WriteGenesis writes genesis.bin. If there is one already it is left alone and
// the error is fs.ErrExist: it may be a real cluster's.
func (l *Ledger) WriteGenesis() error {
	path := filepath.Join(l.config.Dir, genesisMember)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write genesis: %s: %w", path, errors.Join(err, fs.ErrExist))
	}
	err := durable.WriteFile(filepath.Join(l.config.Dir, genesisMember), 0o644, func(w io.Writer) error {
		_, err := w.Write(l.genesis().encode())
		return err
	})
	if err != nil {
		return fmt.Errorf("write genesis to %s: %w", l.config.Dir, err)
	}
	return nil
}

// genesis gives the faucet 1,000,000 SOL.
func (l *Ledger) genesis() genesisConfig {
	return genesisConfig{
		createdAt:      l.config.CreatedAt,
		faucet:         sha256.Sum256(appendUint64s([]byte("faucet"), l.config.Seed)),
		faucetLamports: 1_000_000_000_000_000,
	}
}

// WriteFull publishes a full archive of slot.
func (l *Ledger) WriteFull(slot snapshot.Slot) (snapshot.Name, error) {
	return l.publish(snapshot.Name{Kind: snapshot.Full, Slot: slot}, storages(0, slot, l.config.Seed, l.config.FullBytes))
}

// WriteIncremental publishes an incremental archive of slot over the full one
// of base, which must be below slot and need not exist.
func (l *Ledger) WriteIncremental(base, slot snapshot.Slot) (snapshot.Name, error) {
	if slot <= base {
		return snapshot.Name{}, fmt.Errorf("incremental slot %d is not above its base %d", slot, base)
	}
	name := snapshot.Name{Kind: snapshot.Incremental, Base: base, Slot: slot}
	return l.publish(name, storages(base+1, slot, l.config.Seed, l.config.IncrementalBytes))
}

func (l *Ledger) publish(name snapshot.Name, accounts []storage) (_ snapshot.Name, err error) {
	if name.Hash, err = hashStorages(accounts); err != nil {
		return snapshot.Name{}, err
	}
	pending, err := snapshot.Create(l.config.Dir, name)
	if err != nil {
		return snapshot.Name{}, err
	}
	defer pending.Discard()
	if err := writeSnapshot(pending, name.Slot, accounts); err != nil {
		return snapshot.Name{}, fmt.Errorf("write %s: %w", name, err)
	}
	if err := pending.Commit(); err != nil {
		return snapshot.Name{}, err
	}
	return name, nil
}

// hashStorages stands in for the checksum of the accounts lattice hash.
func hashStorages(accounts []storage) (snapshot.Hash, error) {
	hash := sha256.New()
	for _, s := range accounts {
		if _, err := s.WriteTo(hash); err != nil {
			return snapshot.Hash{}, err
		}
	}
	return snapshot.Hash(hash.Sum(nil)), nil
}

// maxStorages keeps the number of members readable.
const maxStorages = 8

// storages spreads about size bytes of accounts over the last slots from first
// to last, one storage for each slot as Agave demands, and at least one account
// in each.
func storages(first, last snapshot.Slot, seed uint64, size int64) []storage {
	count := uint64(min(last-first, maxStorages-1)) + 1
	records := max(size/recordSize, int64(count))
	made := make([]storage, 0, count)
	for i := range count {
		share := records / int64(count)
		if int64(i) < records%int64(count) {
			share++
		}
		slot := last - snapshot.Slot(count-1-i)
		made = append(made, storage{slot: slot, id: uint64(slot), seed: seed, accounts: int(share)})
	}
	return made
}
