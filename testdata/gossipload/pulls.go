//go:build linux

package main

import (
	"solsnap/gossip/wire"
)

// lacking is the share of the table that a peer has not got when it pulls: what
// is on its way to it.
const lacking = 0.01

// filters are pull filters of what peers have, each for one request. Making them
// takes a pass over the table, so that they are made by the set.
type filters struct {
	left []wire.CrdsFilter
	owed float64 // requests
}

// pullAtRate has peers ask the node under test for what they have not got.
func (l *loop) pullAtRate(elapsed uint64) {
	if len(l.seen) == 0 {
		return
	}
	l.filters.owed += l.pulls * float64(elapsed) / 1000
	for ; l.filters.owed >= 1; l.filters.owed-- {
		l.pull(l.anyPeer())
	}
}

func (l *loop) pull(i int32) {
	n := &l.cluster.nodes[i]
	caller, err := wire.Sign(n.key, n.contactInfo(l.now))
	if err != nil {
		l.fail(err)
		return
	}
	filter, err := l.nextFilter()
	if err != nil {
		l.fail(err)
		return
	}
	l.post(i, &wire.PullRequest{Filter: filter, Caller: caller.Value()})
}

// nextFilter is one that no request has had.
func (l *loop) nextFilter() (wire.CrdsFilter, error) {
	if len(l.filters.left) == 0 {
		if err := l.makeFilters(); err != nil {
			return wire.CrdsFilter{}, err
		}
	}
	f := l.filters.left[0]
	l.filters.left = l.filters.left[1:]
	return f, nil
}

// makeFilters covers an eighth of the table.
func (l *loop) makeFilters() error {
	const largestInfo = 256 // bytes, as in the mix
	set, err := wire.NewFilterSet(len(l.table.entries), wire.MaxPacket-4-largestInfo, wire.PullShare, wire.MaxFilters, l.random.Uint64)
	if err != nil {
		return err
	}
	for at := range l.table.entries {
		if l.random.Float64() >= lacking {
			set.Add(l.table.entries[at].hash)
		}
	}
	l.filters.left = set.Filters()
	return nil
}
