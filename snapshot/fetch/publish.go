package fetch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"solsnap/snapshot/durable"
)

// distrust forgets every piece.
func (p *partial) distrust() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.closeJournal()
	_ = os.Remove(p.path(".journal"))
	p.pieces, p.keeps = nil, false
}

// remove leaves nothing. The file goes last: while it is there, it is locked.
func (p *partial) remove() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.closeJournal()
	_ = os.Remove(p.path(".journal"))
	_ = os.Remove(p.file.Name())
	p.file.Close()
}

// leave closes the files for another Run to go on with.
func (p *partial) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.closeJournal()
	p.file.Close()
}

// publish gives the archive its name, unless there is one of that name:
//
//	fsync(.partial) link(.partial, NAME) fsync(dir) unlink(.journal) unlink(.partial)
//
// It is a link and not a rename because a rename would replace.
func (p *partial) publish() error {
	if err := p.file.Sync(); err != nil {
		return err
	}
	path := filepath.Join(p.dir, p.name.String())
	if err := os.Link(p.file.Name(), path); errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return err
	} else if err != nil {
		if err := renameNew(p.file.Name(), path); err != nil { // no hard links here
			return err
		}
	}
	return durable.SyncDir(p.dir)
}

// renameNew looks before it renames, which is as good as can be had without links:
// others who fetch this archive are kept out by the lock.
func renameNew(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
	}
	return os.Rename(from, to)
}
