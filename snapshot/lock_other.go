//go:build !linux

package snapshot

import "os"

// lockShared does nothing: the writer that it is for, Firedancer, runs on Linux.
func lockShared(*os.File) (locked bool, _ error) { return false, nil }

func unlock(*os.File) error { return nil }

// readAhead does nothing.
func readAhead(*os.File) {}

// awaited is never: nobody waits for a lock that is not taken.
func awaited(inode, waiters) bool { return false }
