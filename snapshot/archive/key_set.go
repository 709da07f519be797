package archive

import "hash/maphash"

// keySet is a set of account keys in little memory: it keeps 64 bits of a hash of
// each, under a seed of its own that nobody else knows. So it may hold a key that
// was never added, once in some thousand sets; whoever relies on it must notice by
// other means, as a lattice hash that does not match is.
//
// It is built by one goroutine, and may then be read by many.
type keySet struct {
	seed  maphash.Seed
	slots []uint64 // open addressing; 0 is free; a power of two
	count int
	full  bool // a key did not fit; the set is then useless
}

// maxKeySlots bounds a keySet to 128 MiB, some 13 million keys.
const maxKeySlots = 1 << 24

func newKeySet() *keySet {
	return &keySet{seed: maphash.MakeSeed(), slots: make([]uint64, 1<<10)}
}

// add adds a key, unless the set is full.
func (s *keySet) add(key *[32]byte) {
	if s.full || !s.room() {
		s.full = true
		return
	}
	h := s.hash(key)
	if i := s.find(h); s.slots[i] == 0 {
		s.slots[i] = h
		s.count++
	}
}

// has reports whether the key was added, all but surely.
func (s *keySet) has(key *[32]byte) bool { return s.count > 0 && s.slots[s.find(s.hash(key))] != 0 }

// hash is never 0, which marks a free slot.
func (s *keySet) hash(key *[32]byte) uint64 { return maphash.Bytes(s.seed, key[:]) | 1<<63 }

// find returns the slot that holds h, or the free one for it.
func (s *keySet) find(h uint64) uint64 {
	mask := uint64(len(s.slots) - 1)
	i := h & mask
	for s.slots[i] != 0 && s.slots[i] != h {
		i = (i + 1) & mask
	}
	return i
}

// room keeps a fifth of the slots free, and reports whether it could.
func (s *keySet) room() bool {
	if s.count < len(s.slots)/5*4 {
		return true
	}
	if len(s.slots) == maxKeySlots {
		return false
	}
	old := s.slots
	s.slots = make([]uint64, 2*len(old))
	for _, h := range old {
		if h != 0 {
			s.slots[s.find(h)] = h
		}
	}
	return true
}
