package gossip

// lru is a bounded map that forgets what was used longest ago. Its entries lie in
// one slab, which grows up to the capacity, so that a hit allocates nothing and
// the garbage collector finds no pointers where K and V have none. One owner.
type lru[K comparable, V any] struct {
	capacity int
	index    map[K]uint32
	// slots is a ring in the order of use. The first is no entry: what follows it
	// was used last, what precedes it longest ago.
	slots []lruSlot[K, V]
}

type lruSlot[K comparable, V any] struct {
	key        K
	value      V
	next, prev uint32
}

func newLRU[K comparable, V any](capacity int) *lru[K, V] {
	return &lru[K, V]{
		capacity: max(capacity, 1),
		index:    make(map[K]uint32),
		slots:    make([]lruSlot[K, V], 1),
	}
}

// get is the value of a key, which counts as used now, or nil. The pointer is good
// until the next call of add.
func (l *lru[K, V]) get(key K) *V {
	i, ok := l.index[key]
	if !ok {
		return nil
	}
	if l.slots[0].next != i {
		l.unlink(i)
		l.link(i)
	}
	return &l.slots[i].value
}

// peek is get, but does not count as use.
func (l *lru[K, V]) peek(key K) *V {
	if i, ok := l.index[key]; ok {
		return &l.slots[i].value
	}
	return nil
}

// add is get, but makes a zero value where there is none.
func (l *lru[K, V]) add(key K) *V {
	if v := l.get(key); v != nil {
		return v
	}
	i := l.free()
	l.slots[i].key = key
	l.index[key] = i
	l.link(i)
	return &l.slots[i].value
}

// free is a slot that is in no ring: a new one, or that of the oldest entry.
func (l *lru[K, V]) free() uint32 {
	if len(l.index) < l.capacity {
		l.slots = append(l.slots, lruSlot[K, V]{})
		return uint32(len(l.slots) - 1)
	}
	i := l.slots[0].prev
	l.unlink(i)
	delete(l.index, l.slots[i].key)
	l.slots[i] = lruSlot[K, V]{}
	return i
}

func (l *lru[K, V]) unlink(i uint32) {
	s := &l.slots[i]
	l.slots[s.prev].next = s.next
	l.slots[s.next].prev = s.prev
}

func (l *lru[K, V]) link(i uint32) {
	s := &l.slots[i]
	s.prev, s.next = 0, l.slots[0].next
	l.slots[s.next].prev = i
	l.slots[0].next = i
}

func (l *lru[K, V]) len() int { return len(l.index) }
