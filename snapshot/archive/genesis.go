package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"solsnap/snapshot"
)

// genesisInterval is how often the ledger directory is looked at again. A look
// is two lstat calls while nothing changes.
const genesisInterval = 5 * time.Second

// errNoGenesis means that the ledger directory holds neither file, yet.
var errNoGenesis = errors.New("no genesis.tar.bz2 and no genesis.bin")

// GenesisConfig says where the genesis is.
type GenesisConfig struct {
	// LedgerDir holds genesis.tar.bz2, genesis.bin, or both. Required. Nothing
	// is written to it.
	LedgerDir string
	// StateDir keeps the archive that is built when there is only genesis.bin.
	// Required. It is made with mode 0700 when it is first needed.
	StateDir string
	// Expected refuses every other genesis. nil takes what is there.
	Expected *snapshot.Hash
	// Logger hears of each new genesis and each new trouble. nil discards.
	Logger *slog.Logger
}

func (c GenesisConfig) withDefaults() GenesisConfig {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Genesis finds the cluster's genesis and keeps an archive of it to serve:
// the ledger's own genesis.tar.bz2 as it is, else one built from genesis.bin.
// Whatever it serves it has read whole and hashed.
type Genesis struct {
	config GenesisConfig

	loading sync.Mutex     // one Load at a time
	sources genesisSources // of the last Load that succeeded; guarded by loading

	mu      sync.RWMutex
	current *genesisFile // nil while none; guarded by mu, the pointee never modified
}

// genesisSources are the identities of the two files; nil where absent.
type genesisSources struct {
	archive, bin fs.FileInfo
}

// GenesisMismatchError means that two sources name different clusters: the
// ledger directory is mixed up or not the one that was meant.
type GenesisMismatchError struct {
	Path string
	Got  snapshot.Hash
	Want snapshot.Hash
	// WantFrom says who asked for Want: a path or a setting.
	WantFrom string
}

// Error names both hashes and where they come from.
func (e *GenesisMismatchError) Error() string {
	return fmt.Sprintf("genesis hash of %s is %s, but %s has %s", e.Path, e.Got, e.WantFrom, e.Want)
}

// NewGenesis looks at nothing yet: Load or Run does.
func NewGenesis(c GenesisConfig) *Genesis { return &Genesis{config: c.withDefaults()} }

// Run loads the genesis, and looks every 5 s for one that appears or changes.
// It returns nil when ctx ends. Each trouble is logged once, not every 5 s.
func (g *Genesis) Run(ctx context.Context) error {
	ticker := time.NewTicker(genesisInterval)
	defer ticker.Stop()
	for reported := ""; ; {
		reported = g.report(g.load(), reported)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// report logs err unless it was the last one reported, which it returns.
func (g *Genesis) report(err error, reported string) string {
	switch {
	case err == nil:
		return ""
	case err.Error() == reported:
	case errors.Is(err, errNoGenesis):
		g.config.Logger.Warn("no genesis in the ledger directory; nodes cannot bootstrap until there is one",
			"path", g.config.LedgerDir)
	default:
		g.config.Logger.Error("genesis not loaded", "path", g.config.LedgerDir, "err", err)
	}
	return err.Error()
}

// Load looks once, now. That there is no genesis yet is no error. On an error
// what was loaded before stays, except on a *GenesisMismatchError: then nothing
// is served, because nobody can say which cluster this is.
func (g *Genesis) Load() error {
	if err := g.load(); !errors.Is(err, errNoGenesis) {
		return err
	}
	return nil
}

func (g *Genesis) load() error {
	g.loading.Lock()
	defer g.loading.Unlock()
	sources, err := g.stat()
	if err != nil {
		return err
	}
	if sources == (genesisSources{}) {
		return g.absent()
	}
	if g.unchanged(sources) {
		return nil
	}
	loaded, err := g.read(sources)
	if mismatch := (*GenesisMismatchError)(nil); errors.As(err, &mismatch) {
		g.replace(nil, genesisSources{})
	}
	if err != nil {
		return err
	}
	g.replace(loaded, sources)
	g.config.Logger.Info("genesis loaded", "hash", loaded.hash, "path", loaded.path)
	return nil
}

// absent keeps what was loaded before: a ledger's files may be away for a
// moment while somebody replaces them.
func (g *Genesis) absent() error {
	if _, ok := g.Hash(); ok {
		return nil
	}
	return errNoGenesis
}

func (g *Genesis) archivePath() string { return filepath.Join(g.config.LedgerDir, "genesis.tar.bz2") }
func (g *Genesis) binPath() string     { return filepath.Join(g.config.LedgerDir, genesisMember) }

func (g *Genesis) stat() (s genesisSources, err error) {
	if s.archive, err = lstat(g.archivePath()); err != nil {
		return s, err
	}
	s.bin, err = lstat(g.binPath())
	return s, err
}

// unchanged reports that what was loaded is still what is there, the built
// archive in the state directory included. The caller holds loading.
func (g *Genesis) unchanged(s genesisSources) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.current == nil || !sameFile(s.archive, g.sources.archive) || !sameFile(s.bin, g.sources.bin) {
		return false
	}
	info, err := lstat(g.current.path)
	return err == nil && sameFile(info, g.current.info)
}

// read verifies the sources against each other and Expected, and returns the
// archive to serve.
func (g *Genesis) read(s genesisSources) (*genesisFile, error) {
	if s.archive == nil {
		return g.readBin()
	}
	loaded, contents, err := loadGenesisFile(g.archivePath())
	if err != nil {
		return nil, err
	}
	if err := g.checkArchive(loaded, s.bin != nil); err != nil {
		_ = loaded.held.Close() // only read from
		return nil, err
	}
	if !contents.first {
		g.config.Logger.Warn("genesis.bin is not the first member of the archive; Firedancer nodes will refuse it", "path", loaded.path)
	}
	return loaded, nil
}

func (g *Genesis) checkArchive(loaded *genesisFile, hasBin bool) error {
	if err := g.checkExpected(loaded.path, loaded.hash); err != nil || !hasBin {
		return err
	}
	bin, err := readGenesisBin(g.binPath())
	if err != nil {
		return err
	}
	if hash := GenesisHash(bin); hash != loaded.hash {
		return &GenesisMismatchError{Path: loaded.path, Got: loaded.hash, Want: hash, WantFrom: g.binPath()}
	}
	return nil
}

func (g *Genesis) checkExpected(path string, hash snapshot.Hash) error {
	if want := g.config.Expected; want != nil && *want != hash {
		return &GenesisMismatchError{Path: path, Got: hash, Want: *want, WantFrom: "the expected genesis hash"}
	}
	return nil
}

// replace makes loaded the current file. The caller holds loading.
func (g *Genesis) replace(loaded *genesisFile, sources genesisSources) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current != nil {
		_ = g.current.held.Close() // only read from
	}
	g.current, g.sources = loaded, sources
}

// Hash is the genesis hash of what Open gives, or false while there is nothing.
func (g *Genesis) Hash() (snapshot.Hash, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.current == nil {
		return snapshot.Hash{}, false
	}
	return g.current.hash, true
}

// Open opens the archive to serve. The file is the caller's own, to read, seek
// and close. It holds the bytes that were verified even if the ledger's file
// was replaced since; off Linux that case is fs.ErrNotExist, as is having
// nothing to serve.
func (g *Genesis) Open() (*os.File, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.current == nil {
		return nil, fmt.Errorf("genesis: %w", fs.ErrNotExist)
	}
	return g.current.open()
}
