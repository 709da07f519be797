package gossip

import (
	"net/netip"
	"testing"

	"solsnap/gossip/wire"
)

// TestTrimSparesKnownValidatorsAndEntrypoints: of too many nodes those without
// stake go first, but not whom the operator has named (gossip-wire §7.7).
func TestTrimSparesKnownValidatorsAndEntrypoints(t *testing.T) {
	const most, nodes = 10, 40
	n := newNetwork(t, 1)
	m := n.join(Light, Limits{Pubkeys: most, PingRate: nodes})
	var others []*member
	for range nodes {
		other := n.add(Light, Limits{})
		other.enter(n)
		m.meet(other, n.clock)
		others = append(others, other)
	}
	known, entrypoint := others[0], others[1]
	m.known = []wire.Pubkey{known.self}
	m.setDoors([]netip.AddrPort{entrypoint.addr})
	for _, other := range others {
		v, _ := other.sign(other.contactInfo(n.clock))
		m.receive(packets(t, other.addr, &wire.Push{Values: []wire.Value{v.Value()}}), n.clock)
		m.round(n.clock)
	}
	if got := m.table.Stats().Pubkeys; got > most*11/10 {
		t.Errorf("%d nodes are kept, want at most a tenth more than %d", got, most)
	}
	same(t, "the known validator is kept", m.table.Has(known.self), true)
	same(t, "the entrypoint is kept", m.table.Has(entrypoint.self), true)
	same(t, "we are kept", m.table.Has(m.self), true)
}
