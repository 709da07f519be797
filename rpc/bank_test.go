package rpc

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// TestWhatDoesNotFollow: a manifest that lacks something, or has what is not
// understood, spoils the methods that need it and no others.
func TestWhatDoesNotFollow(t *testing.T) {
	for name, c := range map[string]struct {
		change         func(*manifest.Manifest)
		method, params string
		want, log      string
	}{
		"no epoch stakes, votes":   {noStakes, "getVoteAccounts", ``, `{"code":-32600,"message":"Invalid request"`, ``},
		"no epoch stakes, total":   {noStakes, "getBlockCommitment", `[1]`, unhealthy, ``},
		"no epoch stakes, leaders": {noStakes, "getLeaderSchedule", ``, `null`, ``},
		"no epoch stakes, leader": {func(m *manifest.Manifest) { noStakes(m); m.Bank.LeaderID = manifest.Pubkey{} },
			"getSlotLeader", ``, unhealthy, ``},
		"no epoch stakes, height": {noStakes, "getBlockHeight", ``, `9007199254740993`, ``},
		"no blockhash": {func(m *manifest.Manifest) { m.Bank.BlockhashQueue = manifest.BlockhashQueue{} },
			"getLatestBlockhash", ``, unhealthy, ``},
		"a vote account of the future": {func(m *manifest.Manifest) { m.Bank.Stakes.VoteAccounts[1].Account.Data[0] = 9 },
			"getVoteAccounts", ``, votes(entry1+","+entry3+","+entry6, ""), `slot=1000 count=1 err="unknown vote state version 9"`},
		"a vote account without node": {func(m *manifest.Manifest) {
			m.Extra.EpochStakes[1].Stakes.VoteAccounts[0].Node = manifest.Pubkey{}
		}, "getLeaderSchedule", `[1055]`, `null`, `slot=1000 epoch=32 err="leader schedule of epoch 32: vote account ` + testKey(2).String() + ` names no node"`},
		"an endless epoch": {func(m *manifest.Manifest) {
			m.Bank.EpochSchedule.SlotsPerEpoch = 1 << 60
			m.Extra.EpochStakes[0].Epoch = 0
		},
			"getLeaderSchedule", ``, `null`, `epoch=0 err="leader schedule of epoch 0: 1152921504606846976 slots, want at most 4320000"`},
		"schedules of the past": {func(m *manifest.Manifest) { m.Extra.EpochStakes[0].Epoch = 26 }, "getSlotLeaders", `[832,1]`,
			`{"code":-32602,"message":"Invalid slot range: leader schedule for epoch 26 is unavailable"`, ``},
		"inflation that falls": {func(m *manifest.Manifest) { m.Bank.Inflation.Taper = 0.15 },
			"getInflationRate", ``, `{"code":-32601,"message":"Method not found"`, ``},
		"inflation that has fallen": {func(m *manifest.Manifest) { m.Bank.Inflation.Taper = 0.15; m.Bank.SlotsPerYear = 1 },
			"getInflationRate", ``, `{"epoch":31,"foundation":0.0,"total":0.015,"validator":0.015}`, ``},
		"inflation whose foundation ends": {func(m *manifest.Manifest) { m.Bank.Inflation.FoundationTerm = 0.5 },
			"getInflationRate", ``, `{"code":-32601,"message":"Method not found"`, ``},
		"no inflation": {func(m *manifest.Manifest) { m.Bank.Inflation = manifest.Inflation{} },
			"getInflationRate", ``, `{"epoch":31,"foundation":0.0,"total":0.0,"validator":0.0}`, ``},
		"inflation in the first epoch": {func(m *manifest.Manifest) { m.Bank.Inflation.Taper = 0.15; m.Bank.Slot = 4 },
			"getInflationRate", ``, `{"epoch":0,"foundation":0.004,"total":0.08,"validator":0.076}`, ``},
		"a year of no slots": {func(m *manifest.Manifest) { m.Bank.SlotsPerYear = 0; m.Bank.Slot = 4 },
			"getInflationRate", ``, `{"code":-32601,"message":"Method not found"`, ``},
		"early slots": {func(m *manifest.Manifest) { m.Bank.Slot = 127; m.Extra.EpochStakes[0].Epoch = 3 },
			"getVoteAccounts", ``, votes(entry1+","+entry2+","+entry3+","+entry6, ""), ``},
	} {
		t.Run(name, func(t *testing.T) {
			m, log := testManifest(), new(lines)
			c.change(m)
			url := serve(t, Config{}, bankMethods(NewBank(m, log.logger())))
			if got := ask(t, url, c.method, c.params); got != c.want {
				t.Errorf("%s %s\n got %s\nwant %s", c.method, c.params, got, c.want)
			}
			if got := log.String(); !strings.Contains(got, c.log) || (got == "") != (c.log == "") {
				t.Errorf("logged %q, want %q in it", got, c.log)
			}
		})
	}
}

func noStakes(m *manifest.Manifest) { m.Extra.EpochStakes = nil }

// TestNoBank: while nothing is decoded clients are told to come back, once they
// have asked properly.
func TestNoBank(t *testing.T) {
	url := serve(t, Config{}, bankMethods(nil))
	for method, params := range map[string]string{
		"getBlockHeight": ``, "getTransactionCount": ``, "getEpochInfo": ``, "getEpochSchedule": ``, "getInflationGovernor": ``,
		"getInflationRate": ``, "getBlockCommitment": `[1]`, "getLatestBlockhash": ``, "isBlockhashValid": `["` + testKey(1).String() + `"]`,
		"getSlotLeader": ``, "getSlotLeaders": `[1,1]`, "getLeaderSchedule": ``, "getVoteAccounts": ``,
	} {
		if got := ask(t, url, method, params); got != unhealthy {
			t.Errorf("%s answers %s", method, got)
		}
		if got := ask(t, url, method, `[1,2,3,4]`); !strings.Contains(got, `"code":-32602`) {
			t.Errorf("%s with four parameters answers %s", method, got)
		}
	}
}

// TestManifestIsFree: a bank keeps nothing that whoever decoded it may reuse.
func TestManifestIsFree(t *testing.T) {
	m := testManifest()
	url := serve(t, Config{}, bankMethods(NewBank(m, nil)))
	for i := range m.Bank.Stakes.VoteAccounts {
		clear(m.Bank.Stakes.VoteAccounts[i].Account.Data)
	}
	*m.Bank.BlockhashQueue.LastHash = snapshot.Hash{}
	m.Extra.EpochStakes[1].Stakes.VoteAccounts[0] = manifest.VoteAccount{}
	m.Extra.EpochStakes[0].TotalStake = 1
	*m = manifest.Manifest{}
	for method, want := range map[string]string{
		"getVoteAccounts": votes(entry1+","+entry3+","+entry6, entry2),
		"getLatestBlockhash": `{"context":{"apiVersion":"4.1.0","slot":1000},"value":{"blockhash":"` + testKey(200).String() +
			`","lastValidBlockHeight":9007199254741143}}`,
	} {
		if got := ask(t, url, method, ``); got != want {
			t.Errorf("%s\n got %s\nwant %s", method, got, want)
		}
	}
	if got, want := ask(t, url, "getLeaderSchedule", `[1055]`), `{"`+testKey(102).String()+`":`+indices(32)+`}`; got != want {
		t.Errorf("getLeaderSchedule is %s", got)
	}
	if got := ask(t, url, "getBlockCommitment", `[1]`); got != `{"commitment":null,"totalStake":9007199254741023}` {
		t.Errorf("getBlockCommitment is %s", got)
	}
}

// TestBankIsSwapped under requests: each answer is of one bank or the other,
// and a leader schedule that many want at once is the same for all.
func TestBankIsSwapped(t *testing.T) {
	var current atomic.Pointer[Bank]
	banks := []*Bank{testBank(nil), testBank(func(m *manifest.Manifest) {
		m.Bank.Slot = 1001
		m.Bank.Stakes.VoteAccounts = nil
	})}
	current.Store(banks[0])
	url := serve(t, Config{}, BankMethods{Version: "4.1.0", Bank: current.Load})
	stop := make(chan struct{})
	var swapping, asking sync.WaitGroup
	swapping.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				current.Store(banks[i%2])
			}
		}
	})
	batch := `[{"jsonrpc":"2.0","id":1,"method":"getEpochInfo"},{"jsonrpc":"2.0","id":2,"method":"getVoteAccounts"},{"jsonrpc":"2.0","id":3,"method":"getLeaderSchedule","params":[1055]}]`
	want := map[string]bool{}
	for _, info := range []*Bank{banks[0], banks[1]} {
		for _, votes := range []*Bank{banks[0], banks[1]} {
			want[`[{"jsonrpc":"2.0","result":`+string(info.epochInfo)+`,"id":1},{"jsonrpc":"2.0","result":`+string(votes.votes.usual)+
				`,"id":2},{"jsonrpc":"2.0","result":{"`+testKey(102).String()+`":`+indices(32)+`},"id":3}]`+"\n"] = true
		}
	}
	for range 4 {
		asking.Go(func() {
			for range 50 {
				if got := post(t, url, batch); !want[got.body] {
					t.Errorf("got %s", got.body)
				}
			}
		})
	}
	asking.Wait()
	close(stop)
	swapping.Wait()
}
