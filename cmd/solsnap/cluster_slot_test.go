package main

import (
	"fmt"
	"net/netip"
	"testing"

	"solsnap/gossip"
	"solsnap/gossip/wire"
	"solsnap/snapshot"
)

// announcer is a peer at HOST:PORT that announces a full archive at the slot.
func announcer(key byte, place string, slot uint64) gossip.Peer {
	return gossip.Peer{
		Pubkey: wire.Pubkey{key}, Gossip: netip.MustParseAddrPort(place), Info: new(wire.ContactInfo),
		Snapshots: &gossip.Snapshots{Full: wire.SlotHash{Slot: slot}},
	}
}

func TestClusterSlot(t *testing.T) {
	crowd := func(n int, slot uint64) (peers []gossip.Peer) {
		for i := range n {
			peers = append(peers, announcer(byte(i), fmt.Sprintf("203.0.113.%d:8001", i), slot))
		}
		return peers
	}
	swarm := func(n int, place string, slot uint64) (peers []gossip.Peer) {
		for i := range n {
			peers = append(peers, announcer(byte(100+i), fmt.Sprintf("%s:%d", place, 8000+i), slot))
		}
		return peers
	}
	known := []wire.Pubkey{{100}, {200}}
	silent := announcer(1, "203.0.113.1:8001", 0)
	silent.Snapshots = nil
	for name, tt := range map[string]struct {
		peers []gossip.Peer
		known []wire.Pubkey
		want  uint64 // 0: unknown
	}{
		"nobody":                          {nil, nil, 0},
		"one cannot be believed":          {crowd(1, 500), nil, 0},
		"two agree":                       {crowd(2, 500), nil, 500},
		"the lower of two":                {append(crowd(1, 500), announcer(9, "203.0.113.9:1", 900)), nil, 500},
		"one liar among many":             {append(crowd(50, 500), swarm(1, "198.51.100.1", 1e12)...), nil, 500},
		"one liar with many identities":   {append(crowd(3, 500), swarm(50, "198.51.100.1", 1e12)...), nil, 500},
		"a tenth of the addresses":        {append(crowd(6, 900), crowd(60, 500)[6:]...), nil, 900},
		"less than a tenth":               {append(crowd(6, 900), crowd(61, 500)[6:]...), nil, 500},
		"who announces nothing has none":  {[]gossip.Peer{silent, announcer(2, "203.0.113.2:1", 500)}, nil, 0},
		"nodes of one host, in a private": {swarm(2, "127.0.0.1", 500), nil, 500},
		"a known validator alone":         {append(crowd(20, 500), swarm(1, "198.51.100.1", 700)...), known, 700},
		"no known validator announces":    {crowd(20, 500), known, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := clusterSlot(tt.peers, tt.known)
			if tt.want == 0 && got != nil || tt.want != 0 && (got == nil || *got != snapshot.Slot(tt.want)) {
				t.Errorf("slot is %v, want %d", got, tt.want)
			}
		})
	}
}

// TestClusterSlotOfIncrementals: the slot is that of the state, not of the base.
func TestClusterSlotOfIncrementals(t *testing.T) {
	a, b := announcer(1, "203.0.113.1:1", 100), announcer(2, "203.0.113.2:1", 100)
	a.Snapshots.Incremental = &wire.SlotHash{Slot: 180}
	b.Snapshots.Incremental = &wire.SlotHash{Slot: 170}
	if got := clusterSlot([]gossip.Peer{a, b}, nil); got == nil || *got != 170 {
		t.Errorf("slot is %v, want 170", got)
	}
}
