package main

import (
	"cmp"
	"slices"

	"solsnap/snapshot"
)

// How many archives a validator keeps by default: Agave's
// --maximum-full-snapshots-to-retain and --maximum-incremental-snapshots-to-retain.
const (
	fullsToRetain        = 2
	incrementalsToRetain = 4
)

// retain parts archives by Agave's rule (snapshots/src/snapshot_archives
// purge_old_snapshot_archives): the highest full archives stay, the highest of
// them with the highest few incrementals on it, each other with the highest one.
// Incrementals whose base goes, go.
func retain(archives []snapshot.Name) (keep, drop []snapshot.Name) {
	sorted := slices.SortedFunc(slices.Values(archives), func(a, b snapshot.Name) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.Slot, a.Slot)) // fulls first, then from the highest slot
	})
	room := map[snapshot.Slot]int{} // incrementals that a retained full archive may still have
	for _, name := range sorted {
		if stays(name, room) {
			keep = append(keep, name)
		} else {
			drop = append(drop, name)
		}
	}
	return keep, drop
}

func stays(name snapshot.Name, room map[snapshot.Slot]int) bool {
	if name.Kind == snapshot.Incremental {
		room[name.Base]--
		return room[name.Base] >= 0
	}
	if len(room) == fullsToRetain {
		return false
	}
	room[name.Slot] = 1
	if len(room) == 1 {
		room[name.Slot] = incrementalsToRetain
	}
	return true
}
