package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/fetch"
)

// shelf is what is on the disk.
type shelf struct {
	archives map[snapshot.Name]string // their paths
	kept     map[snapshot.Name]int64  // of downloads that were interrupted, in bytes
	bad      map[snapshot.Name]bool   // not what they claim to be
	proven   map[snapshot.Name]bool   // by this run
}

func newShelf() shelf {
	return shelf{bad: map[snapshot.Name]bool{}, proven: map[snapshot.Name]bool{}}
}

// refresh looks into the directories, and their remote/, where Agave puts what it
// downloads.
func (s *shelf) refresh(fullDir, incrementalDir string) error {
	s.archives, s.kept = map[snapshot.Name]string{}, map[snapshot.Name]int64{}
	return errors.Join(s.read(fullDir, snapshot.Full), s.read(incrementalDir, snapshot.Incremental))
}

func (s *shelf) read(dir string, kind snapshot.Kind) error {
	for _, dir := range []string{filepath.Join(dir, "remote"), dir} { // the latter counts
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, entry := range entries {
			name, err := snapshot.ParseName(entry.Name())
			if err == nil && name.Kind == kind && entry.Type().IsRegular() {
				s.archives[name] = filepath.Join(dir, entry.Name())
			}
		}
	}
	leftovers, err := fetch.Leftovers(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, l := range leftovers {
		if l.Name.Kind == kind {
			s.kept[l.Name] = l.Kept
		}
	}
	return nil
}

// names are the archives that are not known to be bad, in an order that is the same
// each time.
func (s *shelf) names() []snapshot.Name {
	var names []snapshot.Name
	for name := range s.archives {
		if !s.bad[name] {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b snapshot.Name) int {
		return cmp.Or(cmp.Compare(b.Slot, a.Slot), strings.Compare(a.String(), b.String()))
	})
	return names
}

// badArchiveError is an archive on the disk that is not what it claims to be. It is
// not ours to remove: a validator may have put it there.
type badArchiveError struct {
	path    string
	failure *archive.Failure
}

func (e *badArchiveError) Error() string {
	return fmt.Sprintf("%s is there already and is not what it claims to be: %v; remove it", e.path, e.failure)
}

// reuse proves an archive that is on the disk. An incremental one has a base.
func (f *fetcher) reuse(ctx context.Context, name snapshot.Name, base *archive.Source) error {
	path := f.shelf.archives[name]
	if !f.shelf.proven[name] {
		if err := f.prove(ctx, path, base); err != nil {
			return err
		}
		f.shelf.proven[name] = true
	}
	f.result.add(&fetchedArchive{Path: path, Name: name, Reused: true, Proven: f.tier})
	if f.output == "" {
		return nil
	}
	return f.pour(ctx, path)
}

func (f *fetcher) prove(ctx context.Context, path string, base *archive.Source) error {
	source, err := fileSource(path)
	if err != nil {
		return fetchErrorf(diskTrouble, "%w", err)
	}
	progress := new(archive.Progress)
	stop := f.showProof(source.Name, progress)
	if f.tier < archive.TierAccounts {
		base = nil
	}
	report, err := archive.Verify(ctx, archive.VerifyConfig{
		Archive: source, Base: base, Tier: f.tier, Early: true, ScratchDir: f.scratch, Progress: progress,
	})
	stop()
	switch {
	case err != nil:
		return err
	case report.Failure != nil:
		f.shelf.bad[source.Name] = true
		return &badArchiveError{path, report.Failure}
	}
	return nil
}

// tidy removes what downloads have left that were interrupted, up to the slots that
// are there now. One that is under way elsewhere is left alone.
func (f *fetcher) tidy() {
	for dir, done := range map[string]*fetchedArchive{f.fullDir: f.result.Full, f.incrementalDir: f.result.Incremental} {
		if done == nil {
			continue
		}
		leftovers, err := fetch.Leftovers(dir)
		if err != nil {
			continue // the next run will look again
		}
		for _, l := range leftovers {
			if l.Name.Kind == done.Name.Kind && l.Name.Slot <= done.Name.Slot {
				_ = fetch.Discard(dir, l.Name) // so will it
			}
		}
	}
}
