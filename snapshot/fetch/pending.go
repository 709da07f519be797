package fetch

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"solsnap/snapshot"
)

// Pending is an archive of which every byte is there and nothing is visible yet.
// It must be ended by Commit, Discard or Leave, the first of which counts.
type Pending struct {
	part   *partial
	proven bool

	mu   sync.Mutex
	over bool // guarded by mu
}

// Path is where the bytes are meanwhile, for whoever verifies them.
func (p *Pending) Path() string { return p.part.file.Name() }

// Proven reports whether every chunk had the digest that its source publishes.
// That says that the bytes are those of the source, not that the source is right.
func (p *Pending) Proven() bool { return p.proven }

// Chunks are the SHA-256 digests of every snapshot.ChunkSize bytes, as they are in
// the file.
func (p *Pending) Chunks() [][32]byte { return p.part.sums() }

// Commit makes the archive durable and gives it its name. It returns an error for
// which errors.Is reports fs.ErrExist if there is one of that name by now, which
// stays; otherwise one that is ErrDisk, after which what is there can be gone on
// with.
func (p *Pending) Commit() error {
	if !p.end() {
		return fmt.Errorf("commit %s: %w", p.part.name, fs.ErrClosed)
	}
	err := p.part.publish()
	switch {
	case err == nil:
		p.part.remove() // the other name
		return nil
	case errors.Is(err, fs.ErrExist):
		p.part.remove()
		return fmt.Errorf("commit %s: %w", filepath.Join(p.part.dir, p.part.name.String()), fs.ErrExist)
	default:
		p.part.leave()
		return &Error{Name: p.part.name, Reason: ErrDisk, Cause: err}
	}
}

// Discard removes everything.
func (p *Pending) Discard() {
	if p.end() {
		p.part.remove()
	}
}

// Leave keeps what is there for another Run, which will have little to do.
func (p *Pending) Leave() {
	if p.end() {
		p.part.leave()
	}
}

func (p *Pending) end() (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first = !p.over
	p.over = true
	return first
}

// Discard removes what an earlier Run has left of an archive, in a directory. It
// returns ErrBusy if one is under way.
func Discard(dir string, name snapshot.Name) error {
	part, err := openPartial(dir, name)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("discard what there is of %s: %w", name, err)
	}
	part.remove()
	return nil
}
