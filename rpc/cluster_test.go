package rpc

import (
	"encoding/json"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// wholeNode names everything.
func wholeNode() ClusterNode {
	at := func(port uint16) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, 7}), port)
	}
	return ClusterNode{
		Pubkey: "SoLid11111111111111111111111111111111111111", ShredVersion: 50093, Version: "4.1.0", ClientID: "Agave", FeatureSet: 3345198602,
		Gossip: at(8001), RPC: at(8899), Pubsub: at(8900), ServeRepair: at(8002), TVU: at(8003),
		TPUForwardsQUIC: at(8004), TPUQUIC: at(8005), TPUVote: at(8006),
	}
}

// TestConformanceClusterNodes holds the answers byte by byte.
func TestConformanceClusterNodes(t *testing.T) {
	const ask = `{"jsonrpc":"2.0","id":1,"method":"getClusterNodes","params":null}`
	for name, c := range map[string]struct {
		nodes []ClusterNode
		want  string
	}{
		"nobody": {nil, `[]`},
		"a validator": {[]ClusterNode{wholeNode()}, `[{"clientId":"Agave","featureSet":3345198602,"gossip":"203.0.113.7:8001",` +
			`"pubkey":"SoLid11111111111111111111111111111111111111","pubsub":"203.0.113.7:8900","rpc":"203.0.113.7:8899",` +
			`"serveRepair":"203.0.113.7:8002","shredVersion":50093,"tpu":null,"tpuForwards":null,"tpuForwardsQuic":"203.0.113.7:8004",` +
			`"tpuQuic":"203.0.113.7:8005","tpuVote":"203.0.113.7:8006","tvu":"203.0.113.7:8003","version":"4.1.0"}]`},
		"who names nothing": {[]ClusterNode{{Pubkey: "1", Version: "0.0.0", ClientID: "SolanaLabs"}}, `[{"clientId":"SolanaLabs","featureSet":0,"gossip":null,` +
			`"pubkey":"1","pubsub":null,"rpc":null,"serveRepair":null,"shredVersion":0,"tpu":null,"tpuForwards":null,"tpuForwardsQuic":null,` +
			`"tpuQuic":null,"tpuVote":null,"tvu":null,"version":"0.0.0"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, Config{}, node(), NewClusterMethods(func() []ClusterNode { return c.nodes }))
			expect(t, url, ask, `{"jsonrpc":"2.0","result":`+c.want+`,"id":1}`)
		})
	}
	url := serve(t, Config{}, NewClusterMethods(func() []ClusterNode { return nil }))
	expect(t, url, `{"jsonrpc":"2.0","id":1,"method":"getClusterNodes","params":[1]}`,
		`{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid parameters: No parameters were expected","data":"Array([Number(1)])"},"id":1}`)
}

// TestClusterNodesAreCountedOnceASecond, however many ask.
func TestClusterNodesAreCountedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := 0
		methods := NewClusterMethods(func() []ClusterNode { counted++; return make([]ClusterNode, counted) })
		ask := func() int {
			var result any
			if err := methods.GetClusterNodes(nil, &Params{}, &result); err != nil {
				t.Fatal(err)
			}
			var list []any
			if err := json.Unmarshal(result.(json.RawMessage), &list); err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		for range 3 {
			if got := ask(); got != 1 {
				t.Errorf("%d nodes, want those of the first time", got)
			}
		}
		time.Sleep(clusterNodesAge)
		if got := ask(); got != 2 {
			t.Errorf("%d nodes after a second, want those of now", got)
		}
	})
}
