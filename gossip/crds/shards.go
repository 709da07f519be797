package crds

import (
	"iter"
	"slices"

	"solsnap/gossip/wire"
)

// shardBits is by how many bits of their hashes values are divided, the same that
// divide them among pull filters (Agave gossip/src/crds_shards.rs).
const (
	shardBits = 12
	numShards = 1 << shardBits
)

// shardOf is the shard of the value at a place.
func (t *Table) shardOf(place uint32) *[]uint32 {
	return &t.shards[t.values.at(place).value.Hash().Prefix()>>(64-shardBits)]
}

func (t *Table) shard(place uint32) {
	s := t.shardOf(place)
	*s = append(*s, place)
}

func (t *Table) unshard(place uint32) {
	s := t.shardOf(place)
	last := len(*s) - 1
	(*s)[slices.Index(*s, place)] = (*s)[last]
	*s = (*s)[:last]
}

// Missing are the values that a filter asks for: those of its partition that are
// not in it, are not of after latest, and are for those who pull. It begins
// anywhere in the partition. Each value looked at takes 1 from work, and when that
// is used up there are no more; up to 32 are looked at, and counted, before the
// first of them is given. The table must be left alone meanwhile.
func (t *Table) Missing(f *wire.CrdsFilter, latest uint64, work *int) iter.Seq[wire.Verified] {
	return func(yield func(wire.Verified) bool) {
		shards := t.shardsOf(f)
		start := t.below(len(shards))
		cut := t.below(len(shards[start]) + 1)
		for i := range len(shards) + 1 {
			shard := shards[(start+i)%len(shards)]
			switch i {
			case 0:
				shard = shard[cut:]
			case len(shards): // where it began
				shard = shard[:cut]
			}
			if !t.scan(shard, f, latest, work, yield) {
				return
			}
		}
	}
}

// below is a random number from 0 to n-1.
func (t *Table) below(n int) int { return int(t.random() % uint64(n)) }

// shardsOf are the shards with the partition of a filter, or the one that it is a
// part of.
func (t *Table) shardsOf(f *wire.CrdsFilter) [][]uint32 {
	bits := min(f.MaskBits, shardBits)
	first := f.Mask >> (64 - bits) << (shardBits - bits)
	return t.shards[first:][:1<<(shardBits-bits)]
}

// batch is a few values of a shard. They are all over memory, and the hashes of
// many can be fetched in the time of one if nothing is done with them in between.
type batch [32]*wire.Verified

// scan yields what is missing of a shard. It is false when there is to be no more.
func (t *Table) scan(shard []uint32, f *wire.CrdsFilter, latest uint64, work *int, yield func(wire.Verified) bool) bool {
	var b batch
	for places := range slices.Chunk(shard, len(b)) {
		places = places[:min(len(places), max(*work, 0))]
		*work -= len(places)
		for _, v := range t.covered(places, f, &b) {
			if missing(v, f, latest) && !yield(*v) {
				return false
			}
		}
	}
	return *work > 0
}

// covered are the values in the partition of a filter. They use the memory of b.
func (t *Table) covered(places []uint32, f *wire.CrdsFilter, b *batch) []*wire.Verified {
	all := b[:0]
	for _, place := range places {
		if v := &t.values.at(place).value; f.Covers(v.Hash()) {
			all = append(all, v)
		}
	}
	return all
}

func missing(v *wire.Verified, f *wire.CrdsFilter, latest uint64) bool {
	return !f.Contains(v.Hash()) && v.Wallclock() <= latest && !v.Kind().Deprecated() && v.Relayable()
}
