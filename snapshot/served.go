package snapshot

import (
	"slices"
	"time"
)

// choice is what choosePair decided.
type choice struct {
	pair Pair
	ok   bool // false if there is no full archive
	// until is when the choice may change although the archives do not; zero if
	// it cannot.
	until time.Time
}

// choosePair decides which pair is served. list is in the order of
// compareListings, current is the pair served so far, nil if none.
//
// It is the highest full with the highest incremental on it. If there is no
// such incremental, a lower full that has one is served in its stead, so that
// nobody who asks for the incremental is sent away; but not one below the full
// of current, nor when a member of current has vanished, nor once any of the
// fulls above it has been listed for grace. Then, or when there is no such
// lower full, the highest full is served alone.
//
// At the first scan current is nil, and archives count as listed since they were
// last modified: a restart neither cuts a hold short nor begins it again.
//
// Of several archives for the same slot (and base), the one that is served stays,
// unless another is the same state in a better format; else the first is taken.
func choosePair(current *Pair, list []listing, now time.Time, grace time.Duration) choice {
	fulls, incrementals := contenders(current, list)
	if len(fulls) == 0 {
		return choice{}
	}
	var until time.Time
	for _, full := range fulls {
		pair := pairOf(full, incrementals)
		if pair.Incremental != nil {
			return choice{pair: pair, ok: true, until: until}
		}
		expires := full.since.Add(grace)
		if !mayHold(current, full, fulls, incrementals) || !now.Before(expires) {
			break
		}
		until = earlier(until, expires)
	}
	return choice{pair: pairOf(fulls[0], incrementals), ok: true}
}

// contenders are one full for each slot, highest first, and the highest
// incremental on each base.
func contenders(current *Pair, list []listing) (fulls []listing, incrementals map[Slot]Archive) {
	incrementals = make(map[Slot]Archive)
	for _, l := range list {
		switch last := len(fulls) - 1; {
		case l.Name.Kind == Incremental:
			best, ok := incrementals[l.Name.Base]
			if !ok || (best.Name.Slot == l.Name.Slot && stays(current, l.Name, best.Name)) {
				incrementals[l.Name.Base] = l.Archive
			}
		case last < 0 || fulls[last].Name.Slot != l.Name.Slot:
			fulls = append(fulls, l)
		case stays(current, l.Name, fulls[last].Name):
			fulls[last] = l
		}
	}
	return fulls, incrementals
}

// stays reports whether name, because it is served, is preferred to the one that
// otherwise would be; but not to the same state in a format that more clients read.
func stays(current *Pair, name, other Name) bool {
	if current == nil || name.Hash == other.Hash {
		return false
	}
	return current.Full.Name == name || (current.Incremental != nil && current.Incremental.Name == name)
}

func pairOf(full listing, incrementals map[Slot]Archive) Pair {
	pair := Pair{Full: full.Archive}
	if incremental, ok := incrementals[full.Name.Slot]; ok {
		pair.Incremental = &incremental
	}
	return pair
}

// mayHold reports whether a full below full, which has no incremental, may be
// served in its stead.
func mayHold(current *Pair, full listing, fulls []listing, incrementals map[Slot]Archive) bool {
	if current == nil {
		return true
	}
	return full.Name.Slot > current.Full.Name.Slot && intact(*current, fulls, incrementals)
}

// intact reports whether both members of the pair are still listed, or the
// incremental has a successor.
func intact(pair Pair, fulls []listing, incrementals map[Slot]Archive) bool {
	if !slices.ContainsFunc(fulls, func(l listing) bool { return l.Name == pair.Full.Name }) {
		return false
	}
	if pair.Incremental == nil {
		return true
	}
	successor, ok := incrementals[pair.Full.Name.Slot]
	return ok && successor.Name.Slot >= pair.Incremental.Name.Slot
}
