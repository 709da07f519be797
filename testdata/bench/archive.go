//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"solsnap/snapshot"
)

// zstdMagic begins a zstd frame (RFC 8878 §3.1.1).
const zstdMagic = "\x28\xB5\x2F\xFD"

// files are what both servers serve and are started with.
type files struct {
	dir       string // scratch, removed at the end
	ledger    string
	snapshots string
	archive   string // the name of the one archive
	size      int64
	cert, key string // PEM files of a self-signed certificate
}

// makeFiles writes them, and reads the archive into the page cache.
func makeFiles(dir string, size int64) (files, error) {
	name := snapshot.Name{Kind: snapshot.Full, Slot: 250_000_000, Hash: snapshot.Hash{1, 2, 3}, Format: snapshot.FormatZstd}
	f := files{
		dir:       dir,
		ledger:    filepath.Join(dir, "ledger"),
		snapshots: filepath.Join(dir, "snapshots"),
		archive:   name.String(),
		size:      size,
		cert:      filepath.Join(dir, "cert.pem"),
		key:       filepath.Join(dir, "key.pem"),
	}
	for _, made := range []string{f.ledger, f.snapshots} {
		if err := os.Mkdir(made, 0o755); err != nil {
			return f, err
		}
	}
	if err := os.WriteFile(filepath.Join(f.ledger, "genesis.bin"), make([]byte, 294), 0o644); err != nil {
		return f, err
	}
	if err := f.makeArchive(); err != nil {
		return f, fmt.Errorf("make archive: %w", err)
	}
	return f, f.makeCertificate()
}

// makeArchive writes something that begins like a zstd frame and is old enough
// to be listed at once. It is synced, so that nothing is written back later,
// beside the measurements.
func (f files) makeArchive() error {
	path := filepath.Join(f.snapshots, f.archive)
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	content := io.MultiReader(strings.NewReader(zstdMagic), rand.NewChaCha8([32]byte{}))
	w := bufio.NewWriterSize(file, 1<<20)
	if _, err := io.CopyN(w, content, f.size); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, io.NewSectionReader(file, 0, f.size)); err != nil {
		return err
	}
	old := time.Now().Add(-2 * time.Minute)
	return os.Chtimes(path, old, old)
}
