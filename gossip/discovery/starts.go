package discovery

import (
	"fmt"
	"time"
)

// Starts remembers when the node was last started, so that a clock that was set
// back does not make the entries of this run older than those of the last.
type Starts interface {
	// LastStart is in milliseconds since 1970, and 0 when there was none.
	LastStart() (uint64, error)
	// SaveStart returns when the time would survive a crash.
	SaveStart(uint64) error
}

// start is the start time of this run; it is saved before anybody can learn it.
func start(s Starts, now time.Time) (uint64, error) {
	if s == nil {
		return millis(now), nil
	}
	last, err := s.LastStart()
	if err != nil {
		return 0, fmt.Errorf("read last start time: %w", err)
	}
	started := max(millis(now), last+1)
	if err := s.SaveStart(started); err != nil {
		return 0, fmt.Errorf("save start time: %w", err)
	}
	return started, nil
}
