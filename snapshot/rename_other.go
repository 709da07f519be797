//go:build !linux

package snapshot

// renameNew is rename that fails with fs.ErrExist instead of replacing.
func renameNew(from, to string) error { return linkNew(from, to) }
