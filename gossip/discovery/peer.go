package discovery

import "time"

// Source is where an entry comes from.
type Source uint8

const (
	// Fleet entries are signed by their peers.
	Fleet Source = iota
	// Gossip entries are what nodes of the cluster announce.
	Gossip
	// Origin entries are servers named in the configuration.
	Origin
)

var sourceNames = [...]string{"fleet", "gossip", "origin"}

// String is for logs and people.
func (s Source) String() string {
	if int(s) >= len(sourceNames) {
		return "unknown"
	}
	return sourceNames[s]
}

// path is over what round trips to a peer of this source are measured.
func (s Source) path() Path {
	if s == Gossip {
		return OverUDP
	}
	return OverHTTP
}

// Peer is an entry of a catalog. It must not be modified.
type Peer struct {
	Entry  *Entry
	Source Source
	// Signed is zero for other sources than Fleet.
	Signed SignedEntry
	// RTT is smoothed, and 0 while unknown.
	RTT time.Duration
	// Speed is at what downloads from the peer come, in bytes per second: smoothed as
	// SampleSpeed has it, and 0 while unknown.
	Speed uint64
}

// RTTBelow reports whether the round-trip time is below a limit, as it is taken to
// be while it is unknown.
func (p *Peer) RTTBelow(limit time.Duration) bool { return p.RTT == 0 || p.RTT < limit }
