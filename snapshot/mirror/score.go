package mirror

import "time"

// Model is what is assumed of the cluster and of sources that were not measured.
// A zero field has the default that is named with it.
type Model struct {
	// SlotRate is how many slots the cluster makes per second, 2.5.
	SlotRate float64
	// ReplayRate is how many slots per second a validator replays to catch up, 6.
	ReplayRate float64
	// FullSize and IncrementalSize are taken for archives of which nobody says the
	// size, in bytes: 100 GiB and 1 GiB.
	FullSize, IncrementalSize int64
}

func (m Model) withDefaults() Model {
	inherit(&m.SlotRate, 2.5)
	inherit(&m.ReplayRate, 6)
	inherit(&m.FullSize, 100<<30)
	inherit(&m.IncrementalSize, 1<<30)
	return m
}

func inherit[T int64 | float64](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// caughtUp is when a validator will have caught up that begins to replay after the
// download, and is behind by so many slots now: until t the cluster makes s·t slots
// more, and from the download d on r·(t−d) are replayed, so t = (r·d + behind)/(r−s).
func (m Model) caughtUp(download time.Duration, behind uint64) time.Duration {
	seconds := (m.ReplayRate*download.Seconds() + float64(behind)) / (m.ReplayRate - m.SlotRate)
	return seconds2duration(seconds)
}

// longest is a time that is as good as never.
const longest = 1000 * 24 * time.Hour

func seconds2duration(seconds float64) time.Duration {
	if seconds >= longest.Seconds() {
		return longest
	}
	return time.Duration(seconds * float64(time.Second))
}

const (
	// unknownRTT is what Firedancer takes (src/discof/restore, ssping).
	unknownRTT = 100 * time.Millisecond
	// window is about what one TCP connection has in flight at most, by the default
	// buffers of Linux.
	window = 4 << 20
	// leastGuess and mostGuess are between the speed below which Agave leaves a
	// server, and a link of 1 Gbit/s.
	leastGuess, mostGuess = 10 << 20, 120 << 20
)

// guess is the speed of a source that was not measured. The least RTT that counts
// is what makes the most.
func guess(rtt time.Duration) int64 {
	if rtt <= 0 {
		rtt = unknownRTT
	}
	return min(max(int64(window/rtt.Seconds()), leastGuess), mostGuess)
}

// speedOf is what to expect of a source, in bytes per second.
func speedOf(o *Offer) int64 {
	if o.Speed > 0 {
		return o.Speed
	}
	return guess(o.RTT)
}

// takes is how long so many bytes take.
func takes(bytes, speed int64) time.Duration {
	return seconds2duration(float64(max(bytes, 0)) / float64(max(speed, 1)))
}
