//go:build linux

package main

import (
	"cmp"
	"slices"

	"solsnap/gossip/wire"
)

// How a node answers pull requests (Agave gossip/src/crds_gossip_pull.rs and
// cluster_info.rs, update_data_budget). Times are in ms.
const (
	pullJitter      = 3750
	budgetPerStaked = 1024
	budgetEvery     = 100
	budgetBurst     = 5 // in times of what budgetEvery adds
	oldestScore     = 172_800_000
)

// budget is how many bytes of pull responses a node may send.
type budget struct {
	left   uint64
	filled uint64 // when
}

// fill adds what the time since the last one gives.
func (b *budget) fill(now uint64, staked int) {
	each := uint64(budgetPerStaked * max(staked, 2))
	intervals := (now - b.filled) / budgetEvery
	b.left = min(b.left+each*min(intervals, budgetBurst), each*budgetBurst)
	b.filled += intervals * budgetEvery
}

// take reports whether there is as much left, and if so takes it.
func (b *budget) take(bytes int) bool {
	if b.left < uint64(bytes) {
		return false
	}
	b.left -= uint64(bytes)
	return true
}

// answers are pull responses that are on their way. All share the line to the
// node under test, and what does not fit into it is lost: a node that joins asks
// for the table several times over within a second.
type answers struct {
	queue []pack
	bytes int     // in the queue
	owed  float64 // bytes
}

// lineSeconds is how much of the line's time may be in the queue.
const lineSeconds = 0.2

// add reports whether there was room.
func (a *answers) add(p pack, line float64) bool {
	if float64(a.bytes+p.size) > line*lineSeconds {
		return false
	}
	a.queue = append(a.queue, p)
	a.bytes += p.size
	return true
}

// next is the first of the queue, if the line has time for it.
func (a *answers) next() (p pack, ok bool) {
	if len(a.queue) == 0 {
		a.owed = min(a.owed, 0)
		return pack{}, false
	}
	p = a.queue[0]
	if a.owed < float64(p.size) {
		return pack{}, false
	}
	a.queue = a.queue[1:]
	a.bytes -= p.size
	a.owed -= float64(p.size)
	return p, true
}

// answerAtRate sends what the line has time for.
func (l *loop) answerAtRate(elapsed uint64) {
	l.answers.owed += l.line * float64(elapsed) / 1000
	for {
		p, ok := l.answers.next()
		if !ok {
			return
		}
		var values [wire.MaxValues / 68][]byte
		for at, slot := range p.slots {
			values[at] = l.table.bytes(slot)
		}
		l.postValues(wire.ProtocolPullResponse, p.from, values[:len(p.slots)]...)
	}
}

// takePullRequest answers as a peer does.
func (l *loop) takePullRequest(i int32, m *wire.PullRequest) {
	if !l.meet(m.Caller.Origin()) || !l.verify(m.Caller) || !l.checkInfo(m.Caller) {
		return
	}
	if !l.gate(i) {
		l.counts.Gated++
		return
	}
	slots := l.table.missing(&m.Filter, m.Caller.Wallclock()+l.random.Uint64N(pullJitter))
	budget := &l.peers[i].budget
	budget.fill(l.now, l.cluster.of.voters)
	for _, p := range l.packed(slots) {
		if !budget.take(p.size) {
			return
		}
		p.from = i
		if !l.answers.add(p, l.line) {
			l.counts.Congested++
		}
	}
}

// pack is a packet of a pull response.
type pack struct {
	from  int32
	slots []int32 // that are sent as they are by then
	size  int     // bytes
	rank  float64
}

// packed puts values into packets in their order, and shuffles the packets: the
// young come first more often than the old, and ContactInfos than others.
func (l *loop) packed(slots []int32) []pack {
	var packs []pack
	for at, slot := range slots {
		size := int(l.table.entries[slot].size)
		if len(packs) == 0 || packs[len(packs)-1].size+size > wire.MaxPacket {
			packs = append(packs, pack{slots: slots[at:at], size: headSize})
		}
		last := &packs[len(packs)-1]
		last.slots = last.slots[:len(last.slots)+1]
		last.size += size
	}
	for at := range packs {
		packs[at].rank = exponential(1/l.score(packs[at].slots), l.random)
	}
	slices.SortFunc(packs, func(a, b pack) int { return cmp.Compare(a.rank, b.rank) })
	return packs
}

// score is the weight of a packet: that of its best value.
func (l *loop) score(slots []int32) float64 {
	best := uint64(1)
	for _, slot := range slots {
		e := &l.table.entries[slot]
		score := (oldestScore - min(oldestScore, l.now-min(e.when, l.now))) / window
		if int(e.node) < l.cluster.of.voters {
			score *= 2
		}
		if e.kind == wire.KindContactInfo {
			score *= 2
		}
		best = max(best, score)
	}
	return float64(best)
}
