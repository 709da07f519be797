package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"solsnap/snapshot"
	"solsnap/snapshot/durable"
)

// readBin serves a genesis.bin through an archive in the state directory, which
// is built at most once for each hash.
func (g *Genesis) readBin() (*genesisFile, error) {
	bin, err := readGenesisBin(g.binPath())
	if err != nil {
		return nil, err
	}
	hash := GenesisHash(bin)
	if err := g.checkExpected(g.binPath(), hash); err != nil {
		return nil, err
	}
	name := "genesis-" + hash.String() + ".tar.bz2"
	path := filepath.Join(g.config.StateDir, name)
	if built, err := loadBuilt(path, hash); err == nil {
		return built, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		g.config.Logger.Warn("building the genesis archive anew", "path", path, "err", err)
	}
	if err := g.build(name, bin); err != nil {
		return nil, fmt.Errorf("build genesis archive in state directory %s: %w; check that it is writable and has space", g.config.StateDir, err)
	}
	return loadBuilt(path, hash)
}

func (g *Genesis) build(name string, bin []byte) error {
	if err := os.MkdirAll(g.config.StateDir, 0o700); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(g.config.StateDir, name), 0o644, func(w io.Writer) error { return WriteGenesisArchive(w, bin) })
}

// loadBuilt trusts an archive in the state directory no more than any other.
func loadBuilt(path string, want snapshot.Hash) (*genesisFile, error) {
	built, _, err := loadGenesisFile(path)
	if err != nil {
		return nil, err
	}
	if built.hash != want {
		_ = built.held.Close() // only read from
		return nil, fmt.Errorf("%s holds genesis %s, want %s", path, built.hash, want)
	}
	return built, nil
}
