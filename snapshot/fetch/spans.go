package fetch

import (
	"cmp"
	"slices"
)

// span is the bytes [lo, hi).
type span struct{ lo, hi int64 }

// spans are sorted and apart.
type spans []span

// add puts in bytes that are not in yet, joined with their neighbours.
func (s *spans) add(part span) {
	if part.lo >= part.hi {
		return
	}
	i, _ := slices.BinarySearchFunc(*s, part.lo, func(a span, lo int64) int { return cmp.Compare(a.lo, lo) })
	*s = slices.Insert(*s, i, part)
	if i+1 < len(*s) && (*s)[i].hi == (*s)[i+1].lo {
		(*s)[i].hi = (*s)[i+1].hi
		*s = slices.Delete(*s, i+1, i+2)
	}
	if i > 0 && (*s)[i-1].hi == (*s)[i].lo {
		(*s)[i-1].hi = (*s)[i].hi
		*s = slices.Delete(*s, i, i+1)
	}
}

// cut takes the first bytes out, up to the given offset.
func (s *spans) cut(until int64) span {
	first := (*s)[0]
	if until >= first.hi {
		*s = slices.Delete(*s, 0, 1)
		return first
	}
	(*s)[0].lo = until
	return span{first.lo, until}
}
