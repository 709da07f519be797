package crds

import (
	"cmp"
	"container/heap"
)

// ranking is a heap of origins: first those of least stake, and of the same stake
// those with the oldest value.
type ranking []*origin

func (r *ranking) add(o *origin)    { heap.Push(r, o) }
func (r *ranking) remove(o *origin) { heap.Remove(r, o.rank) }

// Len is for package heap.
func (r ranking) Len() int { return len(r) }

// Less is for package heap.
func (r ranking) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(r[i].stake, r[j].stake), cmp.Compare(r[i].oldest, r[j].oldest)) < 0
}

// Swap is for package heap.
func (r ranking) Swap(i, j int) {
	r[i], r[j] = r[j], r[i]
	r[i].rank, r[j].rank = i, j
}

// Push is for package heap.
func (r *ranking) Push(o any) {
	o.(*origin).rank = len(*r)
	*r = append(*r, o.(*origin))
}

// Pop is for package heap.
func (r *ranking) Pop() any {
	last := len(*r) - 1
	o := (*r)[last]
	(*r)[last] = nil
	*r = (*r)[:last]
	return o
}
