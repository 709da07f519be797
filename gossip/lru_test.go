package gossip

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestLRUIsASlice compares it with a slice that is searched.
func TestLRUIsASlice(t *testing.T) {
	const capacity = 5
	type entry struct{ key, value int }
	var slow []entry // used last first
	use := func(key int) int {
		i := slices.IndexFunc(slow, func(e entry) bool { return e.key == key })
		if i < 0 {
			return -1
		}
		e := slow[i]
		slow = slices.Insert(slices.Delete(slow, i, i+1), 0, e)
		return e.value
	}
	random := rand.New(rand.NewPCG(1, 2))
	l := newLRU[int, int](capacity)
	for n := range 10_000 {
		key := random.IntN(2 * capacity)
		switch random.IntN(3) {
		case 0:
			v := l.get(key)
			if want := use(key); v == nil && want != -1 || v != nil && *v != want {
				t.Fatalf("get %d gives %v, want %d", key, v, want)
			}
		case 1:
			v := l.add(key)
			if want := max(use(key), 0); *v != want {
				t.Fatalf("add %d gives %d, want %d", key, *v, want)
			} else if want == 0 {
				slow = slices.Insert(slow, 0, entry{key, n + 1})
				slow = slow[:min(len(slow), capacity)]
				*v = n + 1
			}
		case 2:
			v := l.peek(key)
			i := slices.IndexFunc(slow, func(e entry) bool { return e.key == key })
			if (v == nil) != (i < 0) || v != nil && *v != slow[i].value {
				t.Fatalf("peek %d gives %v, want entry %d", key, v, i)
			}
		}
		if l.len() != len(slow) {
			t.Fatalf("length is %d, want %d", l.len(), len(slow))
		}
	}
	same(t, "slots", len(l.slots), capacity+1)
}
