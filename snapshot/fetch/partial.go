package fetch

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"solsnap/snapshot"
	"solsnap/snapshot/durable"
)

// partial is the archive as far as it is there, and its journal. Bytes are placed
// by whoever fetched them; their journal is kept in this order, so that it never
// promises what a crash can take away:
//
//	pwrite(.partial)…  write(.journal, piece)  …  fdatasync(.partial)  write(.journal, synced) fdatasync(.journal)
type partial struct {
	dir  string
	name snapshot.Name
	file *os.File // locked

	// writing lets one writer in at a time: several wait for the inode's lock in
	// the kernel, and burn CPU meanwhile.
	writing sync.Mutex

	mu      sync.Mutex
	basis   basis          // guarded by mu
	pieces  map[int]record // guarded by mu
	journal *os.File       // nil: nothing is kept; guarded by mu
	keeps   bool           // another Run can go on with pieces; guarded by mu
	synced  int            // how many of pieces the journal says are on the disk; guarded by mu
}

// openPartial continues what is there. It returns fs.ErrExist if the archive is.
func openPartial(dir string, name snapshot.Name) (*partial, error) {
	p := &partial{dir: dir, name: name}
	file, err := os.OpenFile(p.path(".partial"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	p.file = file
	if err := p.claim(); err != nil {
		file.Close()
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(dir, name.String())); err == nil {
		p.remove()
		return nil, fmt.Errorf("fetch %s: %w", name, fs.ErrExist)
	}
	p.recall()
	return p, nil
}

// path is of a hidden file beside the archive. Nobody lists it: it is no name of
// an archive.
func (p *partial) path(suffix string) string {
	return filepath.Join(p.dir, "."+p.name.String()+suffix)
}

// claim locks the file, and makes sure that it is still the one at its path: the
// last to have it locked may have removed it.
func (p *partial) claim() error {
	if err := lockFile(p.file); errors.Is(err, errLocked) {
		return ErrBusy
	} else if err != nil {
		return fmt.Errorf("lock %s: %w", p.file.Name(), err)
	}
	mine, err := p.file.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Lstat(p.file.Name()); err != nil || !os.SameFile(mine, there) {
		return ErrBusy
	}
	return nil
}

// recall reads the journal, if there is one that fits.
func (p *partial) recall() {
	text, err := os.ReadFile(p.path(".journal"))
	if err != nil {
		return
	}
	b, pieces, err := decodeJournal(text)
	info, statErr := p.file.Stat()
	if err == nil && statErr == nil && info.Size() == b.size {
		p.basis, p.pieces, p.keeps = b, pieces, true
	}
}

// terms are by what an attempt tells its bytes from others.
type terms struct {
	basis
	manifest *manifest
}

// provable is how many bytes are there that are the attempt's own: by the
// manifest, or because they came from the same source under the same ETag.
func (p *partial) provable(t terms) (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, r := range p.pieces {
		if p.fits(i, r, t) {
			s := p.extent(i)
			n += s.hi - s.lo
		}
	}
	return n
}

func (p *partial) fits(i int, r record, t terms) bool {
	switch {
	case p.basis.size != t.size:
		return false
	case t.manifest != nil:
		return r.sum == t.manifest.pieces[i]
	default:
		return t.tag != "" && p.basis.tag == t.tag && p.basis.url == t.url
	}
}

func (p *partial) extent(i int) span {
	lo := int64(i) * pieceSize
	return span{lo, min(lo+pieceSize, p.basis.size)}
}

// begin makes room for an attempt and returns which pieces it has already. It
// forgets the others before anything is written over them.
func (p *partial) begin(t terms, reserve int64) ([]bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.checkRoom(t.size, reserve); err != nil {
		return nil, err
	}
	good := make([]bool, pieceCount(t.size))
	kept := make(map[int]record)
	for i, r := range p.pieces {
		if p.fits(i, r, t) && (r.synced || p.holds(i, r.sum)) {
			good[i], kept[i] = true, record{r.sum, true}
		}
	}
	if err := p.closeJournal(); err != nil {
		return nil, err
	}
	p.basis, p.pieces, p.synced = t.basis, kept, len(kept)
	if err := syncData(p.file); err != nil {
		return nil, err
	}
	if err := p.openJournal(t); err != nil {
		return nil, err
	}
	p.keeps = p.journal != nil
	if err := allocate(p.file, t.size); err != nil {
		return nil, fmt.Errorf("make room for %d bytes: %w", t.size, err)
	}
	return good, nil
}

// holds reports whether the file has a piece of that digest.
func (p *partial) holds(i int, want sum) bool {
	found, err := p.digest(p.extent(i))
	return err == nil && found == want
}

// checkRoom looks whether the filesystem has room for size bytes, those included
// that the file takes already.
func (p *partial) checkRoom(size, reserve int64) error {
	free, err := freeSpace(p.dir)
	if err != nil {
		return err
	}
	had, err := allocated(p.file)
	if err != nil {
		return fmt.Errorf("look at %s: %w", p.file.Name(), err)
	}
	if need := max(size-had, 0) + reserve; need > free {
		return &SpaceError{Dir: p.dir, Need: need, Free: free}
	}
	return nil
}

// openJournal begins a journal of what was kept. If another attempt could prove
// nothing by it, there is none.
func (p *partial) openJournal(t terms) error {
	path := p.path(".journal")
	if t.manifest == nil && t.tag == "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return durable.SyncDir(p.dir)
	}
	text := encodeJournal(p.basis, p.pieces)
	err := durable.WriteFile(path, 0o644, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	p.journal, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	return err
}

func (p *partial) closeJournal() error {
	if p.journal == nil {
		return nil
	}
	err := p.journal.Close()
	p.journal = nil
	return err
}

// write puts bytes in their place.
func (p *partial) write(b []byte, at int64) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	_, err := p.file.WriteAt(b, at)
	return err
}

// digest reads bytes back, as they are now.
func (p *partial) digest(s span) (sum, error) {
	h := sha256.New()
	buffer := make([]byte, 256<<10)
	if _, err := io.CopyBuffer(onlyWriter{h}, io.NewSectionReader(p.file, s.lo, s.hi-s.lo), buffer); err != nil {
		return sum{}, err
	}
	return sum(h.Sum(nil)), nil
}

// onlyWriter hides a ReadFrom, so that the buffer is used.
type onlyWriter struct{ io.Writer }

// record notes that a piece is good.
func (p *partial) record(i int, s sum) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pieces[i] = record{sum: s}
	if p.journal == nil {
		return nil
	}
	_, err := p.journal.Write(encodePiece(i, s))
	return err
}

// checkpoint makes what was recorded durable. Pieces that are recorded meanwhile
// are not promised. One goroutine calls it.
func (p *partial) checkpoint() error {
	p.mu.Lock()
	journal, count := p.journal, len(p.pieces)
	due := journal != nil && count > p.synced
	p.mu.Unlock()
	if !due {
		return nil
	}
	if err := syncData(p.file); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.synced = count
	if _, err := journal.Write(encodeSynced(count)); err != nil {
		return err
	}
	return syncData(journal)
}

// sums are the digests of all pieces, in order.
func (p *partial) sums() []sum {
	p.mu.Lock()
	defer p.mu.Unlock()
	sums := make([]sum, len(p.pieces))
	for i, r := range p.pieces {
		sums[i] = r.sum
	}
	return sums
}

// resumable reports whether another Run could go on from here.
func (p *partial) resumable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pieces) > 0 && p.keeps
}
