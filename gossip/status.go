package gossip

import (
	"net/netip"

	"solsnap/gossip/wire"
)

// Status is how a Node is doing. It is a copy.
type Status struct {
	Pubkey       wire.Pubkey
	Mode         Mode
	ShredVersion uint16 // 0 while unknown
	// Gossip is the address that is advertised; invalid while unknown. RPC is
	// invalid while none is advertised.
	Gossip, RPC netip.AddrPort
	// Joined tells that the own address and the shred version are known, and the
	// Node takes part.
	Joined bool
	// Snapshots are those that are announced; nil for none.
	Snapshots *Snapshots
	// Peers is of how many nodes we have the contact info, Ponged how many of them
	// were heard of lately and answer our pings, see Node.Peers.
	Peers, Ponged int
	// Returned is from how many addresses our own contact info came back in the last
	// minute, mostly from nodes that were asked for what they have: those that would
	// tell others of us.
	Returned int
}

// Visible reports whether others know us, and so whether a joining node can find
// us.
func (s Status) Visible() bool { return s.Returned > 0 }
