package crds

import "iter"

// pageSize is how many items are allocated at a time. That many values take
// exactly 19 pages of 8 KiB, so that nothing is lost to rounding.
const pageSize = 1024

// list is items in the order of being pushed. Each has a place, which it keeps
// until it is removed; places are then used again. Place 0 is no item's: it is
// before the first and behind the last. Links are numbers and not pointers, for
// the sake of size and of the garbage collector.
type list[T any] struct {
	pages []*[pageSize]element[T]
	end   uint32 // places from here on have never been used
	free  uint32 // the first of those to use again, chained by next; 0 for none
	count int
}

// element is an item with its neighbours. A free one is its own predecessor.
type element[T any] struct {
	item       T
	prev, next uint32
}

func newList[T any]() *list[T] {
	return &list[T]{pages: []*[pageSize]element[T]{new([pageSize]element[T])}, end: 1}
}

func (l *list[T]) node(place uint32) *element[T] {
	return &l.pages[place/pageSize][place%pageSize]
}

// at is the item at a place. It stays where it is while it is in the list.
func (l *list[T]) at(place uint32) *T { return &l.node(place).item }

func (l *list[T]) len() int { return l.count }

// next is the place behind another, and 0 behind the last.
func (l *list[T]) next(place uint32) uint32 { return l.node(place).next }

// prev is the place before another, and 0 before the first.
func (l *list[T]) prev(place uint32) uint32 { return l.node(place).prev }

// push appends an item.
func (l *list[T]) push(item T) uint32 {
	place := l.take()
	l.node(place).item = item
	l.link(place)
	l.count++
	return place
}

func (l *list[T]) take() uint32 {
	if place := l.free; place != 0 {
		l.free = l.next(place)
		return place
	}
	if int(l.end) == len(l.pages)*pageSize {
		l.pages = append(l.pages, new([pageSize]element[T]))
	}
	l.end++
	return l.end - 1
}

// remove takes an item out, and forgets it.
func (l *list[T]) remove(place uint32) {
	l.unlink(place)
	*l.node(place) = element[T]{prev: place, next: l.free}
	l.free = place
	l.count--
}

// renew makes an item the last. Its place stays the same.
func (l *list[T]) renew(place uint32) {
	l.unlink(place)
	l.link(place)
}

func (l *list[T]) link(place uint32) {
	n, head := l.node(place), l.node(0)
	n.prev, n.next = head.prev, 0
	l.node(head.prev).next = place
	head.prev = place
}

func (l *list[T]) unlink(place uint32) {
	n := l.node(place)
	l.node(n.prev).next = n.next
	l.node(n.next).prev = n.prev
}

// all are the items in the order of memory, which is the fastest.
func (l *list[T]) all() iter.Seq2[uint32, *T] {
	return func(yield func(uint32, *T) bool) {
		for place := uint32(1); place < l.end; place++ {
			if n := l.node(place); n.prev != place && !yield(place, &n.item) {
				return
			}
		}
	}
}
