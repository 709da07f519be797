package gossip

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

func TestClockWatch(t *testing.T) {
	var (
		log   bytes.Buffer
		watch clockWatch
		stats Stats
		at    = time.Unix(1_790_000_000, 0)
	)
	for _, minute := range []struct {
		name         string
		wrong, right uint64
		want         string // in the log
	}{
		{"right", 10, 1000, ""},
		{"off", 600, 500, "set the clock"},
		{"still off, and said before", 600, 500, ""},
		{"too little to judge", 1, 10, ""},
		{"right again", 0, 500, "right again"},
		{"little, but all wrong", 99, 0, ""},
	} {
		log.Reset()
		at = at.Add(clockPeriod)
		stats.ValuesIn[wire.KindVote][WrongTime] += minute.wrong
		stats.ValuesIn[wire.KindContactInfo][Accepted] += minute.right
		for range 3 { // once a minute, however often it looks
			watch.look(stats, at, slog.New(slog.NewTextHandler(&log, nil)))
		}
		if got := log.String(); !strings.Contains(got, minute.want) || minute.want == "" && got != "" {
			t.Errorf("%s: logged %q, want %q", minute.name, got, minute.want)
		}
	}
}
