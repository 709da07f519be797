// Package durable puts a file in its place so that whoever looks, and whoever
// looks after a crash, finds the old one or the new one and nothing between.
package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile makes path hold what write produces, with the given mode, or leaves
// it as it was. The bytes go to a hidden temporary file beside it:
//
//	openat(.NAME.*.partial, O_CREAT|O_EXCL) write… fchmod fsync close rename fsync(dir)
//
// Only a crash leaves the temporary file behind. Errors do not have its random
// name, so that the same trouble twice reads the same twice.
func WriteFile(path string, mode os.FileMode, write func(io.Writer) error) error {
	dir, name := filepath.Split(path)
	temporary, err := os.CreateTemp(filepath.Clean(dir), "."+name+".*.partial")
	if err != nil {
		return withoutPath("create temporary file", err)
	}
	err = fill(temporary, mode, write)
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name()) // the first error is the one to tell
		return withoutPath("write temporary file", err)
	}
	return SyncDir(filepath.Clean(dir))
}

// fill writes, sets the mode and syncs; it closes f in any case.
func fill(f *os.File, mode os.FileMode, write func(io.Writer) error) error {
	err := write(f)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

func withoutPath(doing string, err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	if link := (*os.LinkError)(nil); errors.As(err, &link) {
		err = link.Err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
