package fetch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"solsnap/snapshot"
)

// Why a download has failed: every error of Run, but that of its context and
// fs.ErrExist, is one
// of these, by errors.Is.
var (
	// ErrNoSource means that every source has refused, ended or fallen silent.
	// Look for other sources.
	ErrNoSource = errors.New("no source could deliver the archive")
	// ErrTooSlow means that the last sources did not keep Config.MinRate. Look for
	// other sources, or lower it.
	ErrTooSlow = errors.New("the sources are too slow")
	// ErrVerification means that what came was not the archive: its digests were
	// wrong, it changed half-way, or Config.Follow found it bad. Do not believe
	// these sources.
	ErrVerification = errors.New("the archive did not pass verification")
	// ErrDisk means that the directory cannot take the archive. Other sources
	// will not help.
	ErrDisk = errors.New("the archive cannot be stored")
	// ErrName means that the sources lead to something of another name.
	ErrName = errors.New("the sources have an archive of another name")
	// ErrBusy means that another download of the same archive into the same
	// directory is under way.
	ErrBusy = errors.New("another download of this archive is under way")
)

// Error says of which archive, why, and what was wrong with each source.
type Error struct {
	Name snapshot.Name
	// Reason is one of the sentinels above.
	Reason error
	// Cause is what went wrong here, as with the disk. Nil if it was the sources.
	Cause error
	// Sources are the sources that failed, in the order of Config.Sources.
	Sources []SourceError
}

// SourceError is why a source was given up.
type SourceError struct {
	URL string
	Err error
}

// Error names the archive, the reason, and the trouble with every source.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "fetch %s: %v", e.Name, e.Reason)
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	for i, s := range e.Sources {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		fmt.Fprintf(&b, "%s%s: %v", separator, s.URL, s.Err)
	}
	return b.String()
}

// Unwrap returns the reason and the cause. What was wrong with the sources is not
// among them: it need not be the reason.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Cause}
}

// SpaceError means that the filesystem is too full. It comes with ErrDisk.
type SpaceError struct {
	Dir  string
	Need int64 // bytes, Config.Reserve included
	Free int64 // bytes
}

// Error says how much to free.
func (e *SpaceError) Error() string {
	return fmt.Sprintf("%s has %s free, the archive needs %s: free %s or choose another directory", e.Dir,
		bytesOf(e.Free), bytesOf(e.Need), bytesOf(e.Need-e.Free))
}

func bytesOf(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

// final marks an error of a source that asking again does not mend.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// refusal is a final error with a reason of its own.
func refusal(reason error, format string, args ...any) error {
	return final{&reasoned{reason, fmt.Errorf(format, args...)}}
}

// reasoned is an error that prints without its reason, which Error has said.
type reasoned struct {
	reason error
	error
}

func (r *reasoned) Unwrap() []error { return []error{r.reason, r.error} }

func isFinal(err error) bool {
	var f final
	return errors.As(err, &f)
}

// reasonOf weighs what was wrong with the sources: the reason is that of the one
// that came furthest.
func reasonOf(failed []SourceError) error {
	for _, reason := range []error{ErrDisk, ErrVerification, ErrTooSlow, ErrName} {
		for _, s := range failed {
			if errors.Is(s.Err, reason) {
				return reason
			}
		}
	}
	return ErrNoSource
}
