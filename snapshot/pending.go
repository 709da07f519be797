package snapshot

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"solsnap/snapshot/durable"
)

// temporaryPrefix begins the name of an archive that is being written. Agave
// deletes what has it at startup, and nothing lists it (Agave snapshots/src/
// paths.rs, TMP_SNAPSHOT_ARCHIVE_PREFIX). This must not change.
const temporaryPrefix = "tmp-snapshot-archive-"

// Pending is an archive that is being written. Nobody sees it until Commit, and
// nothing of it is left after Discard; a crash leaves a file whose name begins
// with "tmp-snapshot-archive-".
type Pending struct {
	file *os.File
	path string // of the archive, once committed

	mu   sync.Mutex
	over bool // committed or discarded; guarded by mu
}

// Create begins an archive in dir. The caller must end it by Commit or Discard:
//
//	openat(tmp-snapshot-archive-…, O_CREAT|O_EXCL) write… fsync close
//	renameat2(RENAME_NOREPLACE) fsync(dir)
func Create(dir string, name Name) (*Pending, error) {
	temporary := filepath.Join(dir, temporaryPrefix+name.String()+"."+rand.Text())
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create archive: %w", err)
	}
	return &Pending{file: file, path: filepath.Join(dir, name.String())}, nil
}

// Write appends to the archive.
func (p *Pending) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	if err != nil {
		err = fmt.Errorf("write archive: %w", err)
	}
	return n, err
}

// Commit makes the archive durable and gives it its name. It returns
// fs.ErrExist if there is one of that name: what was published is never
// replaced. On any error before the archive has its name, it is discarded; if
// only the directory could not be synced, the archive is there but may be gone
// after a power failure.
func (p *Pending) Commit() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return fmt.Errorf("commit archive %s: %w", p.path, fs.ErrClosed)
	}
	p.over = true
	err := p.file.Sync()
	err = errors.Join(err, p.file.Close())
	if err == nil {
		err = renameNew(p.file.Name(), p.path)
	}
	if err != nil {
		_ = os.Remove(p.file.Name()) // the first error is the one to tell
		return fmt.Errorf("commit archive: %w", err)
	}
	if err := durable.SyncDir(filepath.Dir(p.path)); err != nil {
		return fmt.Errorf("commit archive %s: sync its directory: %w", p.path, err)
	}
	return nil
}

// Discard removes what was written. It does nothing after Commit or Discard.
func (p *Pending) Discard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	p.over = true
	p.file.Close()
	_ = os.Remove(p.file.Name()) // if it cannot be removed, Agave will at startup
}

// linkNew is rename that fails with fs.ErrExist instead of replacing, on any
// filesystem with hard links.
func linkNew(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}
