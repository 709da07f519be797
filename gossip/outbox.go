package gossip

import (
	"net/netip"

	"solsnap/gossip/wire"
)

// outbox collects what is to be sent. Its memory is used again once it has been
// emptied.
type outbox struct {
	allowPrivate bool
	packets      []packet
	arena        []byte
	sent         [protocols]uint64
	bytes        uint64
}

// add encodes a message for an address. One that is not allowed gets nothing,
// whatever led there.
func (o *outbox) add(to netip.AddrPort, m wire.Message) {
	if !allowedAddr(to, o.allowPrivate) {
		return
	}
	start := len(o.arena)
	arena, err := wire.Append(o.arena, m)
	if err != nil || len(arena)-start > wire.MaxPacket {
		return // our own messages are within the rules; a value of others that is not, is theirs to lose
	}
	o.arena = arena
	o.put(to, m.Protocol(), arena[start:len(arena):len(arena)])
}

func (o *outbox) put(to netip.AddrPort, protocol wire.Protocol, data []byte) {
	o.packets = append(o.packets, packet{addr: to, data: data})
	o.sent[protocol]++
	o.bytes += uint64(len(data))
}

// empty forgets what was added. The packets must have been sent.
func (o *outbox) empty() { o.packets, o.arena = o.packets[:0], o.arena[:0] }
