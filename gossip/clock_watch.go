package gossip

import (
	"log/slog"
	"time"
)

// clockWatch notices that our clock is not that of the others. A node whose clock
// is off by 15 s takes no value by push, and nobody takes one of its own.
type clockWatch struct {
	at         time.Time
	wrong, all uint64 // values counted by then
	off        bool
}

const (
	clockPeriod = time.Minute
	// clockSample is how many values it takes to judge.
	clockSample = 100
)

// look judges once a minute, and logs when the verdict changes.
func (c *clockWatch) look(s Stats, now time.Time, log *slog.Logger) {
	if now.Sub(c.at) < clockPeriod {
		return
	}
	wrong, all := s.wallclocks()
	off := all-c.all >= clockSample && 2*(wrong-c.wrong) > all-c.all
	judged := off || all-c.all >= clockSample
	switch {
	case off && !c.off:
		log.Error("gossip: most values come with a wallclock more than 15 s from ours, and so do ours to others; set the clock, for example by NTP",
			"values", all-c.all, "wrong", wrong-c.wrong)
	case judged && !off && c.off:
		log.Info("gossip: the clock is right again")
	}
	if judged {
		c.off = off
	}
	c.at, c.wrong, c.all = now, wrong, all
}

// wallclocks counts values that were too far from our clock, and all.
func (s *Stats) wallclocks() (wrong, all uint64) {
	for _, verdicts := range s.ValuesIn {
		wrong += verdicts[WrongTime]
		for _, n := range verdicts {
			all += n
		}
	}
	return wrong, all
}
