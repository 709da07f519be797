package gossip

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestBucket(t *testing.T) {
	r := rate{perSecond: 10, burst: 20}
	for name, tt := range map[string]struct {
		take []uint64 // one after the other, at 1000
		now  uint64
		left uint64
	}{
		"full":                          {nil, 1000, 20},
		"taken":                         {[]uint64{5, 15}, 1000, 0},
		"all or nothing":                {[]uint64{15, 6}, 1000, 5},
		"99 ms bring nothing":           {[]uint64{20}, 1099, 0},
		"100 ms bring one":              {[]uint64{20}, 1100, 1},
		"a year brings no more than 20": {[]uint64{20}, 1000 + 365*86_400_000, 20},
		"so does for ever":              {[]uint64{20}, math.MaxUint64, 20},
		"the clock was set back":        {[]uint64{20}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var b bucket
			for _, n := range tt.take {
				b.take(r, n, 1000)
			}
			same(t, "left", b.left(r, tt.now), tt.left)
		})
	}
}

// TestBucketFillsAfterTheClockWasSetBack by an hour, at once and not in an hour.
func TestBucketFillsAfterTheClockWasSetBack(t *testing.T) {
	r := rate{perSecond: 10, burst: 20}
	var b bucket
	b.take(r, 20, 3_600_000)
	same(t, "left", b.left(r, 0), 0)
	same(t, "left a second later", b.left(r, 1000), 10)
}

func TestBucketOverdrawn(t *testing.T) {
	l := newLimiter(rate{perSecond: 10, burst: 20})
	l.spend(50, 0)
	same(t, "left after 3 s", l.left(3000), 0)
	same(t, "left after 4 s", l.left(4000), 10)
	l.spend(math.MaxUint64, 4000)
	l.spend(math.MaxUint64, 4000)
	same(t, "left of nothing", l.left(1_000_000), 0)
	same(t, "taken of nothing", l.take(1, 1_000_000), false)
}

// TestLimiterWithAnotherRate keeps what was spent.
func TestLimiterWithAnotherRate(t *testing.T) {
	l := newLimiter(pullBudget(0))
	same(t, "burst without stakes", l.left(0), 5*2048)
	same(t, "taken", l.take(5*2048, 0), true)
	l.rate = pullBudget(1000)
	same(t, "burst with stakes", l.left(0), 5*1024*1000-5*2048)
	same(t, "100 ms later", l.left(100), 5*1024*1000)
	l.rate = pullBudget(0)
	same(t, "burst again", l.left(100), 5*2048)
}

// TestBucketNeverGivesMore than its burst and what has come in since, in any
// sequence.
func TestBucketNeverGivesMore(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		r := rate{perSecond: random.Uint64N(1000), burst: random.Uint64N(1000)}
		var b bucket
		var now, given uint64
		for range 100 {
			now += random.Uint64N(100)
			if n := random.Uint64N(50); b.take(r, n, now) {
				given += n
			}
		}
		if most := r.burst + now*r.perSecond/1000; given > most {
			t.Errorf("%+v gave %d in %d ms, want at most %d", r, given, now, most)
		}
	}
}

func TestSourceLimiter(t *testing.T) {
	l := newSourceLimiter(rate{perSecond: 64, burst: 256}, 100)
	for n := range 1000 {
		same(t, fmt.Sprintf("pong %d", n), l.take(ip("192.0.2.1"), 0), n < 256)
	}
	same(t, "another address", l.left(ip("192.0.2.2"), 0), 256)
	same(t, "the same address in IPv6", l.left(ip("::ffff:192.0.2.1"), 0), 0)
	same(t, "half a second later", l.left(ip("192.0.2.1"), 500), 32)
	l.spend(ip("192.0.2.2"), 300, 0)
	same(t, "overdrawn", l.take(ip("192.0.2.2"), 0), false)
}

// TestSourceLimiterIsBounded forgets the address that was seen longest ago.
func TestSourceLimiterIsBounded(t *testing.T) {
	l := newSourceLimiter(rate{perSecond: 262_144, burst: 1_048_576}, 10)
	address := ip("192.0.2.0")
	for n := range 1000 {
		address = address.Next()
		l.spend(address, 1<<20, uint64(n))
		same(t, "left", l.take(address, uint64(n)), false)
	}
	same(t, "addresses", l.buckets.len(), 10)
	same(t, "left to the first", l.left(ip("192.0.2.1"), 1000), 1<<20)
}
