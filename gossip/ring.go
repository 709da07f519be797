package gossip

import "sync"

// ring is the bounded queue between the goroutine that reads the socket and the
// loop that handles what was read. The oldest packets make room for the newest:
// gossip repeats itself, and what is new is worth more.
//
// Nothing is copied or allocated: put and take exchange the buffers of the
// caller's packets for those in the ring. Both may be called at any time.
type ring struct {
	// ready receives when packets wait. It is for one goroutine, which calls
	// take once each time; that may find nothing, if it was called in between.
	ready chan struct{}

	mu      sync.Mutex
	slots   []packet // guarded by mu; every one has a buffer
	first   int      // guarded by mu; index of the oldest
	count   int      // guarded by mu
	dropped uint64   // guarded by mu
}

// newRing returns a ring for size packets, each of bufferSize bytes.
func newRing(size int) *ring {
	return &ring{ready: make(chan struct{}, 1), slots: newBatch(size)}
}

// put adds the packets, which get other buffers in exchange.
func (r *ring) put(batch []packet) {
	if len(batch) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	wasEmpty := r.count == 0
	for i := range batch {
		r.push(&batch[i])
	}
	if wasEmpty {
		r.signal()
	}
}

// push exchanges p for the first free slot, or for the oldest packet.
func (r *ring) push(p *packet) {
	slot := &r.slots[r.index(r.count)]
	*slot, *p = *p, *slot
	if r.count < len(r.slots) {
		r.count++
		return
	}
	r.first = r.index(1)
	r.dropped++
}

// take exchanges packets of the batch, whose bytes are no longer needed, for the
// oldest ones in the ring, and tells how many. What is left makes ready receive
// again.
func (r *ring) take(batch []packet) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(batch), r.count)
	for i := range n {
		slot := &r.slots[r.index(i)]
		batch[i], *slot = *slot, batch[i]
	}
	r.first, r.count = r.index(n), r.count-n
	if r.count > 0 {
		r.signal()
	} else {
		r.first = 0 // so that a quiet node uses few buffers, which stay in the CPU's cache
	}
	return n
}

// fill is how much of the ring is taken, from 0 to 1.
func (r *ring) fill() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return float64(r.count) / float64(len(r.slots))
}

// index returns where the packet is that was put i packets after the oldest.
func (r *ring) index(i int) int {
	i += r.first
	if i >= len(r.slots) {
		i -= len(r.slots)
	}
	return i
}

// signal makes ready receive. A signal that nobody has received yet will do.
func (r *ring) signal() {
	select {
	case r.ready <- struct{}{}:
	default:
	}
}

// drops returns the number of packets that made room for newer ones.
func (r *ring) drops() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}
