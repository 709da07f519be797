package discovery

import (
	"cmp"
	"fmt"
	"time"
)

// Version orders the entries of one peer: by when its process was started, then
// by when it last changed what it says. Both are milliseconds since 1970 by the
// peer's clock.
type Version struct {
	Start, Update uint64
}

// Compare is negative when v is older than other, and positive when it is newer.
func (v Version) Compare(other Version) int {
	return cmp.Or(cmp.Compare(v.Start, other.Start), cmp.Compare(v.Update, other.Update))
}

// Next is the version of the same process after v. It is newer whatever the clock
// says.
func (v Version) Next(now time.Time) Version {
	return Version{v.Start, max(v.Update, millis(now)) + 1}
}

// String is for logs.
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Start, v.Update) }

func (v *Version) walk(c *codec) {
	c.uint64("start", &v.Start)
	c.uint64("update", &v.Update)
	// Beyond these there are no dates, and sums of them overflow.
	if max(v.Start, v.Update) > maxMillis {
		c.fail("version", fmt.Errorf("%v, want times of at most %d ms", *v, uint64(maxMillis)))
	}
}

// maxMillis is somewhere in the year 10889.
const maxMillis = 1 << 48

// millis is a time in milliseconds since 1970; times before are 0.
func millis(t time.Time) uint64 { return uint64(max(t.UnixMilli(), 0)) }

// before is now less d, and not below 0.
func before(now uint64, d time.Duration) uint64 {
	return now - min(now, uint64(d.Milliseconds()))
}
