package fetch

import (
	"sync"
	"time"
)

// board is who fetches what: every byte of the archive is to do, in somebody's
// segment, or in its place. It does nothing itself, and is told the time.
type board struct {
	size    int64
	workers int

	mu      sync.Mutex
	todo    spans         // guarded by mu
	running []*segment    // guarded by mu
	pieces  []piece       // guarded by mu
	good    int           // pieces that are; guarded by mu
	landed  int64         // bytes since the board was made; guarded by mu
	kept    int64         // bytes that were there before
	changed chan struct{} // closed and replaced when one who waits should look; guarded by mu
}

// piece is pieceSize bytes, or what is left at the end.
type piece struct {
	got  int64 // bytes in their places
	good bool  // all of them, and proven as far as they can be
	by   int   // the member that sent them, or nobody, or several
	// solo means that parts from several were wrong together: the next try is by
	// one alone, so that it is known whose fault it is.
	solo bool
}

const (
	nobody  = -1
	several = -2
)

// segment is a part that one worker fetches, from lo upward. Its end comes down
// when another worker takes over the rest.
type segment struct {
	by     int
	solo   bool
	lo     int64
	began  time.Time
	cancel func() // ends the request, when nothing is left of it

	pos   int64     // the next byte; guarded by board.mu
	hi    int64     // guarded by board.mu
	last  time.Time // bytes came; guarded by board.mu
	guess float64   // bytes per second, until something came
}

// newBoard has all to do but the good pieces.
func newBoard(size int64, good []bool, workers int) *board {
	b := &board{size: size, workers: workers, pieces: make([]piece, len(good)), changed: make(chan struct{})}
	for i := range b.pieces {
		s := b.extent(i)
		b.pieces[i] = piece{good: good[i], by: nobody}
		if good[i] {
			b.pieces[i].got = s.hi - s.lo
			b.good++
			b.kept += s.hi - s.lo
		} else {
			b.todo.add(s)
		}
	}
	return b
}

// extent is the bytes of a piece.
func (b *board) extent(i int) span {
	lo := int64(i) * pieceSize
	return span{lo, min(lo+pieceSize, b.size)}
}

// complete reports whether every piece is good.
func (b *board) complete() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.good == len(b.pieces)
}

// change returns a channel that is closed when there may be something else to do.
func (b *board) change() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

func (b *board) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// take gives a worker something to do: what comes first of that which nobody
// does, or a part of what another would take too long for. Nil: there is nothing
// now.
func (b *board) take(now time.Time, by int, speed float64, cancel func()) *segment {
	b.mu.Lock()
	defer b.mu.Unlock()
	part, solo := b.first(speed)
	if part.lo == part.hi {
		part = b.steal(now, speed)
	}
	if part.lo == part.hi {
		return nil
	}
	s := &segment{by: by, solo: solo, lo: part.lo, pos: part.lo, hi: part.hi, began: now, last: now, guess: speed, cancel: cancel}
	b.running = append(b.running, s)
	return s
}

// first takes the first bytes to do.
func (b *board) first(speed float64) (part span, solo bool) {
	if len(b.todo) == 0 {
		return span{}, false
	}
	lo := b.todo[0].lo
	at := int(lo / pieceSize)
	if b.pieces[at].solo {
		return b.todo.cut(b.extent(at).hi), true
	}
	until := b.todo[0].hi
	if b.workers > 1 {
		until = min(until, segmentEnd(lo, speed))
	}
	for i := at + 1; int64(i)*pieceSize < until; i++ {
		if b.pieces[i].solo {
			until = b.extent(i).lo
		}
	}
	return b.todo.cut(until), false
}

// reserve lets a segment's worker place n bytes more, or as many of them as have
// not been taken over. From then on they are its own: it must call place.
func (b *board) reserve(s *segment, n int) (lo int64, granted int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lo, granted = s.pos, int(min(int64(n), s.hi-s.pos))
	s.pos += int64(granted)
	return lo, granted
}

// left is how many bytes of a segment are still to come.
func (b *board) left(s *segment) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return s.hi - s.pos
}

// place notes that reserved bytes are in their places, and returns the pieces
// that are full by them: they are to be checked, and settled.
func (b *board) place(s *segment, lo int64, n int, now time.Time) (full []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.last = now
	b.landed += int64(n)
	for hi := lo + int64(n); lo < hi; {
		i := int(lo / pieceSize)
		extent := b.extent(i)
		here := min(hi, extent.hi) - lo
		p := &b.pieces[i]
		p.got += here
		if p.by == nobody {
			p.by = s.by
		} else if p.by != s.by {
			p.by = several
		}
		if p.got == extent.hi-extent.lo {
			full = append(full, i)
		}
		lo += here
	}
	return full
}

// end takes a segment off the board. What is left of it is to do again.
func (b *board) end(s *segment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, r := range b.running {
		if r == s {
			b.running = append(b.running[:i], b.running[i+1:]...)
			break
		}
	}
	if s.pos < s.hi {
		b.giveBack(s)
	}
	b.notify()
}

func (b *board) giveBack(s *segment) {
	b.todo.add(span{s.pos, s.hi})
	if s.solo { // whoever is next begins it anew
		b.todo.add(span{s.lo, s.pos})
		b.pieces[s.lo/pieceSize] = piece{by: nobody, solo: true}
	}
}

// settle says whether a full piece is good. One that is not is to do again. It
// returns the member who sent all of it, if it was one, or several.
func (b *board) settle(i int, good bool) (by int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &b.pieces[i]
	by = p.by
	if good {
		p.good = true
		b.good++
	} else {
		*p = piece{by: nobody, solo: by == several}
		b.todo.add(b.extent(i))
	}
	b.notify()
	return by
}

// prefix is how many bytes from the first are good without a gap. It looks from
// the piece on which it is told to be so.
func (b *board) prefix(from int64) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := int(from / pieceSize); i < len(b.pieces); i++ {
		if !b.pieces[i].good {
			return b.extent(i).lo
		}
	}
	return b.size
}

// progress is how many bytes are there, how many of them in good pieces, and how
// many came since the board was made. Bytes that were bad came too.
func (b *board) progress() (have, good, landed int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, p := range b.pieces {
		have += p.got
		if p.good {
			s := b.extent(i)
			good += s.hi - s.lo
		}
	}
	return have, good, b.landed
}

// arrived reports whether nothing is to come.
func (b *board) arrived() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.todo) == 0 && len(b.running) == 0
}
