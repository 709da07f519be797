package gossip

import (
	"net/netip"
	"time"

	"solsnap/gossip/wire"
)

// Snapshots are what a node serves: an archive of everything, and at most one
// of what changed since. The hashes are those in the archives' file names.
type Snapshots struct {
	Full wire.SlotHash
	// Incremental has Full as its base. It is nil when there is none.
	Incremental *wire.SlotHash
}

// Slot is that of the state which the snapshots restore.
func (s *Snapshots) Slot() uint64 {
	if s.Incremental != nil {
		return s.Incremental.Slot
	}
	return s.Full.Slot
}

// Equal reports whether both name the same archives; two nils do.
func (s *Snapshots) Equal(other *Snapshots) bool {
	if s == nil || other == nil {
		return s == other
	}
	if s.Full != other.Full || (s.Incremental == nil) != (other.Incremental == nil) {
		return false
	}
	return s.Incremental == nil || *s.Incremental == *other.Incremental
}

// Peer is a node of the cluster by its own account: it signed what is said here,
// and answered a ping at its gossip address. Nothing proves that it has the
// archives it names.
type Peer struct {
	Pubkey wire.Pubkey
	// Info is the whole of its contact info. It must not be modified.
	Info *wire.ContactInfo
	// Gossip and RPC are invalid when the node does not name a place, or one that
	// is not allowed, see Config.AllowPrivate.
	Gossip, RPC netip.AddrPort
	// Snapshots is nil when the node announces none. It must not be modified.
	Snapshots *Snapshots
	// Announced is the wallclock of the Snapshots: the node's time.
	Announced time.Time
	// Seen is when we last received the contact info: our time.
	Seen time.Time
	// RTT is of the last ping over UDP, at least 1 ms.
	RTT time.Duration
}

// Socket is where the node says it can be reached for a purpose, if that is a
// place that may be used.
func (p *Peer) Socket(key wire.SocketKey, allowPrivate bool) netip.AddrPort {
	return allowedSocket(p.Info, key, allowPrivate)
}

// allowedSocket is invalid where there is no place to go to.
func allowedSocket(info *wire.ContactInfo, key wire.SocketKey, allowPrivate bool) netip.AddrPort {
	addr, ok := info.Socket(key)
	if !ok || !allowedAddr(addr, allowPrivate) {
		return netip.AddrPort{}
	}
	return addr
}

// allowedAddr reports whether datagrams may go to an address (Agave
// streamer/src/socket.rs, SocketAddrSpace). Private and loopback addresses are
// for clusters of one's own: on the internet they would be somebody's attempt to
// make us talk to our neighbours.
func allowedAddr(addr netip.AddrPort, allowPrivate bool) bool {
	ip := addr.Addr()
	if addr.Port() == 0 || !ip.Is4() || ip.IsUnspecified() || ip.IsMulticast() {
		return false
	}
	return allowPrivate || !ip.IsPrivate() && !ip.IsLoopback()
}
