package wire

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
)

// SocketKey says what a socket of a ContactInfo is for.
type SocketKey uint8

// The keys (Agave gossip/src/contact_info.rs). Others are legal, and ignored.
const (
	SocketGossip SocketKey = iota
	SocketServeRepairQUIC
	SocketRPC
	SocketRPCPubsub
	SocketServeRepair
	SocketTPU
	SocketTPUForwards
	SocketTPUForwardsQUIC
	SocketTPUQUIC
	SocketTPUVote
	SocketTVU
	SocketTVUQUIC
	SocketTPUVoteQUIC
	SocketAlpenglow
)

var socketNames = [...]string{
	"gossip", "serve_repair_quic", "rpc", "rpc_pubsub", "serve_repair", "tpu", "tpu_forwards", "tpu_forwards_quic",
	"tpu_quic", "tpu_vote", "tvu", "tvu_quic", "tpu_vote_quic", "alpenglow",
}

// String is Agave's name of the key.
func (k SocketKey) String() string {
	if int(k) < len(socketNames) {
		return socketNames[k]
	}
	return fmt.Sprintf("socket(%d)", uint8(k))
}

// Socket is where a node does one thing.
type Socket struct {
	Key  SocketKey
	Addr uint8 // index of the IP address among the Addrs
	Port uint16
}

// walk walks the socket behind one whose port is given. The wire has the
// difference.
func (s *Socket) walk(c *codec, before uint16) uint16 {
	if c.writing && s.Port < before {
		c.fail("offset", fmt.Errorf("port %d after %d, want them to rise", s.Port, before))
	}
	offset := s.Port - before
	c.uint8("key", (*uint8)(&s.Key))
	c.uint8("index", &s.Addr)
	c.varint16("offset", &offset)
	if port := uint32(before) + uint32(offset); port > math.MaxUint16 {
		c.fail("offset", fmt.Errorf("port %d, want at most %d", port, math.MaxUint16))
	}
	s.Port = before + offset
	return s.Port
}

// Socket is where the node says it can be reached for a purpose. It is false
// when it says nothing, or something that is no place: port 0, an unspecified or
// a multicast address. Private and loopback addresses are returned; whether to
// believe them is for the caller.
func (n *ContactInfo) Socket(key SocketKey) (netip.AddrPort, bool) {
	for _, s := range n.Sockets {
		if s.Key == key && int(s.Addr) < len(n.Addrs) {
			place := netip.AddrPortFrom(n.Addrs[s.Addr], s.Port)
			return place, reachable(place)
		}
	}
	return netip.AddrPort{}, false
}

func reachable(place netip.AddrPort) bool {
	addr := place.Addr()
	return place.Port() != 0 && addr.IsValid() && !addr.IsUnspecified() && !addr.IsMulticast()
}

// SetSockets replaces all sockets and addresses. It refuses those that count as
// absent.
func (n *ContactInfo) SetSockets(places map[SocketKey]netip.AddrPort) error {
	keys := slices.SortedFunc(maps.Keys(places), func(a, b SocketKey) int {
		return cmp.Or(cmp.Compare(places[a].Port(), places[b].Port()), cmp.Compare(a, b))
	})
	var addrs []netip.Addr
	var sockets []Socket
	for _, key := range keys {
		place := places[key]
		if !reachable(place) || !place.Addr().Is4() {
			return fmt.Errorf("%v socket at %v, want an IPv4 address and a port", key, place)
		}
		i := slices.Index(addrs, place.Addr())
		if i < 0 {
			i = len(addrs)
			addrs = append(addrs, place.Addr())
		}
		sockets = append(sockets, Socket{key, uint8(i), place.Port()})
	}
	n.Addrs, n.Sockets = addrs, sockets
	return nil
}
