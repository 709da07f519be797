package discovery

import (
	"fmt"
	"strconv"
	"strings"

	"solsnap/gossip/wire"
)

// EventKind is what happened.
type EventKind uint8

const (
	// PeerDiscovered is a peer that was not in the catalog.
	PeerDiscovered EventKind = iota + 1
	// PeerUpdated is one that says something else, or says it again.
	PeerUpdated
	// PeerDeparted is one that left, was removed or was not heard of for too long.
	// Entry is the last that it said.
	PeerDeparted
	// PeerHidden and PeerShown is a peer that got too far away, or near enough.
	PeerHidden
	// PeerShown is the opposite of PeerHidden.
	PeerShown
	// SecondInstance is an entry signed with our own key that we did not make: another
	// process runs with it.
	SecondInstance
	// Lagged says that a subscriber was too slow, and how many events it Lost. It must
	// read the catalog again.
	Lagged
)

var eventNames = [...]string{"none", "discovered", "updated", "departed", "hidden", "shown", "second-instance", "lagged"}

// String is for logs, and for the event field of server-sent events.
func (k EventKind) String() string {
	if int(k) >= len(eventNames) {
		return "unknown"
	}
	return eventNames[k]
}

// Event is a change of the catalog, which has it already.
type Event struct {
	ID   EventID
	Kind EventKind
	Peer wire.Pubkey
	// Entry must not be modified. It is nil when Lagged.
	Entry  *Entry
	Source Source
	// Lost is how many events there were that are gone, when Lagged.
	Lost uint64
}

// EventID names an event: the start of the process that had it, and its number
// there, from 1.
type EventID struct {
	Run, Number uint64
}

// String is what ParseEventID reads.
func (id EventID) String() string { return fmt.Sprintf("%d-%d", id.Run, id.Number) }

// ParseEventID reads the Last-Event-ID of a reader that comes back.
func ParseEventID(s string) (EventID, error) {
	run, number, _ := strings.Cut(s, "-")
	var id EventID
	var err error
	if id.Run, err = strconv.ParseUint(run, 10, 64); err == nil {
		id.Number, err = strconv.ParseUint(number, 10, 64)
	}
	if err != nil || id.String() != s {
		return EventID{}, fmt.Errorf("event id %.50q, want RUN-NUMBER", s)
	}
	return id, nil
}
