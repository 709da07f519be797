package discovery

import (
	"container/heap"
	"time"

	"solsnap/gossip/wire"
)

// agenda is what is to be done with which peer, and when: once for each.
type agenda struct {
	due  []appointment
	byID map[wire.Pubkey]int // where in due
}

type appointment struct {
	peer wire.Pubkey
	at   time.Time
}

// set makes or moves an appointment.
func (a *agenda) set(peer wire.Pubkey, at time.Time) {
	if a.byID == nil {
		a.byID = make(map[wire.Pubkey]int)
	}
	if i, ok := a.byID[peer]; ok {
		a.due[i].at = at
		heap.Fix((*byTime)(a), i)
		return
	}
	heap.Push((*byTime)(a), appointment{peer, at})
}

func (a *agenda) remove(peer wire.Pubkey) {
	if i, ok := a.byID[peer]; ok {
		heap.Remove((*byTime)(a), i)
	}
}

// next is when the first appointment is.
func (a *agenda) next() (at time.Time, ok bool) {
	if len(a.due) == 0 {
		return at, false
	}
	return a.due[0].at, true
}

// take takes the first appointment, if its time has come.
func (a *agenda) take(now time.Time) (peer wire.Pubkey, ok bool) {
	if at, some := a.next(); !some || at.After(now) {
		return peer, false
	}
	return heap.Pop((*byTime)(a)).(appointment).peer, true
}

// byTime is the agenda for package heap.
type byTime agenda

func (a *byTime) Len() int           { return len(a.due) }
func (a *byTime) Less(i, j int) bool { return a.due[i].at.Before(a.due[j].at) }

func (a *byTime) Swap(i, j int) {
	a.due[i], a.due[j] = a.due[j], a.due[i]
	a.byID[a.due[i].peer], a.byID[a.due[j].peer] = i, j
}

func (a *byTime) Push(x any) {
	p := x.(appointment)
	a.byID[p.peer] = len(a.due)
	a.due = append(a.due, p)
}

func (a *byTime) Pop() any {
	last := a.due[len(a.due)-1]
	a.due = a.due[:len(a.due)-1]
	delete(a.byID, last.peer)
	return last
}
