package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/lthash"
	"solsnap/snapshot/archive/manifest"
)

// Source is an archive to be verified.
type Source struct {
	Name snapshot.Name
	// Size is how many bytes there are to read, for the progress; 0 is unknown.
	Size int64
	// Open begins to read the archive. It is called once for each pass, of which
	// there are up to three, and must give the same bytes each time.
	Open func() (io.ReadCloser, error)
}

// VerifyConfig says what to verify, and how far.
type VerifyConfig struct {
	// Archive is what is verified. Required.
	Archive Source
	// Base is the full archive of an incremental one. TierAccounts needs it: the
	// hash in an incremental's name is that of the whole state.
	Base *Source
	// Tier is how much to prove. Required.
	Tier Tier
	// Early judges the manifest as soon as it has been read, and not when all else is
	// known to be whole: so a wrong archive that is still on its way is left early.
	Early bool
	// Workers is how many goroutines hash accounts. Default: one for each core.
	Workers int
	// ScratchDir is where records are sorted when accounts have more than one, 56
	// bytes for each record. Default: the system's temporary directory.
	ScratchDir string
	// Progress, if not nil, is told how far it is.
	Progress *Progress
}

func (c VerifyConfig) withDefaults() VerifyConfig {
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.ScratchDir == "" {
		c.ScratchDir = os.TempDir()
	}
	if c.Progress == nil {
		c.Progress = new(Progress)
	}
	return c
}

func (c VerifyConfig) check() error {
	name := c.Archive.Name
	switch {
	case c.Tier < TierName || c.Tier > TierAccounts:
		return errors.New("verify: no tier to prove")
	case c.Base == nil && name.Kind == snapshot.Incremental && c.Tier == TierAccounts:
		return fmt.Errorf("verify %s: its accounts cannot be proven without the full archive of slot %d", name, name.Base)
	case c.Base != nil && (c.Base.Name.Kind != snapshot.Full || c.Base.Name.Slot != name.Base || name.Kind != snapshot.Incremental):
		return fmt.Errorf("verify %s: %s is not its full archive", name, c.Base.Name)
	}
	return nil
}

// Progress tells how far a verification is. Its methods may be called at any time.
type Progress struct {
	total   atomic.Int64
	bytes   atomic.Int64
	records atomic.Uint64
	pass    atomic.Int32
}

// Bytes are how many compressed bytes have been read in this pass, of how many;
// total is 0 when it is not known.
func (p *Progress) Bytes() (read, total int64) { return p.bytes.Load(), p.total.Load() }

// Records is how many account records have been read in this pass.
func (p *Progress) Records() uint64 { return p.records.Load() }

// Pass is which time the archives are read, from 1 on; 0 before. Only accounts
// with superseded records take more than one.
func (p *Progress) Pass() int { return int(p.pass.Load()) }

func (p *Progress) begin(sources []*Source) {
	var total int64
	for _, s := range sources {
		total += s.Size
	}
	p.total.Store(total)
	p.bytes.Store(0)
	p.records.Store(0)
	p.pass.Add(1)
}

// Verify reads the archive once, and more often if accounts have superseded
// records, and reports what it has proven. An archive that is not what it claims
// to be is no error but a Report with a Failure. Errors are of the disk, the
// network, the context and the configuration.
//
// Its memory is bounded whatever the archive is: about 64 MiB, and up to 200 MiB
// while superseded records are sorted.
func Verify(ctx context.Context, c VerifyConfig) (*Report, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	began := time.Now()
	v := &verification{config: c.withDefaults(), report: &Report{Archive: c.Archive.Name, Asked: c.Tier, Warnings: []string{}}}
	v.sources = []*Source{&v.config.Archive}
	if c.Base != nil && c.Tier == TierAccounts {
		v.sources = append(v.sources, c.Base)
		v.report.Base = &c.Base.Name
	}
	err := v.run(ctx)
	v.report.Took = time.Since(began)
	if failure := (*Failure)(nil); errors.As(err, &failure) {
		v.report.Failure = failure
		return v.report, nil
	}
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", c.Archive.Name, err)
	}
	return v.report, nil
}

// verification is a Verify that is under way, owned by its goroutine.
type verification struct {
	config  VerifyConfig
	report  *Report
	sources []*Source // the archive, and its base

	manifest *manifest.Manifest      // of the archive
	judged   bool                    // judgeManifest found nothing wrong
	lattice  *[2048]byte             // that the manifest has
	lengths  []map[storageKey]uint64 // of each source's storages, see storageLengths
	total    totals                  // of every record that was read
}

func (v *verification) run(ctx context.Context) error {
	if v.config.Tier == TierName {
		return v.look(ctx)
	}
	if err := v.scan(ctx); err != nil {
		return err
	}
	v.reach(TierStructure)
	if v.config.Tier >= TierManifest {
		if err := v.judgeManifest(); err != nil {
			return err
		}
		v.reach(TierManifest)
	}
	if v.config.Tier >= TierAccounts {
		if err := v.proveAccounts(ctx); err != nil {
			return err
		}
		v.reach(TierAccounts)
	}
	return nil
}

func (v *verification) reach(t Tier) { v.report.Reached = t }

// look proves TierName alone.
func (v *verification) look(ctx context.Context) error {
	return v.open(ctx, &v.config.Archive, func(*Reader) error { return nil })
}

// open calls use with a reader of the source, whose compression is that of its
// name. An error is a *Failure unless it is the reading's.
func (v *verification) open(ctx context.Context, s *Source, use func(*Reader) error) error {
	file, err := s.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	counted := &countedReader{r: file, progress: v.config.Progress}
	reader, err := NewReader(ctx, counted)
	tier := TierName
	if err == nil {
		err = checkCompression(reader.Container().Compression, s.Name.Format)
	}
	if err == nil {
		v.report.Reached = max(v.report.Reached, TierName)
		tier = TierStructure
		err = use(reader)
	}
	switch {
	case err == nil:
		return nil
	case counted.err != nil:
		return counted.err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return fail(tier, s.Name, err)
}

func checkCompression(c Compression, f snapshot.Format) error {
	if !c.Is(f) {
		return fmt.Errorf("compression is %s, but the name says %s", c, f)
	}
	return nil
}

// fail makes a Failure of an error, unless it is one, or one of the disk.
func fail(tier Tier, name snapshot.Name, err error) error {
	var failure *Failure
	var scratch *scratchError
	if errors.As(err, &failure) || errors.As(err, &scratch) || errors.Is(err, errOtherRecords) {
		return err
	}
	failure = &Failure{Tier: tier, Archive: name.String(), Offset: -1, Reason: err.Error()}
	if member := (*MemberError)(nil); errors.As(err, &member) {
		failure.Member, failure.Offset, failure.Reason = member.Member, member.Offset, member.Err.Error()
	}
	return failure
}

// countedReader tells the progress, and remembers an error of the reading: to
// whoever decodes the bytes it would look like an error in them.
type countedReader struct {
	r        io.Reader
	progress *Progress
	err      error
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.progress.bytes.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// judgeManifest proves TierManifest.
func (v *verification) judgeManifest() error {
	if v.judged {
		return nil
	}
	m := v.manifest
	v.lattice = m.Extra.AccountsLtHash
	if err := checkManifest(m, v.config.Archive.Name); err != nil {
		return v.failManifest("%w", err)
	}
	if m.Trailing > 0 {
		v.warn("the manifest has %d bytes after the last field that is known: its writer is newer", m.Trailing)
	}
	v.judged = true
	return nil
}

// checkManifest compares a manifest with the archive's name and with itself. The
// error wraps manifest.ErrNotVerifiable where it lacks what that takes.
func checkManifest(m *manifest.Manifest, name snapshot.Name) error {
	if m.Bank.Slot != name.Slot {
		return fmt.Errorf("slot is %d, but the name says %d", m.Bank.Slot, name.Slot)
	}
	if m.Extra.AccountsLtHash == nil {
		return fmt.Errorf("there is no accounts lattice hash, as before Agave 2.2: %w", manifest.ErrNotVerifiable)
	}
	lattice := lthash.FromBytes(m.Extra.AccountsLtHash)
	if sum := snapshot.Hash(lattice.Checksum()); sum != name.Hash {
		return fmt.Errorf("checksum of the accounts lattice hash is %s, but the name says %s", sum, name.Hash)
	}
	hash, err := m.BankHash()
	if err != nil {
		return err
	}
	if hash != m.Bank.Hash {
		return fmt.Errorf("bank hash is %s, but its fields hash to %s", m.Bank.Hash, hash)
	}
	return nil
}

func (v *verification) failManifest(format string, args ...any) error {
	name := v.config.Archive.Name
	err := fmt.Errorf(format, args...)
	return &Failure{
		Tier: TierManifest, Archive: name.String(), Offset: -1, Reason: err.Error(),
		Member: fmt.Sprintf("snapshots/%d/%[1]d", v.manifest.Bank.Slot),
	}
}

func (v *verification) warn(format string, args ...any) {
	v.report.Warnings = append(v.report.Warnings, fmt.Sprintf(format, args...))
}

// readManifest reads the manifest that is the current member of r.
func readManifest(r io.Reader, m Member) (*manifest.Manifest, error) {
	decoded, err := manifest.Decode(r, m.Size)
	if err != nil {
		return nil, m.fail(0, err)
	}
	if decoded.Bank.Slot != m.Slot {
		return nil, m.fail(0, fmt.Errorf("slot is %d, want that of the member's name", decoded.Bank.Slot))
	}
	return decoded, nil
}
