package fetch

import "time"

// floorWindow is over how long the rate of a download is judged (Agave
// download-utils, and Firedancer's min_download_speed_mibs, look as far back).
const floorWindow = 10

// floor judges the rate over every window of floorWindow ticks of a second, not
// only over the first: a source may be quick at first and drip ever after. It is
// owned by the goroutine that ticks.
type floor struct {
	rate    int64              // bytes per second; 0: all is quick enough
	totals  [floorWindow]int64 // of the last ticks, as a ring
	ticks   int
	current int64 // bytes per second, over the last window or what there is of it
}

// floorTick is how often the total is looked at.
const floorTick = time.Second

// tick takes in the total after another second, and reports whether the rate
// over the last window is high enough.
func (f *floor) tick(total int64) bool {
	at := f.ticks % floorWindow
	then, span := f.totals[at], int64(floorWindow)
	if f.ticks < floorWindow {
		then, span = 0, int64(f.ticks+1)
	}
	f.totals[at] = total
	f.ticks++
	f.current = (total - then) / span
	return f.ticks < floorWindow || f.current >= f.rate
}
