package snapshot

import "slices"

// Conflict is more than one archive for the same slot and, if incremental, the
// same base. Two honest producers agree on the hash: different hashes mean that
// one of them is wrong or on a fork.
type Conflict struct {
	// Preferred is the one that may be a member of the served pair: the one
	// that is, else zstd before lz4, then the directory before its remote/,
	// then the lower hash.
	Preferred Archive
	// Others are the rest. Those whose name differs from Preferred's can be
	// opened by it; one of the same name in another directory cannot.
	Others []Archive
}

// slotKey is what archives conflict over.
type slotKey struct {
	kind       Kind
	base, slot Slot
}

func keyOf(n Name) slotKey {
	key := slotKey{kind: n.Kind, slot: n.Slot}
	if n.Kind == Incremental {
		key.base = n.Base
	}
	return key
}

// findConflicts returns the conflicts in list, which is in the order of
// compareListings. Preferred is a member of pair, else the first that is listed.
func findConflicts(list []listing, pair *Pair, listed func(Archive) bool) []Conflict {
	var conflicts []Conflict
	for len(list) > 0 {
		rivals := 1
		for rivals < len(list) && keyOf(list[rivals].Name) == keyOf(list[0].Name) {
			rivals++
		}
		if rivals > 1 {
			conflicts = append(conflicts, conflictOf(list[:rivals], pair, listed))
		}
		list = list[rivals:]
	}
	return conflicts
}

func conflictOf(rivals []listing, pair *Pair, listed func(Archive) bool) Conflict {
	preferred := slices.IndexFunc(rivals, func(l listing) bool { return isMember(pair, l.Archive) })
	if preferred < 0 {
		preferred = slices.IndexFunc(rivals, func(l listing) bool { return listed(l.Archive) })
	}
	c := Conflict{Preferred: rivals[preferred].Archive}
	for i, l := range rivals {
		if i != preferred {
			c.Others = append(c.Others, l.Archive)
		}
	}
	return c
}

func isMember(pair *Pair, a Archive) bool {
	if pair == nil {
		return false
	}
	return pair.Full.same(a) || (pair.Incremental != nil && pair.Incremental.same(a))
}

// onePerName drops the listings whose name is already taken: by the file that
// was listed under it before, else by the first.
func onePerName(list []listing, listed func(Archive) bool) []listing {
	chosen := make(map[Name]int, len(list))
	var kept []listing
	for _, l := range list {
		i, taken := chosen[l.Name]
		switch {
		case !taken:
			chosen[l.Name] = len(kept)
			kept = append(kept, l)
		case listed(l.Archive):
			kept[i] = l
		}
	}
	return kept
}
