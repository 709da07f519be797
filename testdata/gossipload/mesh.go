//go:build linux

package main

import (
	"math/rand/v2"
	"slices"

	"solsnap/gossip/wire"
)

const (
	// meshGroups is in how many groups the origins are. With three relayers for
	// each, as many edges lead to the node under test as to a node of a real
	// cluster: twelve, of which one ends every 7.5 s.
	meshGroups = 4
	// edgeLife is how long a node stays in a peer's active set of twelve of which
	// one is replaced every 7.5 s, in ms (Agave gossip/src/push_active_set.rs).
	edgeLife = 12 * 7500
)

// edge is a relayer that pushes to the node under test what comes from a group
// of origins, until it takes another node instead.
type edge struct {
	relayer int32
	ends    uint64
	latency uint64 // in ms behind the origin
	pruned  []bool // origins that the node under test does not want from it
}

// mesh is who pushes to the node under test. It has one owner.
type mesh struct {
	groups [meshGroups][]*edge // empty until there is enough to choose from
	random *rand.Rand
}

// start makes the edges, whose ends are spread over the life of one.
func (m *mesh) start(relayers, nodes int, now uint64, pick func() int32) {
	n := uint64(meshGroups * relayers)
	for i := range n {
		e := &edge{pruned: make([]bool, nodes)}
		m.renew(e, pick)
		e.ends = now + (i+1)*edgeLife/n
		group := &m.groups[i%meshGroups]
		*group = append(*group, e)
	}
}

// rotate replaces the relayers whose time has come. Prunes end with them.
func (m *mesh) rotate(now uint64, pick func() int32) {
	for _, group := range m.groups {
		for _, e := range group {
			if now >= e.ends {
				m.renew(e, pick)
				e.ends += edgeLife
			}
		}
	}
}

// renew gives an edge a relayer that has no other edge, if pick finds one.
func (m *mesh) renew(e *edge, pick func() int32) {
	for range 16 {
		if e.relayer = pick(); !m.relays(e.relayer, e) {
			break
		}
	}
	e.latency = 20 + m.random.Uint64N(150)
	clear(e.pruned)
}

// relays reports whether a node has an edge other than one.
func (m *mesh) relays(node int32, but *edge) bool {
	for _, group := range m.groups {
		if slices.ContainsFunc(group, func(e *edge) bool { return e != but && e.relayer == node }) {
			return true
		}
	}
	return false
}

// from are the edges that relay what comes from an origin, the pruned too.
func (m *mesh) from(origin int32) []*edge { return m.groups[origin%meshGroups] }

// prune ends what a relayer pushes from some origins. It says how many it did not
// push.
func (m *mesh) prune(relayer int32, origins []wire.Pubkey, index map[wire.Pubkey]int32) (needless int) {
	for _, key := range origins {
		origin, ok := index[key]
		if !ok {
			needless++
			continue
		}
		at := slices.IndexFunc(m.from(origin), func(e *edge) bool { return e.relayer == relayer && !e.pruned[origin] })
		if at < 0 {
			needless++
			continue
		}
		m.from(origin)[at].pruned[origin] = true
	}
	return needless
}
