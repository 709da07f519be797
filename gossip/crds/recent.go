package crds

import (
	"iter"
	"math/bits"
	"math/rand/v2"

	"solsnap/gossip/wire"
)

// recent is hashes of late: a queue with an index. Those too old go when expire
// is called, and the oldest goes for a new one when there are as many as may be.
type recent struct {
	keep  uint32 // how long, in ms
	limit int

	ring  []stamped
	first int // the oldest
	count int

	// cells say where in the ring a hash is, plus 1; of one that is there twice, the
	// later place. They are probed one after another from home on.
	cells []uint32
	// factor spreads hashes over cells. It is secret, so that nobody can choose
	// hashes that meet.
	factor uint64
}

// stamped is a hash and when it came, in ms, of which the low 32 bits are enough
// to tell the age.
type stamped struct {
	hash wire.Hash
	at   uint32
}

func newRecent(keep uint32, limit int) *recent {
	return &recent{keep: keep, limit: limit, factor: rand.Uint64() | 1}
}

func (r *recent) len() int { return r.count }

func (r *recent) has(h wire.Hash) bool {
	_, found := r.find(h)
	return found
}

// add remembers a hash, and reports whether it was there. One that was there is
// not added again in the first half of its time, so that what comes again and
// again takes no more room than what comes once.
func (r *recent) add(h wire.Hash, now uint64) (known bool) {
	cell, known := r.find(h)
	if known && uint32(now)-r.ring[r.cells[cell]-1].at < r.keep/2 {
		return true
	}
	if r.count == len(r.ring) {
		r.makeRoom()
		cell, _ = r.find(h)
	}
	at := (r.first + r.count) % len(r.ring)
	r.ring[at] = stamped{h, uint32(now)}
	r.cells[cell] = uint32(at) + 1
	r.count++
	return known
}

// expire forgets what is older than keep. After a step back of the clock
// everything looks older.
func (r *recent) expire(now uint64) {
	for r.count > 0 && uint32(now)-r.ring[r.first].at > r.keep {
		r.pop()
	}
}

// all are the hashes, the oldest first. One may be there twice.
func (r *recent) all() iter.Seq[wire.Hash] {
	return func(yield func(wire.Hash) bool) {
		for i := range r.count {
			if !yield(r.ring[(r.first+i)%len(r.ring)].hash) {
				return
			}
		}
	}
}

// makeRoom grows by half, or drops the oldest.
func (r *recent) makeRoom() {
	size := min(max(len(r.ring)*3/2, 1024), r.limit)
	if size == len(r.ring) {
		r.pop()
		return
	}
	ring := make([]stamped, size)
	n := copy(ring, r.ring[r.first:])
	copy(ring[n:], r.ring[:r.first])
	r.ring, r.first = ring, 0
	r.cells = make([]uint32, size*3/2+1)
	for at := range r.count {
		cell, _ := r.find(ring[at].hash)
		r.cells[cell] = uint32(at) + 1
	}
}

func (r *recent) pop() {
	cell, _ := r.find(r.ring[r.first].hash)
	if r.cells[cell] == uint32(r.first)+1 { // not of a later place
		r.empty(cell)
	}
	r.first = (r.first + 1) % len(r.ring)
	r.count--
}

// find is the cell of a hash, or the empty one where it would be.
func (r *recent) find(h wire.Hash) (cell int, found bool) {
	if len(r.cells) == 0 {
		return 0, false
	}
	for cell = r.home(h); r.cells[cell] != 0; cell = r.after(cell) {
		if r.ring[r.cells[cell]-1].hash == h {
			return cell, true
		}
	}
	return cell, false
}

func (r *recent) home(h wire.Hash) int {
	high, _ := bits.Mul64(h.Prefix()*r.factor, uint64(len(r.cells)))
	return int(high)
}

func (r *recent) after(cell int) int {
	if cell++; cell < len(r.cells) {
		return cell
	}
	return 0
}

// empty empties a cell, and moves those behind it up that would not be found
// past an empty one (Knuth, The Art of Computer Programming 6.4, algorithm R).
func (r *recent) empty(cell int) {
	for next := r.after(cell); r.cells[next] != 0; next = r.after(next) {
		home := r.home(r.ring[r.cells[next]-1].hash)
		if r.distance(home, next) >= r.distance(cell, next) {
			r.cells[cell] = r.cells[next]
			cell = next
		}
	}
	r.cells[cell] = 0
}

// distance is how many steps it is from one cell to another.
func (r *recent) distance(from, to int) int {
	if to < from {
		return to - from + len(r.cells)
	}
	return to - from
}
