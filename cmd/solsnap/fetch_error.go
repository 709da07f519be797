package main

import (
	"context"
	"errors"
	"fmt"

	"solsnap/snapshot/fetch"
)

// fetchError is why `solsnap fetch` did not do its job. The word of its kind is in
// the JSON, and decides the exit code.
type fetchError struct {
	kind fetchKind
	err  error
}

func (e *fetchError) Error() string { return e.err.Error() }
func (e *fetchError) Unwrap() error { return e.err }

// fetchKind is what an exit code tells.
type fetchKind string

// The kinds. Scripts read them: these must not change.
const (
	noSource     fetchKind = "no-source"
	untrusted    fetchKind = "untrusted"
	tooSlow      fetchKind = "too-slow"
	verification fetchKind = "verification-failed"
	diskTrouble  fetchKind = "disk"
)

var fetchCodes = map[fetchKind]int{
	noSource: exitNoSource, untrusted: exitUntrusted, tooSlow: exitTooSlow, verification: exitFalse, diskTrouble: exitDisk,
}

func fetchErrorf(kind fetchKind, format string, args ...any) error {
	return &fetchError{kind, fmt.Errorf(format, args...)}
}

// errTimeout means that --timeout has passed.
var errTimeout = errors.New("it took longer than --timeout")

// kindOf sorts the error of a download; "" for none of the kinds.
func kindOf(err error) fetchKind {
	for _, k := range []struct {
		reason error
		kind   fetchKind
	}{
		{errTimeout, tooSlow},
		{fetch.ErrDisk, diskTrouble},
		{fetch.ErrVerification, verification},
		{fetch.ErrTooSlow, tooSlow},
		{fetch.ErrName, noSource},
		{fetch.ErrNoSource, noSource},
	} {
		if errors.Is(err, k.reason) {
			return k.kind
		}
	}
	return ""
}

// nextStep is what to do about it.
func nextStep(kind fetchKind) string {
	switch kind {
	case noSource:
		return "name other sources by --entrypoint or --origin; --explain says what each offers"
	case untrusted:
		return "--explain says why each was refused; name other known validators, or a smaller --trust-quorum"
	case tooSlow:
		return "name other sources or lower --minimal-snapshot-download-speed; what is there is gone on with next time"
	case verification:
		return "name other sources: what these send is not what it claims to be"
	case diskTrouble:
		return "free space or give another --snapshots"
	}
	return ""
}

// explained gives an error its kind and the next step.
func explained(err error) error {
	var done *fetchError
	if err == nil || errors.As(err, &done) || errors.Is(err, context.Canceled) {
		return err
	}
	kind := kindOf(err)
	if kind == "" {
		return err
	}
	return &fetchError{kind, fmt.Errorf("%w; %s", err, nextStep(kind))}
}

// worse is of two kinds the one from which there is most to learn: what came
// furthest.
func worse(a, b fetchKind) fetchKind {
	for _, kind := range []fetchKind{diskTrouble, verification, tooSlow, noSource, untrusted} {
		if a == kind || b == kind {
			return kind
		}
	}
	return a
}
