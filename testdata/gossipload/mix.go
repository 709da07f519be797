//go:build linux

package main

import (
	"errors"
	"fmt"

	"solsnap/gossip/wire"
)

// What a voter and a node do on mainnet-beta in 2026 (Agave gossip/src/
// cluster_info.rs and crds_data.rs, and counts taken there).
const (
	votesEach      = 12  // MAX_VOTES
	votesPerSecond = 2.5 // one a slot
	refreshSeconds = 7.5 // between two ContactInfos of a node
	intervalSlots  = 100 // between two incremental snapshots
	slotMillis     = 400
	maxEpochSlots  = 255
	// epochSlotsDwell is how often a voter replaces one EpochSlots before it goes
	// on to the next.
	epochSlotsDwell = 60
)

// population is the size of a cluster.
type population struct {
	nodes, voters int
	values        int     // in the table
	rate          float64 // new values a second
}

// servers is how many nodes serve snapshots: those after the voters.
func (p population) servers() int { return p.nodes / 4 }

// mainnet is what the published figures of 2025 and 2026 add up to.
var mainnet = population{nodes: 6000, voters: 1300, values: 350_000, rate: 12_000}

// part is all values of one kind. Every owner has the same number of them, and
// makes new ones at the same rate, each of which replaces its oldest.
type part struct {
	kind      wire.Kind
	firstNode int // the owners are consecutive
	owners    int
	each      int     // values of an owner
	dwell     int     // how often a value is replaced before it is the next one's turn
	rate      float64 // new values a second, of all owners
	room      int     // bytes that the largest value takes
	first     int     // where the part begins in the table
}

// period is the time in seconds between two new values of an owner.
func (p *part) period() float64 { return float64(p.owners) / p.rate }

// slot is where the table has a value of an owner, who is the nth of them.
func (p *part) slot(owner, index int) int32 { return int32(p.first + owner*p.each + index) }

// mix is what a table of a cluster has in it, and what becomes of it. The voters
// are the first nodes, those that serve snapshots follow, and then spies.
type mix []part

func newMix(p population) (mix, error) {
	if p.voters < 10 || p.nodes < 2*p.voters {
		return nil, fmt.Errorf("%d nodes, %d of them voters: want at least 10 voters, and as many others", p.nodes, p.voters)
	}
	nodes, voters := float64(p.nodes), float64(p.voters)
	m := mix{
		{kind: wire.KindDuplicateShred, owners: p.voters / 10, each: 3, rate: voters / 200, room: 1024},
		{kind: wire.KindLowestSlot, owners: p.voters / 4, each: 1, rate: voters / 240, room: 144},
		{kind: wire.KindSnapshotHashes, firstNode: p.voters, owners: p.servers(), each: 1, rate: float64(p.servers()) * 1000 / slotMillis / intervalSlots, room: 200},
		{kind: wire.KindVote, owners: p.voters, each: votesEach, rate: voters * votesPerSecond, room: 512},
		{kind: wire.KindContactInfo, owners: p.nodes, each: 1, rate: nodes / refreshSeconds, room: 256},
	}
	return m.withEpochSlots(p)
}

// withEpochSlots fills table and rate up with EpochSlots, which are their bulk.
// They come first, so that what ages fastest is signed last.
func (m mix) withEpochSlots(p population) (mix, error) {
	epochSlots := part{kind: wire.KindEpochSlots, owners: p.voters, dwell: epochSlotsDwell, rate: p.rate, room: 960}
	left := p.values
	for _, other := range m {
		left -= other.owners * other.each
		epochSlots.rate -= other.rate
	}
	epochSlots.each = left / p.voters
	if epochSlots.each < 1 || epochSlots.each > maxEpochSlots {
		return nil, fmt.Errorf("%d values leave %d EpochSlots to each voter, want 1 to %d", p.values, epochSlots.each, maxEpochSlots)
	}
	if epochSlots.rate <= 0 {
		return nil, errors.New("what others make anew leaves no rate to EpochSlots; want more values a second")
	}
	return append(mix{epochSlots}, m...).placed(), nil
}

// placed gives every part its place in the table.
func (m mix) placed() mix {
	first := 0
	for i := range m {
		m[i].first = first
		m[i].dwell = max(m[i].dwell, 1)
		first += m[i].owners * m[i].each
	}
	return m
}

// size is how many values the table has.
func (m mix) size() int {
	last := m[len(m)-1]
	return last.first + last.owners*last.each
}
