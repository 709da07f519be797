//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"solsnap/gossip/wire"
)

// shardBits is the logarithm of the number of shards (Agave gossip/src/
// crds_shards.rs).
const shardBits = 12

// entry is a value of the table. It has no pointers, so that a garbage collector
// has nothing to do here.
type entry struct {
	hash wire.Hash
	when uint64
	at   uint32 // where its room begins in the memory
	size uint16
	node int32
	kind wire.Kind
}

// table is what every node of the cluster has: they all have the same. It has
// one owner. Its memory is no heap of Go's.
type table struct {
	entries []entry
	shards  [1 << shardBits][]int32 // of entries, by the top bits of their hash
	memory  []byte
}

// newTable makes a table of the values that the nodes of the cluster have
// written by now. close frees it.
func newTable(ctx context.Context, c *cluster, seed uint64) (*table, error) {
	t := &table{entries: make([]entry, c.mix.size())}
	size := 0
	for i := range c.mix {
		p := &c.mix[i]
		for slot := p.first; slot < p.first+p.owners*p.each; slot++ {
			t.entries[slot] = entry{at: uint32(size), node: int32(p.firstNode + (slot-p.first)/p.each), kind: p.kind}
			size += p.room
		}
	}
	var err error
	if t.memory, err = unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE); err != nil {
		return nil, fmt.Errorf("get %d bytes for the table: %w", size, err)
	}
	for i := range c.mix {
		if err := t.fill(ctx, c, &c.mix[i], seed); err != nil {
			t.close()
			return nil, err
		}
	}
	for slot := range t.entries {
		t.list(int32(slot))
	}
	return t, nil
}

func (t *table) close() { _ = unix.Munmap(t.memory) }

// fill signs all values of a part, on all cores.
func (t *table) fill(ctx context.Context, c *cluster, p *part, seed uint64) error {
	group, ctx := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	now := millis(time.Now())
	for worker := range workers {
		random := newRandom(seed, uint64(1000+p.first*workers+worker))
		a := newAuthor(c, random)
		group.Go(func() error {
			for owner := worker; owner < p.owners && ctx.Err() == nil; owner += workers {
				behind := uint64(rand.New(random).Float64() * 1000 * p.period())
				if err := t.fillOwner(a, p, owner, now+behind); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// fillOwner signs the values of one owner, who began to write the next one at a
// time.
func (t *table) fillOwner(a *author, p *part, owner int, next uint64) error {
	for index := range p.each {
		v, err := a.write(p.kind, int32(p.firstNode+owner), index, next-p.age(index))
		if err != nil {
			return err
		}
		t.store(p.slot(owner, index), v)
	}
	return nil
}

// store writes a value into its room.
func (t *table) store(slot int32, v value) {
	e := &t.entries[slot]
	copy(t.memory[e.at:], v.bytes)
	e.hash, e.when, e.size = v.hash, v.when, uint16(len(v.bytes))
}

// replace puts a newer value in the place of an older.
func (t *table) replace(slot int32, v value) {
	shard := &t.shards[shardOf(t.entries[slot].hash)]
	for i, other := range *shard {
		if other == slot {
			(*shard)[i] = (*shard)[len(*shard)-1]
			*shard = (*shard)[:len(*shard)-1]
			break
		}
	}
	t.store(slot, v)
	t.list(slot)
}

// list puts an entry into its shard.
func (t *table) list(slot int32) {
	shard := &t.shards[shardOf(t.entries[slot].hash)]
	*shard = append(*shard, slot)
}

func shardOf(h wire.Hash) uint64 { return h.Prefix() >> (64 - shardBits) }

// bytes are those of a value, until it is replaced.
func (t *table) bytes(slot int32) []byte {
	e := &t.entries[slot]
	return t.memory[e.at : e.at+uint32(e.size)]
}

// missing are the entries of a filter's partition that its sender has not got,
// but for those written after a time.
func (t *table) missing(f *wire.CrdsFilter, latest uint64) []int32 {
	var slots []int32
	first, last := shardRange(f)
	for _, shard := range t.shards[first : last+1] {
		for _, slot := range shard {
			e := &t.entries[slot]
			if e.when <= latest && f.Covers(e.hash) && !f.Contains(e.hash) {
				slots = append(slots, slot)
			}
		}
	}
	return slots
}

// shardRange is the first and the last shard that a filter covers a part of.
func shardRange(f *wire.CrdsFilter) (first, last uint64) {
	low := ^uint64(0) >> f.MaskBits
	return (f.Mask &^ low) >> (64 - shardBits), (f.Mask | low) >> (64 - shardBits)
}
