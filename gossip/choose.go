package gossip

import (
	"net/netip"

	"solsnap/gossip/wire"
)

// door is an entrypoint, whose key we do not know until it is in the table.
type door struct {
	addr  netip.AddrPort
	asked uint64
}

// setDoors replaces the entrypoints.
func (e *engine) setDoors(addrs []netip.AddrPort) {
	doors := make([]door, 0, len(addrs))
	for _, addr := range addrs {
		d := door{addr: addr}
		for _, old := range e.doors {
			if old.addr == addr {
				d = old
			}
		}
		doors = append(doors, d)
	}
	e.doors = doors
}

func (e *engine) isDoor(addr netip.AddrPort) bool {
	for _, d := range e.doors {
		if d.addr == addr {
			return true
		}
	}
	return false
}

// candidates are the nodes to push to and to pull from: of our cluster, heard of
// lately, and shown to be where they say; of those at one address the one with
// the most stake (gossip/src/crds_gossip.rs, get_gossip_nodes, and
// cluster_info.rs, maybe_ping_gossip_addresses).
func (e *engine) candidates(now uint64) []candidate {
	nodes := e.table.Stats().Values[wire.KindContactInfo]
	list, at := make([]candidate, 0, nodes), make(map[netip.AddrPort]int, nodes)
	for node := range e.table.Nodes() {
		addr, ok := e.reachable(node.Info, node.Received, now)
		if !ok {
			continue
		}
		c := candidate{pubkey: node.Info.Pubkey, stake: e.stakes.of(node.Info.Pubkey)}
		if i, taken := at[addr]; !taken {
			at[addr] = len(list)
			list = append(list, c)
		} else if c.stake > list[i].stake {
			list[i] = c
		}
	}
	return list
}

func (e *engine) reachable(info *wire.ContactInfo, received, now uint64) (netip.AddrPort, bool) {
	if info.Pubkey == e.self || info.ShredVersion != e.shredVersion || !e.lively(info.Pubkey, received, now) {
		return netip.AddrPort{}, false
	}
	addr := allowedSocket(info, wire.SocketGossip, e.allowPrivate)
	return addr, addr.IsValid() && addr != e.gossip && e.gate(info.Pubkey, addr, now)
}

// lively lets one in sixteen staked nodes through that have been silent: after a
// partition somebody has to begin.
func (e *engine) lively(node wire.Pubkey, received, now uint64) bool {
	const chance = 16
	return e.recent(received, now) || e.stakes.of(node) > 0 && e.random.Uint64N(chance) == 0
}

// recent reports whether something was received lately, and not by a clock that was
// ahead.
func (e *engine) recent(received, now uint64) bool {
	return received+millis(e.limits.PeerActive) > now && received <= now+clockStep
}

// address is where to send to a node of the table.
func (e *engine) address(node wire.Pubkey) netip.AddrPort {
	n, ok := e.table.ContactInfo(node)
	if !ok {
		return netip.AddrPort{}
	}
	return allowedSocket(n.Info, wire.SocketGossip, e.allowPrivate)
}
