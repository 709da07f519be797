package main

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"solsnap/gossip"
	"solsnap/gossip/wire"
	"solsnap/rpc"
)

// inACluster is a node with two peers, one of which is of another cluster.
func inACluster(t *testing.T) (*node, *fakeNode) {
	t.Helper()
	f := newFakes(t)
	fake, _ := f.last()
	fake.status = gossip.Status{
		Joined: true, ShredVersion: 50093, Gossip: netip.MustParseAddrPort("203.0.113.9:8001"),
		Snapshots: &gossip.Snapshots{Full: wire.SlotHash{Slot: 7}}, Peers: 2, Ponged: 1, Returned: 1,
	}
	whole := announcer(1, "203.0.113.1:8001", 100)
	whole.Info = &wire.ContactInfo{ShredVersion: 50093, Version: wire.Version{Major: 4, Minor: 1, Client: 3, FeatureSet: 5}}
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(whole.Gossip.Addr(), port) }
	if err := whole.Info.SetSockets(map[wire.SocketKey]netip.AddrPort{
		wire.SocketRPCPubsub: at(1), wire.SocketServeRepair: at(2), wire.SocketTVU: at(3), wire.SocketTPUForwardsQUIC: at(4),
		wire.SocketTPUQUIC: at(5), wire.SocketTPUVote: netip.MustParseAddrPort("10.0.0.1:6"), wire.SocketTPU: at(7),
	}); err != nil {
		t.Fatal(err)
	}
	fake.peers = func() []gossip.Peer { return []gossip.Peer{whole, announcer(2, "203.0.113.2:8001", 100)} }
	return &node{identity: identity{testKey()}, gossiping: gossiping{gossip: f.gossiper}}, fake
}

// TestClusterNodesOfGossip: every socket is in its place, but for private ones.
func TestClusterNodesOfGossip(t *testing.T) {
	n, _ := inACluster(t)
	at := func(port uint16) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, 1}), port)
	}
	own := ownVersion(readBuildInfo())
	want := []rpc.ClusterNode{
		{
			Pubkey: wire.Pubkey{}.String(), Gossip: netip.MustParseAddrPort("203.0.113.9:8001"), ShredVersion: 50093,
			Version: own.String(), ClientID: "Unknown(29550)", FeatureSet: agaveFeatureSet,
		}, {
			Pubkey: wire.Pubkey{1}.String(), Gossip: at(8001), Pubsub: at(1), ServeRepair: at(2), TVU: at(3),
			TPUForwardsQUIC: at(4), TPUQUIC: at(5), ShredVersion: 50093, Version: "4.1.0", ClientID: "Agave", FeatureSet: 5,
		},
	}
	if diff := cmp.Diff(want, n.clusterNodes(), compareConfigs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGossipStatusCounts what has been, by the words of the protocol.
func TestGossipStatusCounts(t *testing.T) {
	n, fake := inACluster(t)
	fake.stats.PacketsIn[wire.ProtocolPing][gossip.Accepted] = 3
	fake.stats.PacketsOut[wire.ProtocolPong] = 2
	fake.stats.ValuesIn[wire.KindVote][gossip.Unwanted] = 4
	fake.stats.Table.Values[wire.KindContactInfo] = 5
	g := n.gossipStatus()
	if g.Packets["PingMessage"]["accepted"] != 3 || len(g.Packets) != 1 || g.Sent["PongMessage"] != 2 ||
		g.Values["Vote"]["unwanted"] != 4 || g.Table["ContactInfo"] != 5 {
		t.Errorf("counts %+v", g)
	}
	if g.Pubkey != n.identity.Pubkey() || !g.Visible || g.Snapshots.Full.Slot != 7 || g.Snapshots.Incremental != nil || len(g.Peers) != 2 ||
		g.Peers[0].Version != "4.1.0" || g.Peers[0].Client != "Agave" || g.Peers[0].Snapshots.Full.Slot != 100 {
		t.Errorf("got %+v", g)
	}
}

func TestGossipMetrics(t *testing.T) {
	n, fake := inACluster(t)
	fake.stats.PacketsIn[wire.ProtocolPing][gossip.Limited] = 3
	fake.stats.ValuesIn[wire.KindVote][gossip.Unwanted] = 4
	fake.stats.Overflowed, fake.stats.BytesIn = 5, 6
	fake.stats.Table.Refused = 7
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(gossipMetrics{n})
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	page := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := page.Body.String()
	for _, line := range []string{
		`solsnap_gossip_packets_total{message="PingMessage",verdict="limited"} 3`,
		`solsnap_gossip_packets_total{message="PullRequest",verdict="accepted"} 0`,
		`solsnap_gossip_values_total{kind="Vote",verdict="unwanted"} 4`,
		`solsnap_gossip_dropped_packets_total{reason="overflowed"} 5`,
		`solsnap_gossip_received_bytes_total 6`,
		`solsnap_gossip_table_hashes{why="refused"} 7`,
		`solsnap_gossip_info{mode="light",shred_version="50093"} 1`,
		`solsnap_gossip_visible 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
}
