package snapshot

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"solsnap/snapshot/durable"
)

const (
	// digestSuffix and digestTemporary are the names in a digest directory: one
	// file for each archive, and what is being written.
	digestSuffix    = ".digest"
	digestTemporary = ".*.partial"
	// maxDigestFiles is how many digests are kept besides those of listed archives.
	maxDigestFiles = 256
)

// digestDir keeps digests in a directory, which nobody else writes to. It is
// trusted as far as its checks go: who can write to it can forge a digest. No
// trouble with it is an error: digests are only computed again. It is owned by
// Digester.Run.
type digestDir struct {
	path   string // empty: keep nothing
	logger *slog.Logger
	warned bool // since it last worked
}

// prepare makes the directory and removes what a crash left in it.
func (m *digestDir) prepare() {
	if m.path == "" {
		return
	}
	if err := os.MkdirAll(m.path, 0o700); err != nil {
		m.warn("digests cannot be kept and will be computed again after a restart", err)
		return
	}
	leftovers, _ := filepath.Glob(filepath.Join(m.path, digestTemporary)) // the pattern is good
	for _, path := range leftovers {
		_ = os.Remove(path) // it takes a little space
	}
}

// warn logs the first trouble in a row.
func (m *digestDir) warn(message string, err error) {
	if !m.warned {
		m.logger.Warn(message, "path", m.path, "err", err)
	}
	m.warned = true
}

func (m *digestDir) file(name Name) string {
	return filepath.Join(m.path, name.String()+digestSuffix)
}

// load returns the digest that was saved for key.
func (m *digestDir) load(key digestKey) (Digest, bool) {
	if m.path == "" {
		return Digest{}, false
	}
	path := m.file(key.name)
	digest, err := readDigest(path, key)
	switch {
	case err == nil:
		return digest, true
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errStale):
	case errors.As(err, new(*fs.PathError)):
		m.warn("kept digests cannot be read and are computed again", err)
	default:
		m.logger.Warn("kept digest cannot be used and is computed again", "path", path, "err", err)
	}
	return Digest{}, false
}

func readDigest(path string, key digestKey) (Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return Digest{}, err
	}
	defer f.Close()
	const head, line = 1 << 10, 6 + 64 + 1 // "chunk ", hexadecimal, newline
	text, err := io.ReadAll(io.LimitReader(f, head+line*chunkCount(key.size)))
	if err != nil {
		return Digest{}, err
	}
	return decodeDigest(text, key)
}

// save keeps a digest, whole or not at all.
func (m *digestDir) save(key digestKey, digest Digest) {
	if m.path == "" {
		return
	}
	err := durable.WriteFile(m.file(key.name), 0o600, func(w io.Writer) error {
		_, err := w.Write(encodeDigest(key, digest))
		return err
	})
	if err != nil {
		m.warn("digest cannot be kept and will be computed again after a restart", err)
		return
	}
	m.warned = false
}

// prune removes the oldest digests above maxDigestFiles, of archives that are
// not listed.
func (m *digestDir) prune(listed func(Name) bool) {
	type kept struct {
		path  string
		saved time.Time
	}
	var files []kept
	entries, _ := os.ReadDir(m.path) // none, if it cannot be read: save has warned
	for _, entry := range entries {
		stem, isDigest := strings.CutSuffix(entry.Name(), digestSuffix)
		name, err := ParseName(stem)
		if !isDigest || err != nil || listed(name) {
			continue
		}
		if info, err := entry.Info(); err == nil {
			files = append(files, kept{filepath.Join(m.path, entry.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(files, func(a, b kept) int {
		return cmp.Or(b.saved.Compare(a.saved), strings.Compare(a.path, b.path))
	})
	for _, f := range files[min(len(files), maxDigestFiles):] {
		_ = os.Remove(f.path) // the next prune tries again
	}
}
