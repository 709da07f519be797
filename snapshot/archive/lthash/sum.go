package lthash

// Sum adds up the hashes of very many accounts. The zero value is an empty Sum.
//
// A Sum belongs to one goroutine. Several work in parallel, and Hash.Add brings
// their totals together. It has about 180 KiB of memory from the first Add on, and
// as much again from the first Sub on; no later call allocates.
type Sum struct {
	added, removed *pool // nil while empty
}

// Add mixes an account in. It copies what it needs of it.
func (s *Sum) Add(a *Account) {
	if s.added == nil {
		s.added = newPool(fastest)
	}
	s.added.add(a)
}

// Sub mixes an account out. It may come before the Add that it undoes, and it
// copies what it needs.
func (s *Sum) Sub(a *Account) {
	if s.removed == nil {
		s.removed = newPool(fastest)
	}
	s.removed.add(a)
}

// Total is the hash of all accounts so far. More may follow, but those that wait
// for company are hashed without it, so call it at the end.
func (s *Sum) Total() Hash {
	var h Hash
	if s.added != nil {
		h = s.added.total()
	}
	if s.removed != nil {
		removed := s.removed.total()
		h.Sub(&removed)
	}
	return h
}

// fastest is the kernel for this machine. It never changes.
var fastest = kernels()[0]
