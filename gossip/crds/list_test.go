package crds

import "testing"

// TestListUsesPlacesAgain, also over pages.
func TestListUsesPlacesAgain(t *testing.T) {
	l := newList[int]()
	for round := range 5 {
		for i := range 3 * pageSize {
			l.push(i)
		}
		check(t, "count", l.len(), 3*pageSize)
		check(t, "pages", len(l.pages), 4) // place 0 is no item's
		n := 0
		for place := l.next(0); place != 0; place = l.next(place) {
			check(t, "item", *l.at(place), n)
			n++
		}
		check(t, "items", n, 3*pageSize)
		for l.len() > 0 {
			if round%2 == 0 {
				l.remove(l.next(0))
			} else {
				l.remove(l.prev(0))
			}
		}
	}
}
