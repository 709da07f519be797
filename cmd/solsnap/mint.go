package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

// mint makes the demo's ledger grow, and forgets its old archives by Agave's
// rule.
type mint struct {
	dir      string
	ledger   *archive.Ledger
	interval time.Duration
	log      *slog.Logger

	// Owned by Run, and by open before it.
	base, slot snapshot.Slot   // of the newest full archive, of the newest archive
	onBase     int             // incrementals on base
	archives   []snapshot.Name // what is there

	minted atomic.Uint64 // the slot of the newest archive, for Slot
}

const (
	// firstSlot leaves room below it for the slots of the first full archive.
	firstSlot = 100_000
	// slotTime is that of a cluster's genesis; the demo's slots pass no faster.
	slotTime = 400 * time.Millisecond
	// incrementalsOnFull is how many a full archive gets before the next one.
	incrementalsOnFull = 6
)

func newMint(dir string, ledger *archive.Ledger, interval time.Duration, log *slog.Logger) *mint {
	return &mint{dir: dir, ledger: ledger, interval: interval, log: log, slot: firstSlot}
}

// open makes the genesis and the first pair.
func (m *mint) open() error {
	if err := m.ledger.WriteGenesis(); err != nil {
		return err
	}
	if err := m.full(); err != nil {
		return err
	}
	m.slot += m.step()
	return m.incremental()
}

// Run mints an archive each interval until ctx ends. One that cannot be written
// is logged, and the next one tried.
func (m *mint) Run(ctx context.Context) error {
	ticker := time.NewTicker(m.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := m.next(); err != nil {
				m.log.Error("snapshot not made", "slot", m.slot, "path", m.dir, "err", err)
			}
		}
	}
}

// Slot is the slot of the newest archive: how far this cluster of one has come.
// It may be called at any time after open.
func (m *mint) Slot() *snapshot.Slot {
	slot := snapshot.Slot(m.minted.Load())
	return &slot
}

// step is how many slots pass in an interval.
func (m *mint) step() snapshot.Slot { return snapshot.Slot(max(1, m.interval/slotTime)) }

// next mints a full archive after every few incrementals, else an incremental.
func (m *mint) next() error {
	m.slot += m.step()
	mint := m.incremental
	if m.onBase == incrementalsOnFull {
		mint = m.full
	}
	if err := mint(); err != nil {
		return err
	}
	return m.forget()
}

func (m *mint) full() error {
	name, err := m.ledger.WriteFull(m.slot)
	if err != nil {
		return err
	}
	m.base, m.onBase = m.slot, 0
	m.made(name)
	return nil
}

func (m *mint) incremental() error {
	name, err := m.ledger.WriteIncremental(m.base, m.slot)
	if err != nil {
		return err
	}
	m.onBase++
	m.made(name)
	return nil
}

func (m *mint) made(name snapshot.Name) {
	m.archives = append(m.archives, name)
	m.minted.Store(uint64(name.Slot))
	m.log.Info("snapshot made", "slot", name.Slot, "hash", name.Hash, "kind", name.Kind)
}

func (m *mint) forget() error {
	keep, drop := retain(m.archives)
	for _, name := range drop {
		if err := os.Remove(filepath.Join(m.dir, name.String())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	m.archives = keep
	return nil
}
