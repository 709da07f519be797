package snapshot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// sighting is what one scan saw of one file that is named like an archive.
type sighting struct {
	place   place
	path    string
	name    Name // zero if flaw is about the name
	modTime time.Time
	state   fileState
	// flaw is why the file is refused whatever it holds; empty if it is not.
	flaw string
}

// place is where a file was seen.
type place struct {
	dir  *directory
	file string
}

// fileState changes when a file's bytes do, as far as its metadata can tell.
type fileState struct {
	size    int64
	modTime int64 // nanoseconds since 1970
	inode   inode
}

func stateOf(info fs.FileInfo) fileState {
	return fileState{size: info.Size(), modTime: info.ModTime().UnixNano(), inode: inodeOf(info)}
}

// directory is one of the directories that a scan reads. It is owned by Run.
type directory struct {
	path   string
	kinds  []Kind
	remote bool

	root *os.Root    // nil while the directory is missing
	info fs.FileInfo // of root
	seen []sighting  // at the last scan that could read it
	told string      // the last trouble that was logged
}

// scan returns the files that are named like archives. A missing directory has
// none. While it cannot be read for another reason (no descriptors left, an I/O
// error), what was seen last still holds: the archives have not gone.
func (d *directory) scan(logger *slog.Logger) []sighting {
	seen, err := d.read()
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		d.close()
	default:
		seen = d.seen
	}
	d.complain(logger, err)
	d.seen = seen
	return seen
}

// complain logs a trouble once for as long as it lasts. That there is no
// remote/ is none.
func (d *directory) complain(logger *slog.Logger, err error) {
	if err == nil || (d.remote && errors.Is(err, fs.ErrNotExist)) {
		d.told = ""
		return
	}
	if err.Error() != d.told {
		logger.Warn("snapshot directory cannot be read; it is looked for again", "path", d.path, "err", err)
		d.told = err.Error()
	}
}

func (d *directory) read() ([]sighting, error) {
	if err := d.reopen(); err != nil {
		return nil, err
	}
	names, err := d.names()
	if err != nil {
		return nil, err
	}
	var seen []sighting
	for _, file := range names {
		info, err := d.root.Lstat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", file, err)
		}
		seen = append(seen, d.sight(file, info))
	}
	return seen, nil
}

// reopen makes root what path leads to now. The old root is kept if it is the
// same directory; while it is open, its inode number is not given to another.
func (d *directory) reopen() error {
	info, err := os.Stat(d.path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%w as a directory", fs.ErrNotExist)
	}
	if d.root != nil && os.SameFile(info, d.info) {
		return nil
	}
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return err
	}
	if info, err = root.Stat("."); err != nil {
		return errors.Join(err, root.Close())
	}
	d.close()
	d.root, d.info = root, info
	return nil
}

func (d *directory) close() {
	if d.root != nil {
		_ = d.root.Close() // nothing was written
		d.root, d.info = nil, nil
	}
}

// names lists the files worth a look. A ledger directory may hold very many
// others, so it is read piece by piece.
func (d *directory) names() ([]string, error) {
	dir, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var names []string
	for {
		const batch = 256
		entries, err := dir.ReadDir(batch)
		for _, entry := range entries {
			if looksLikeArchive(entry.Name()) {
				names = append(names, entry.Name())
			}
		}
		if errors.Is(err, io.EOF) {
			slices.Sort(names)
			return names, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// looksLikeArchive is wider than ParseName: an operator should hear why a file
// that looks right is not listed.
func looksLikeArchive(file string) bool {
	if !strings.HasPrefix(file, fullPrefix) && !strings.HasPrefix(file, incrementalPrefix) {
		return false
	}
	switch filepath.Ext(file) {
	case ".zst", ".lz4", ".bz2", ".gz", ".tar":
		return true
	}
	return false
}

func (d *directory) sight(file string, info fs.FileInfo) sighting {
	s := sighting{
		place:   place{dir: d, file: file},
		path:    filepath.Join(d.path, file),
		modTime: info.ModTime(),
		state:   stateOf(info),
	}
	name, err := ParseName(file)
	var invalid *NameError
	switch {
	case errors.As(err, &invalid):
		s.flaw = invalid.Reason
		return s
	case info.Mode()&fs.ModeSymlink != 0:
		s.flaw = "it is a symbolic link; put the file itself here, or set the directory it is in"
	case !info.Mode().IsRegular():
		s.flaw = "it is not a regular file"
	case !slices.Contains(d.kinds, name.Kind):
		s.flaw = "this directory is for the other kind of archive"
	}
	s.name = name
	return s
}

// open opens a file for reading. O_NONBLOCK means nothing to a regular file,
// and keeps a FIFO that has taken its name from blocking the caller. A symbolic
// link that has taken its name may be followed within the directory: whoever
// opens compares the state.
func (p place) open(root *os.Root) (*os.File, error) {
	return root.OpenFile(p.file, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
}
