package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"golang.org/x/sync/errgroup"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/lthash"
	"solsnap/snapshot/archive/manifest"
)

// totals count records and add up their accounts, live or not.
type totals struct {
	records    uint64
	tombstones uint64 // records of no lamports
	hidden     uint64 // records of a base whose key the incremental has, tombstones included
	// hiddenTombstones are counted in tombstones and in hidden.
	hiddenTombstones uint64

	shown, dark tally // accounts that seem to be live, and those that are hidden
}

// tally adds up accounts with lamports.
type tally struct {
	hash     lthash.Hash
	lamports uint64
	overflow uint64 // above 2^64: no cluster has as much, but a forged archive may
}

func (t *tally) add(other *tally) {
	t.hash.Add(&other.hash)
	var carry uint64
	t.lamports, carry = bits.Add64(t.lamports, other.lamports, 0)
	t.overflow += other.overflow + carry
}

func (t *totals) add(other *totals) {
	t.records += other.records
	t.tombstones += other.tombstones
	t.hidden += other.hidden
	t.hiddenTombstones += other.hiddenTombstones
	t.shown.add(&other.shown)
	t.dark.add(&other.dark)
}

// scan reads every archive once: the incremental before its base, so that the
// keys that it hides there are known. It leaves the totals in v.
func (v *verification) scan(ctx context.Context) error {
	v.config.Progress.begin(v.sources)
	v.report.Figures.Passes++
	keys := newKeySet()
	for i, s := range v.sources {
		err := v.open(ctx, s, func(r *Reader) error {
			p := &scanner{verification: v, source: s, reader: r, base: i > 0, keys: keys, collect: i+1 < len(v.sources)}
			err := p.run(ctx)
			v.lengths = append(v.lengths, p.lengths)
			return err
		})
		if err != nil {
			return err
		}
	}
	f := &v.report.Figures
	f.Records, f.Tombstones = v.total.records, v.total.tombstones
	return nil
}

// scanner is the scan of one archive. One goroutine reads and cuts it into
// blocks, others walk the records of the blocks and hash the accounts.
type scanner struct {
	*verification
	source  *Source
	reader  *Reader
	base    bool    // it is the base of an incremental
	keys    *keySet // of the incremental, if collect or base
	collect bool    // add this archive's keys

	lengths map[storageKey]uint64 // of the storages, from an old manifest; nil if there is none
	matched int                   // storages that lengths has
	cache   bool                  // there was a status cache
}

// run stops all when the first has failed. The workers' error comes first: it is
// about what was read before.
func (p *scanner) run(ctx context.Context) error {
	group, working := errgroup.WithContext(ctx)
	crew := newCrew(p.config.Workers)
	for range p.config.Workers {
		group.Go(func() error { return p.work(crew) })
	}
	group.Go(func() error {
		defer close(crew.blocks)
		return p.read(working, crew)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	close(crew.done)
	for t := range crew.done {
		p.total.add(t)
	}
	return p.conclude()
}

// crew hands blocks of records from the one who reads to those who hash, and
// their memory back: so there are never more blocks than buffers.
type crew struct {
	blocks  chan loan
	buffers chan []byte
	done    chan *totals // of each worker; it has room for all
}

// loan is a block and the buffer that it may be in.
type loan struct {
	Block
	buffer []byte
}

func newCrew(workers int) *crew {
	const ahead = 2 // blocks for each worker, besides the one that it walks
	n := workers*(1+ahead) + 1
	c := &crew{blocks: make(chan loan, n), buffers: make(chan []byte, n), done: make(chan *totals, workers)}
	for range n {
		c.buffers <- make([]byte, BlockSize)
	}
	return c
}

// read walks the members.
func (p *scanner) read(ctx context.Context, c *crew) error {
	var blocks Blocks
	for {
		m, err := p.reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = m.Belongs(p.source.Name)
		}
		if err == nil {
			err = p.member(ctx, c, &blocks, m)
		}
		if err != nil {
			return err
		}
	}
}

func (p *scanner) member(ctx context.Context, c *crew, blocks *Blocks, m Member) error {
	switch m.Kind {
	case StatusCacheMember:
		p.cache = true
		if _, err := manifest.DecodeStatusCache(p.reader, m.Size); err != nil {
			return m.fail(0, err)
		}
	case ManifestMember:
		if p.config.Tier < TierManifest {
			return nil
		}
		decoded, err := readManifest(p.reader, m)
		if err != nil {
			return fail(TierManifest, p.source.Name, err)
		}
		p.lengths = storageLengths(decoded)
		if !p.base {
			p.manifest = decoded
		}
		if !p.base && p.config.Early {
			return p.judgeManifest()
		}
	case StorageMember:
		blocks.Reset(p.reader, p.trim(m))
		return p.storage(ctx, c, blocks)
	}
	return nil
}

// storage sends the blocks of a storage to the workers.
func (p *scanner) storage(ctx context.Context, c *crew, blocks *Blocks) error {
	p.report.Figures.Storages++
	for {
		var buffer []byte
		select {
		case buffer = <-c.buffers:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		b, err := blocks.Next(buffer)
		if err != nil {
			c.buffers <- buffer
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		p.note(&b)
		select {
		case c.blocks <- loan{b, buffer}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// note collects the keys of a block. A broken record is the workers' to report.
func (p *scanner) note(b *Block) {
	if !p.collect {
		return
	}
	for records := b.Records(); records.Next(); {
		p.keys.add(records.Account().Pubkey)
	}
}

// work walks blocks until there are no more.
func (p *scanner) work(c *crew) error {
	w := worker{scanner: p, totals: new(totals)}
	for b := range c.blocks {
		if err := w.walk(&b.Block); err != nil {
			return err
		}
		c.buffers <- b.buffer
	}
	w.finish()
	c.done <- w.totals
	return nil
}

// worker hashes accounts. It belongs to one goroutine.
type worker struct {
	*scanner
	totals      *totals
	shown, dark lthash.Sum
}

func (w *worker) walk(b *Block) error {
	records := b.Records()
	before := w.totals.records
	for records.Next() {
		w.account(records.Account())
	}
	w.config.Progress.records.Add(w.totals.records - before)
	return records.Err()
}

func (w *worker) account(a *StoredAccount) {
	t := w.totals
	t.records++
	if a.Lamports == 0 {
		t.tombstones++
	}
	if w.config.Tier < TierAccounts {
		return
	}
	hidden := w.base && w.keys.has(a.Pubkey)
	if hidden {
		t.hidden++
	}
	switch {
	case a.Lamports == 0 && hidden:
		t.hiddenTombstones++
	case a.Lamports == 0:
	case hidden:
		t.dark.count(a, &w.dark)
	default:
		t.shown.count(a, &w.shown)
	}
}

func (t *tally) count(a *StoredAccount, sum *lthash.Sum) {
	var carry uint64
	t.lamports, carry = bits.Add64(t.lamports, a.Lamports, 0)
	t.overflow += carry
	account := latticeAccount(a)
	sum.Add(&account)
}

func latticeAccount(a *StoredAccount) lthash.Account {
	return lthash.Account{Lamports: a.Lamports, Data: a.Data, Executable: a.Executable, Owner: *a.Owner, Pubkey: *a.Pubkey}
}

func (w *worker) finish() {
	w.totals.shown.hash = w.shown.Total()
	w.totals.dark.hash = w.dark.Total()
}

// storageLengths are the lengths that a manifest gives the storages: nil where it
// gives none, as Agave's since September 2026 and Firedancer's do.
func storageLengths(m *manifest.Manifest) map[storageKey]uint64 {
	rows := m.AccountsDB.Storages
	if len(rows) == 0 {
		return nil
	}
	lengths := make(map[storageKey]uint64, len(rows))
	for _, row := range rows {
		lengths[storageKey{row.Slot, row.ID}] = row.Len
	}
	return lengths
}

// trim gives a storage the length of the manifest, if that is shorter: what
// follows in an old archive is of no account.
func (p *scanner) trim(m Member) Member {
	length, ok := p.lengths[storageKey{m.Slot, m.ID}]
	if ok {
		p.matched++
		m.Size = min(m.Size, int64(min(length, 1<<62)))
	}
	return m
}

// conclude judges what can only be judged at the end.
func (p *scanner) conclude() error {
	c, name := p.reader.Container(), p.source.Name
	f := &p.report.Figures
	f.CompressedBytes += p.reader.Consumed()
	f.Bytes += c.Size
	switch {
	case c.Manifest == 0:
		return fail(TierStructure, name, errors.New("there is no manifest in it"))
	case !p.cache:
		return fail(TierStructure, name, errors.New("there is no status cache in it"))
	}
	if c.Garbage {
		p.warn("%s: %d bytes that are not zero follow the end of the tar", name, c.Trailing)
	}
	p.compareRows(c.Storages)
	return nil
}

// compareRows holds the manifest's storages against those in the archive. In an
// incremental's manifest those of the full archive may be listed, too.
func (p *scanner) compareRows(storages int) {
	if p.lengths == nil {
		return
	}
	own := 0
	for key := range p.lengths {
		if p.source.Name.Kind == snapshot.Full || key.slot > p.source.Name.Base {
			own++
		}
	}
	if p.matched != storages || p.matched != own {
		p.warn("the manifest lists %d storages, the archive has %d, and %d are the same", own, storages, p.matched)
	}
}

// checkTotals reports whether the accounts are those of the manifest.
func (v *verification) checkTotals(live *tally) error {
	m := v.manifest
	want := lthash.FromBytes(v.lattice)
	switch {
	case live.overflow > 0 || live.lamports != m.Bank.Capitalization:
		return v.failAccounts(fmt.Errorf("live accounts hold %d lamports, but the capitalization is %d", live.lamports, m.Bank.Capitalization))
	case live.hash != want:
		return v.failAccounts(fmt.Errorf("checksum of the live accounts' lattice hash is %s, want %s", snapshot.Hash(live.hash.Checksum()), snapshot.Hash(want.Checksum())))
	}
	return nil
}

func (v *verification) failAccounts(err error) error {
	return &Failure{Tier: TierAccounts, Archive: v.config.Archive.Name.String(), Offset: -1, Reason: err.Error()}
}
