//go:build !linux

package fetch

import "os"

// allocate gives the file its size.
func allocate(f *os.File, size int64) error { return f.Truncate(size) }

// syncData is fsync.
func syncData(f *os.File) error { return f.Sync() }
