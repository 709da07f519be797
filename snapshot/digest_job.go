package snapshot

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"time"
)

// digestJob is a digest that has been begun.
type digestJob struct {
	archive Archive
	offset  int64 // everything below is in whole and chunks
	whole   hash.Hash
	chunks  [][32]byte
}

// work adds one chunk to a job.
func (d *Digester) work(ctx context.Context, job *digestJob) {
	key := digestKeyOf(job.archive)
	err := d.addChunk(ctx, job)
	switch {
	case err == nil && job.offset == job.archive.Size:
		d.finish(key, job)
	case err == nil, ctx.Err() != nil:
	default:
		delete(d.jobs, key)
		d.failed[key] = time.Now().Add(digestRetry)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrChanged) {
			d.config.Logger.Warn("archive cannot be read for its digest", "path", job.archive.Path, "err", err)
		}
	}
}

// addChunk reads the next chunk. The file is open only meanwhile, so that the
// disk space of one that was unlinked is free soon; and it is not locked, so that
// no writer waits for us.
func (d *Digester) addChunk(ctx context.Context, job *digestJob) error {
	file, err := d.config.Store.Open(job.archive.Name)
	if err != nil {
		return err
	}
	defer file.Close()
	if !file.Archive().same(job.archive) {
		return ErrChanged
	}
	readAhead(file.File)
	chunk := sha256.New()
	end := min(job.offset+ChunkSize, job.archive.Size)
	for job.offset < end {
		piece := d.buffer[:min(int64(len(d.buffer)), end-job.offset)]
		if err := d.read(ctx, file, piece, job.offset); err != nil {
			return err
		}
		chunk.Write(piece)
		job.whole.Write(piece)
		job.offset += int64(len(piece))
	}
	job.chunks = append(job.chunks, [32]byte(chunk.Sum(nil)))
	return file.Check()
}

// read fills piece, when the rate allows and while the archive is listed.
func (d *Digester) read(ctx context.Context, file *File, piece []byte, offset int64) error {
	if err := d.limiter.WaitN(ctx, len(piece)); err != nil {
		return err
	}
	listed, ok := d.config.Store.Lookup(file.Archive().Name)
	if !ok || !listed.same(file.Archive()) {
		return fs.ErrNotExist
	}
	if _, err := file.ReadAt(piece, offset); err != nil {
		if changed := file.Check(); changed != nil {
			return changed
		}
		return fmt.Errorf("read at %d: %w", offset, err)
	}
	return nil
}

func (d *Digester) finish(key digestKey, job *digestJob) {
	delete(d.jobs, key)
	digest := Digest{SHA256: [32]byte(job.whole.Sum(nil)), Chunks: job.chunks}
	d.revise(func(known map[digestKey]Digest) { known[key] = digest })
	d.config.Logger.Debug("digest computed", "slot", key.name.Slot, "path", job.archive.Path)
	d.memory.save(key, digest)
	d.memory.prune(func(name Name) bool {
		_, listed := d.config.Store.Lookup(name)
		return listed
	})
}
