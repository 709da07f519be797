package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"

	"solsnap/snapshot/archive/lthash"
)

// proveAccounts compares the accounts with the manifest. First it takes every
// record for a live account, but for those of the base that the incremental
// hides: that is so in what Firedancer writes, and mostly in what Agave has
// written since late 2025. Only if it does not add up are the superseded records looked for.
func (v *verification) proveAccounts(ctx context.Context) error {
	if v.checkTotals(&v.total.shown) == nil {
		v.figure(&v.total.shown, v.total.hidden, v.total.hidden-v.total.hiddenTombstones)
		return nil
	}
	dir, err := os.MkdirTemp(v.config.ScratchDir, "solsnap-verify-")
	if err != nil {
		return &scratchError{err}
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left takes only space
	return v.resolve(ctx, dir)
}

// figure fills in what is known of the live accounts: how many records are
// superseded, and how many of these had lamports.
func (v *verification) figure(live *tally, superseded, withLamports uint64) {
	f := &v.report.Figures
	f.Superseded = superseded
	f.Live = f.Records - f.Tombstones - withLamports
	f.Lamports = Lamports(live.lamports)
}

// scratchError is a trouble with the scratch directory, which says nothing about
// the archive.
type scratchError struct{ err error }

func (e *scratchError) Error() string {
	return fmt.Sprintf("sort superseded records: %v; choose a scratch directory with room for 64 bytes a record", e.err)
}

func (e *scratchError) Unwrap() error { return e.err }

// resolve takes the superseded records out of the sum of all: it sorts the keys of
// every record on disk, and hashes what is superseded in another pass.
func (v *verification) resolve(ctx context.Context, dir string) error {
	superseded, err := newOrdinalList(dir, v.total.records)
	if err != nil {
		return &scratchError{err}
	}
	defer func() { _ = superseded.close() }()
	lost, err := v.findSuperseded(ctx, dir, superseded)
	if err != nil {
		return err
	}
	live := v.total.shown
	live.add(&v.total.dark)
	if err := v.takeOut(ctx, superseded, &live); err != nil {
		return err
	}
	v.figure(&live, lost.all, lost.withLamports)
	return v.checkTotals(&live)
}

// losses count superseded records.
type losses struct{ all, withLamports uint64 }

// findSuperseded is the second pass.
func (v *verification) findSuperseded(ctx context.Context, dir string, into *ordinalList) (lost losses, _ error) {
	spill, err := newVersionSpill(dir, v.total.records)
	if err != nil {
		return lost, &scratchError{err}
	}
	defer func() { _ = spill.close() }()
	err = v.pass(ctx, func(m Member, a *StoredAccount, ordinal uint64) error {
		return spill.add(accountVersion{
			pubkey: *a.Pubkey, slot: uint64(m.Slot), writeVersion: a.WriteVersion, ordinal: ordinal, empty: a.Lamports == 0,
		})
	})
	if err != nil {
		return lost, err
	}
	v.report.Figures.SameSlot, err = spill.superseded(func(a accountVersion) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		lost.all++
		if a.empty {
			return nil // it was never added
		}
		lost.withLamports++
		return into.add(a.ordinal)
	})
	if err != nil && ctx.Err() == nil {
		err = &scratchError{err}
	}
	if v.report.Figures.SameSlot > 0 {
		v.warn("%d records are superseded by another of the same slot", v.report.Figures.SameSlot)
	}
	return lost, err
}

// takeOut is the third pass.
func (v *verification) takeOut(ctx context.Context, superseded *ordinalList, live *tally) error {
	var sum lthash.Sum
	err := v.pass(ctx, func(_ Member, a *StoredAccount, ordinal uint64) error {
		found, err := superseded.contains(ordinal)
		if err != nil || !found {
			return err
		}
		account := latticeAccount(a)
		sum.Sub(&account)
		var borrow uint64
		live.lamports, borrow = bits.Sub64(live.lamports, a.Lamports, 0)
		live.overflow -= borrow
		return nil
	})
	hash := sum.Total()
	live.hash.Add(&hash)
	return err
}

// errOtherRecords means that an archive had other contents in another pass.
var errOtherRecords = errors.New("archive changed while it was verified")

// pass reads the archives again, in the same order, and gives every record a
// number. An error of visit is one of the scratch directory.
func (v *verification) pass(ctx context.Context, visit func(Member, *StoredAccount, uint64) error) error {
	v.config.Progress.begin(v.sources)
	v.report.Figures.Passes++
	p := again{visit: visit, most: v.total.records}
	for i, s := range v.sources {
		err := v.open(ctx, s, func(r *Reader) error {
			p.scanner = scanner{verification: v, source: s, reader: r, lengths: v.lengths[i]}
			return p.run()
		})
		if err != nil {
			return err
		}
	}
	if p.records != v.total.records {
		return errOtherRecords
	}
	return nil
}

// again is a pass after the first.
type again struct {
	scanner
	visit    func(Member, *StoredAccount, uint64) error
	accounts Accounts
	records  uint64 // so far
	most     uint64
}

func (p *again) run() error {
	for {
		m, err := p.reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && m.Kind == StorageMember {
			err = p.storage(p.trim(m))
		}
		if err != nil {
			return err
		}
	}
}

func (p *again) storage(m Member) error {
	for p.accounts.Reset(p.reader, m); p.accounts.Next(); p.records++ {
		if p.records == p.most {
			return errOtherRecords
		}
		if err := p.visit(m, p.accounts.Account(), p.records); err != nil {
			return &scratchError{err}
		}
		p.config.Progress.records.Add(1)
	}
	return p.accounts.Err()
}
