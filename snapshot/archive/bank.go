package archive

import (
	"errors"
	"fmt"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// The most that Agave keeps: MAX_RECENT_BLOCKHASHES, one more than that many of
// which are in the queue, and MAX_CACHE_ENTRIES of the status cache.
const (
	blockhashMaxAge = 300
	maxRoots        = 300
)

// Bank describes the state of a cluster at a slot, from which archives are
// written. What follows from the rest is not in it: the lattice hash and with it
// the archive's name, the bank hash, capitalization, tick heights, epoch, the
// rows of the storages.
//
// Equal descriptions give equal archives. It is the describer who decides whether
// a validator can start from one; Ledger says what that takes.
type Bank struct {
	// Cluster is only read. Required.
	Cluster *Cluster
	Slot    snapshot.Slot
	// ParentSlot is below Slot, except that both are 0 in the first bank.
	ParentSlot snapshot.Slot
	ParentHash snapshot.Hash
	// BlockHeight is how many blocks there were before this one.
	BlockHeight uint64
	// Accounts are those of the whole state, by the slot that wrote them last,
	// ascending. Records of earlier slots may be there too; they are hidden by
	// the later ones.
	Accounts []SlotAccounts
	// Distinct promises that no account is described twice. Else each is
	// remembered for a while, which takes some 50 bytes.
	Distinct bool
	// Blockhashes are the newest, up to 301, the oldest first. The last one is
	// the bank's own; there is one for each block, and before the first block the
	// genesis hash. Required.
	Blockhashes []snapshot.Hash
	// LamportsPerSignature is the fee.
	LamportsPerSignature uint64
	// TransactionCount is since genesis, SignatureCount of this slot.
	TransactionCount, SignatureCount uint64
	// LeaderID led this slot, by the EpochStakes.
	LeaderID    manifest.Pubkey
	HardForks   manifest.HardForks
	Stakes      manifest.Stakes
	EpochStakes []manifest.EpochStakes
	// Roots are the slots in the status cache, up to 300, each without any
	// results.
	Roots []snapshot.Slot
	// BlockID is nil where it is not known; then the manifest ends before it, as
	// Agave's did up to 3.1.
	BlockID *snapshot.Hash
}

// WriteFull publishes a full archive of the bank in dir. It fails with
// fs.ErrExist if there is one of that name.
func (b *Bank) WriteFull(dir string, p Packing) (snapshot.Name, error) {
	return b.write(dir, snapshot.Name{Kind: snapshot.Full, Slot: b.Slot, Format: p.Format}, p)
}

// WriteIncremental publishes an archive of what slots above base wrote. Together
// with a full archive of base it holds the bank's state if that full one holds
// the accounts up to base. It fails with fs.ErrExist if there is one of that name.
func (b *Bank) WriteIncremental(dir string, base snapshot.Slot, p Packing) (snapshot.Name, error) {
	if b.Slot <= base {
		return snapshot.Name{}, fmt.Errorf("write archive: incremental slot %d is not above its base %d", b.Slot, base)
	}
	return b.write(dir, snapshot.Name{Kind: snapshot.Incremental, Base: base, Slot: b.Slot, Format: p.Format}, p)
}

// write walks the accounts twice: the manifest, which depends on all of them,
// comes first in the archive, and so does each storage's size.
func (b *Bank) write(dir string, name snapshot.Name, p Packing) (snapshot.Name, error) {
	a, err := b.archive(name, p)
	if err != nil {
		return snapshot.Name{}, fmt.Errorf("write archive of slot %d: %w", b.Slot, err)
	}
	pending, err := snapshot.Create(dir, a.name)
	if err != nil {
		return snapshot.Name{}, err
	}
	defer pending.Discard()
	if err := a.pack(pending); err != nil {
		return snapshot.Name{}, fmt.Errorf("write %s: %w", a.name, err)
	}
	return a.name, pending.Commit()
}

// archive prepares everything but the storages' content.
func (b *Bank) archive(name snapshot.Name, p Packing) (*packer, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	found, err := b.surveyAccounts()
	if err != nil {
		return nil, err
	}
	a := &packer{Packing: p, name: name, roots: b.Roots}
	if a.storages, err = p.storages(b, name, found); err != nil {
		return nil, err
	}
	if a.manifest, err = b.manifest(found, a.rows()); err != nil {
		return nil, err
	}
	a.name.Hash = found.lattice.Checksum()
	if p.Falsify != nil {
		p.Falsify(a.manifest, &a.name)
	}
	return a, nil
}

func (b *Bank) check() error {
	switch blocks := uint64(len(b.Blockhashes)); {
	case b.Cluster == nil:
		return errors.New("it is of no cluster")
	case b.Slot > 0 && b.ParentSlot >= b.Slot || b.Slot == 0 && b.ParentSlot > 0:
		return fmt.Errorf("parent slot is %d, want one below", b.ParentSlot)
	case b.BlockHeight > uint64(b.Slot):
		return fmt.Errorf("block height is %d, above the slot", b.BlockHeight)
	case blocks == 0 || blocks > blockhashMaxAge+1 || blocks-1 > b.BlockHeight+1:
		return fmt.Errorf("%d blockhashes, want 1 to %d", blocks, min(blockhashMaxAge+1, b.BlockHeight+2))
	case len(b.Roots) > maxRoots:
		return fmt.Errorf("%d roots in the status cache, want at most %d", len(b.Roots), maxRoots)
	}
	for i := range b.Accounts {
		slot := b.Accounts[i].Slot
		if slot > b.Slot || i > 0 && slot <= b.Accounts[i-1].Slot {
			return fmt.Errorf("accounts of slot %d, want ascending slots up to the bank's", slot)
		}
	}
	return nil
}
