package fetch

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestBoardLosesNothing lets workers take, place, fail, steal and be wrong in any
// order: in the end every byte of every piece was placed by those whom the board
// had told to, and nobody placed a byte that another had reserved.
func TestBoardLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 5*pieceSize).Draw(t, "size")
		workers := rapid.IntRange(1, 4).Draw(t, "workers")
		b := newBoard(size, make([]bool, pieceCount(size)), workers)
		owned := spans{} // placed, in pieces not found wrong
		now := time.Time{}.Add(time.Hour)
		segments := make([]*segment, workers)
		faults := rapid.IntRange(0, 5).Draw(t, "faults")
		for steps := 0; !b.complete(); steps++ {
			if steps > 100_000 {
				t.Fatal("the board does not come to an end")
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "ms")) * time.Millisecond)
			w := rapid.IntRange(0, workers-1).Draw(t, "worker")
			s := segments[w]
			if s == nil {
				segments[w] = b.take(now, w, rapid.Float64Range(0, 1e8).Draw(t, "speed"), func() {})
				continue
			}
			lo, n := b.reserve(s, rapid.IntRange(1, 8<<20).Draw(t, "n"))
			if n == 0 { // all of it was taken over
				b.end(s)
				segments[w] = nil
				continue
			}
			owned = own(t, owned, span{lo, lo + int64(n)})
			for _, i := range b.place(s, lo, n, now) {
				good := faults == 0
				if !good {
					faults--
					owned = disown(owned, b.extent(i))
				}
				b.settle(i, good)
			}
			fails := rapid.IntRange(0, 9).Draw(t, "fails") == 0
			if b.left(s) == 0 || fails {
				if s.solo && b.left(s) > 0 {
					owned = disown(owned, b.extent(int(s.lo/pieceSize)))
				}
				b.end(s)
				segments[w] = nil
			}
		}
		if len(owned) != 1 || owned[0] != (span{0, size}) {
			t.Fatalf("of %d bytes %v were placed", size, owned)
		}
		if have, good, _ := b.progress(); have != size || good != size || b.prefix(0) != size {
			t.Fatalf("board has %d of %d, %d good", have, size, good)
		}
	})
}

// own fails if any of the bytes are owned already.
func own(t *rapid.T, owned spans, part span) spans {
	for _, s := range owned {
		if part.lo < s.hi && s.lo < part.hi {
			t.Fatalf("%v is placed twice, as part of %v", part, s)
		}
	}
	owned.add(part)
	return owned
}

func disown(owned spans, part span) spans {
	var rest spans
	for _, s := range owned {
		rest.add(span{s.lo, min(s.hi, part.lo)})
		rest.add(span{max(s.lo, part.hi), s.hi})
	}
	return rest
}

func TestShare(t *testing.T) {
	for name, tt := range map[string]struct {
		left          int64
		thief, victim float64
		want          int64
	}{
		"equals":                {16 * mib, 1e6, 1e6, 8 * mib},
		"much faster":           {16 * mib, 100e6, 1, 16 * mib},
		"slower takes its part": {30 * mib, 1e6, 2e6, 10 * mib},
		"too little":            {100 << 10, 1e6, 1e6, 0},
		"the last, from a slow": {10 << 10, 1e6, 1e3, 10 << 10},
		"the last, from a fast": {10 << 10, 1e6, 1e6, 0},
	} {
		if got := share(tt.left, tt.thief, tt.victim); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}
