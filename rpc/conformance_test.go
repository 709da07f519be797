package rpc

import (
	"net/http"
	"strings"
	"testing"

	"solsnap/snapshot"
)

// TestConformance holds answers that clients of Agave were written against,
// byte by byte.
func TestConformance(t *testing.T) {
	url := serve(t, Config{}, node())
	for name, c := range map[string][2]string{
		"Agave's first request": {
			`{"id":1,"jsonrpc":"2.0","method":"getVersion","params":null}`,
			`{"jsonrpc":"2.0","result":{"feature-set":3345198602,"solana-core":"4.1.0"},"id":1}`,
		},
		"genesis hash": {
			`{"id":2,"jsonrpc":"2.0","method":"getGenesisHash","params":null}`,
			`{"jsonrpc":"2.0","result":"11111111111111111111111111111112","id":2}`,
		},
		"Agave's getSlot": {
			`{"id":3,"jsonrpc":"2.0","method":"getSlot","params":[{"commitment":"finalized"}]}`,
			`{"jsonrpc":"2.0","result":150,"id":3}`,
		},
		"getSlot at any commitment": {
			`[{"id":1,"jsonrpc":"2.0","method":"getSlot","params":[{"commitment":"processed"}]},{"id":2,"jsonrpc":"2.0","method":"getSlot"}]`,
			`[{"jsonrpc":"2.0","result":150,"id":1},{"jsonrpc":"2.0","result":150,"id":2}]`,
		},
		"identity": {
			`{"jsonrpc":"2.0","id":1,"method":"getIdentity"}`,
			`{"jsonrpc":"2.0","result":{"identity":"SoLid11111111111111111111111111111111111111"},"id":1}`,
		},
		"notification": {`{"jsonrpc":"2.0","method":"getSlot"}`, ``},
		"unknown method": {
			`{"jsonrpc":"2.0","id":1,"method":"nope"}`,
			`{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}`,
		},
		"no version": {
			`{"id":1,"method":"getSlot"}`,
			`{"error":{"code":-32600,"message":"Unsupported JSON-RPC protocol version"},"id":1}`,
		},
		"empty batch": {`[]`, ``},
		"batch with a number": {
			`[{"jsonrpc":"2.0","id":1,"method":"getHealth"},1]`,
			`{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}`,
		},
		"minContextSlot too high": {
			`{"jsonrpc":"2.0","id":1,"method":"getSlot","params":[{"minContextSlot":18446744073709551615}]}`,
			`{"jsonrpc":"2.0","error":{"code":-32016,"message":"Minimum context slot has not been reached","data":{"contextSlot":150}},"id":1}`,
		},
		"minContextSlot reached": {
			`{"jsonrpc":"2.0","id":1,"method":"getSlot","params":[{"minContextSlot":150}]}`,
			`{"jsonrpc":"2.0","result":150,"id":1}`,
		},
		"highest snapshot slot": {
			`{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}`,
			`{"jsonrpc":"2.0","result":{"full":100,"incremental":150},"id":1}`,
		},
		"history": {
			`{"jsonrpc":"2.0","id":1,"method":"getBlock","params":[5]}`,
			`{"jsonrpc":"2.0","error":{"code":-32011,"message":"Transaction history is not available from this node"},"id":1}`,
		},
	} {
		t.Run(name, func(t *testing.T) { expect(t, url, c[0], c[1]) })
	}
}

// TestLiveMethods: what needs a validator is unknown here, as on a validator
// without --full-rpc-api, except for history.
func TestLiveMethods(t *testing.T) {
	url := serve(t, Config{}, node())
	local := map[string]bool{"getSlot": true}
	for _, method := range localMethods {
		local[method] = true
	}
	history := map[string]bool{}
	for _, method := range historyMethods {
		history[method] = true
	}
	for _, method := range KnownMethods {
		want := `"code":-32601,`
		switch {
		case local[method]:
			want = `"result":`
		case history[method]:
			want = `"code":-32011,`
		}
		if got := post(t, url, `{"jsonrpc":"2.0","id":1,"method":"`+method+`"}`); !strings.Contains(got.body, want) {
			t.Errorf("%s answers %s", method, got.body)
		}
	}
	if len(KnownMethods) != 52 {
		t.Errorf("%d known methods, Agave has 52", len(KnownMethods))
	}
}

func TestAnyPathAndHeaders(t *testing.T) {
	url := serve(t, Config{}, node())
	got := post(t, url+"/any/path", `{"id":1,"jsonrpc":"2.0","method":"getVersion","params":null}`)
	want := `{"jsonrpc":"2.0","result":{"feature-set":3345198602,"solana-core":"4.1.0"},"id":1}` + "\n"
	if got.status != http.StatusOK || got.body != want {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if got := got.header.Values("Content-Length"); len(got) != 1 || got[0] != "83" {
		t.Errorf("Content-Length is %v", got)
	}
}

// TestNodeWithoutArchives: a node that has just started.
func TestNodeWithoutArchives(t *testing.T) {
	methods := node()
	methods.Served = none
	methods.GenesisHash = func() (snapshot.Hash, bool) { return snapshot.Hash{}, false }
	methods.Health = func() snapshot.Health { return snapshot.Health{} }
	url := serve(t, Config{}, methods)
	const unhealthy = `{"jsonrpc":"2.0","error":{"code":-32005,"message":"Node is unhealthy","data":{"numSlotsBehind":null}},"id":1}`
	const noSnapshot = `{"jsonrpc":"2.0","error":{"code":-32008,"message":"No snapshot"},"id":1}`
	for method, want := range map[string]string{
		"getHealth":              unhealthy,
		"getGenesisHash":         unhealthy,
		"getHighestSnapshotSlot": noSnapshot,
		"getSlot":                noSnapshot,
		"getVersion":             `{"jsonrpc":"2.0","result":{"feature-set":3345198602,"solana-core":"4.1.0"},"id":1}`,
	} {
		expect(t, url, `{"jsonrpc":"2.0","id":1,"method":"`+method+`"}`, want)
	}
}

func TestNodeBehind(t *testing.T) {
	methods := node()
	methods.Health = func() snapshot.Health { return snapshot.Health{State: snapshot.HealthBehind, SlotsBehind: 42} }
	methods.Served = func() (snapshot.Pair, bool) {
		pair, ok := served()
		pair.Incremental = nil
		return pair, ok
	}
	url := serve(t, Config{}, methods)
	expect(t, url, askHealth,
		`{"jsonrpc":"2.0","error":{"code":-32005,"message":"Node is behind by 42 slots","data":{"numSlotsBehind":42}},"id":1}`)
	expect(t, url, `{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}`,
		`{"jsonrpc":"2.0","result":{"full":100,"incremental":null},"id":1}`)
}
