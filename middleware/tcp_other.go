//go:build !linux

package middleware

import (
	"errors"
	"syscall"
)

const kernelKnowsProgress = false

const unpaced = ^uint64(0)

// ackedBytes is not known here; progress is then what the process has written.
func ackedBytes(syscall.RawConn) (uint64, bool) { return 0, false }

// setPacing needs SO_MAX_PACING_RATE, which is Linux's.
func setPacing(syscall.RawConn, uint64) error { return errors.ErrUnsupported }
