//go:build !linux

package snapshot

import (
	"io/fs"
	"os"
)

// lockShared does nothing: the writer that it is for, Firedancer, runs on Linux.
func lockShared(*os.File) (locked bool, _ error) { return false, nil }

func unlock(*os.File) error { return nil }

// reopen is not to be had: opening /dev/fd/N elsewhere duplicates the
// descriptor, offset and all.
func reopen(*os.File) (*os.File, error) { return nil, fs.ErrNotExist }

// readAhead does nothing.
func readAhead(*os.File) {}

// awaited is never: nobody waits for a lock that is not taken.
func awaited(inode, waiters) bool { return false }
