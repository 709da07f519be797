package rpc

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// ask calls a method and returns its result, or its error as "code message".
func ask(t testing.TB, url, method, params string) string {
	t.Helper()
	if params != "" {
		params = `,"params":` + params
	}
	got := post(t, url, `{"jsonrpc":"2.0","id":1,"method":"`+method+`"`+params+`}`)
	text := strings.TrimSuffix(got.body, ",\"id\":1}\n")
	if result, ok := strings.CutPrefix(text, `{"jsonrpc":"2.0","result":`); ok {
		return result
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, `{"jsonrpc":"2.0","error":`), "}")
}

const (
	minContext = `{"code":-32016,"message":"Minimum context slot has not been reached","data":{"contextSlot":1000}`
	unhealthy  = `{"code":-32005,"message":"Node is unhealthy","data":{"numSlotsBehind":null}`
	oneParam   = `{"code":-32602,"message":"Invalid parameters: Expected from 0 to 1 parameters.","data":"\"Got: 2\""`
)

// TestBankMethods goes through the methods, their parameters and their answers.
func TestBankMethods(t *testing.T) {
	url := serve(t, Config{}, bankMethods(testBank(nil)))
	last, old, older := testKey(200), testKey(201), testKey(202)
	one, two, node := testKey(1), testKey(2), testKey(102)
	info := `{"absoluteSlot":1000,"blockHeight":9007199254740993,"epoch":31,"slotIndex":8,"slotsInEpoch":32,"transactionCount":18446744073709551615}`
	governor := `{"foundation":0.05,"foundationTerm":7.0,"initial":0.08,"taper":1.0,"terminal":0.015}`
	for name, c := range map[string]struct{ method, params, want string }{
		"height":                   {"getBlockHeight", ``, `9007199254740993`},
		"height, min reached":      {"getBlockHeight", `[{"minContextSlot":1000,"commitment":"processed"}]`, `9007199254740993`},
		"height, min not reached":  {"getBlockHeight", `[{"minContextSlot":1001}]`, minContext},
		"height, two":              {"getBlockHeight", `[{},1]`, oneParam},
		"transactions":             {"getTransactionCount", `[]`, `18446744073709551615`},
		"transactions, min":        {"getTransactionCount", `[{"minContextSlot":1001}]`, minContext},
		"epoch":                    {"getEpochInfo", `null`, info},
		"epoch, strange level":     {"getEpochInfo", `[{"commitment":"x"}]`, info},
		"epoch, min":               {"getEpochInfo", `[{"minContextSlot":18446744073709551615}]`, minContext},
		"schedule":                 {"getEpochSchedule", ``, `{"firstNormalEpoch":0,"firstNormalSlot":0,"leaderScheduleSlotOffset":32,"slotsPerEpoch":32,"warmup":false}`},
		"schedule, one":            {"getEpochSchedule", `[1]`, `{"code":-32602,"message":"Invalid parameters: No parameters were expected","data":"Array([Number(1)])"`},
		"governor":                 {"getInflationGovernor", ``, governor},
		"governor, level":          {"getInflationGovernor", `[{"commitment":"confirmed"}]`, governor},
		"governor, strange level":  {"getInflationGovernor", `[{"commitment":"x"}]`, "{\"code\":-32602,\"message\":\"Invalid params: unknown variant `x`, expected one of `processed`, `confirmed`, `finalized`.\""},
		"governor, empty":          {"getInflationGovernor", `[{}]`, "{\"code\":-32602,\"message\":\"Invalid params: missing field `commitment`.\""},
		"governor, string":         {"getInflationGovernor", `["x"]`, `{"code":-32602,"message":"Invalid params: invalid type: string \"x\", expected struct CommitmentConfig."`},
		"rate":                     {"getInflationRate", ``, `{"epoch":31,"foundation":0.00075,"total":0.015,"validator":0.014249999999999999}`},
		"commitment":               {"getBlockCommitment", `[5]`, `{"commitment":null,"totalStake":9007199254741023}`},
		"commitment, none":         {"getBlockCommitment", `[]`, `{"code":-32602,"message":"Invalid params: invalid length 0, expected a tuple of size 1."`},
		"blockhash":                {"getLatestBlockhash", `[{"commitment":"finalized"}]`, `{"context":{"apiVersion":"4.1.0","slot":1000},"value":{"blockhash":"` + last.String() + `","lastValidBlockHeight":9007199254741143}}`},
		"blockhash, min":           {"getLatestBlockhash", `[{"minContextSlot":1001}]`, minContext},
		"valid, last":              {"isBlockhashValid", `["` + last.String() + `"]`, `{"context":{"apiVersion":"4.1.0","slot":1000},"value":true}`},
		"valid, of age 150":        {"isBlockhashValid", `["` + old.String() + `",null]`, `{"context":{"apiVersion":"4.1.0","slot":1000},"value":true}`},
		"valid, of age 151":        {"isBlockhashValid", `["` + older.String() + `",{}]`, `{"context":{"apiVersion":"4.1.0","slot":1000},"value":false}`},
		"valid, unknown":           {"isBlockhashValid", `["` + one.String() + `"]`, `{"context":{"apiVersion":"4.1.0","slot":1000},"value":false}`},
		"valid, min":               {"isBlockhashValid", `["` + one.String() + `",{"minContextSlot":1001}]`, minContext},
		"valid, short":             {"isBlockhashValid", `["11"]`, `{"code":-32602,"message":"WrongSize"`},
		"valid, empty":             {"isBlockhashValid", `[""]`, `{"code":-32602,"message":"WrongSize"`},
		"valid, not base58":        {"isBlockhashValid", `["0"]`, `{"code":-32602,"message":"Invalid"`},
		"valid, none":              {"isBlockhashValid", `[]`, "{\"code\":-32602,\"message\":\"`params` should have at least 1 argument(s)\""},
		"leader":                   {"getSlotLeader", ``, `"` + testKey(101).String() + `"`},
		"leader, min":              {"getSlotLeader", `[{"minContextSlot":1001}]`, minContext},
		"leaders":                  {"getSlotLeaders", `[1054,2]`, `["` + node.String() + `","` + node.String() + `"]`},
		"leaders, none":            {"getSlotLeaders", `[999999,0]`, `[]`},
		"leaders, too many":        {"getSlotLeaders", `[1054,5001]`, `{"code":-32602,"message":"Invalid limit; max 5000"`},
		"leaders, too far":         {"getSlotLeaders", `[1054,3]`, `{"code":-32602,"message":"Invalid slot range: leader schedule for epoch 33 is unavailable"`},
		"leaders, very far":        {"getSlotLeaders", `[18446744073709551615,1]`, `{"code":-32602,"message":"Invalid slot range: leader schedule for epoch 576460752303423487 is unavailable"`},
		"leaders, one parameter":   {"getSlotLeaders", `[1054]`, `{"code":-32602,"message":"Invalid params: invalid length 1, expected a tuple of size 2."`},
		"schedule of leaders":      {"getLeaderSchedule", `[1055]`, `{"` + node.String() + `":` + indices(32) + `}`},
		"its null and identity":    {"getLeaderSchedule", `[1055,{"identity":"` + node.String() + `"}]`, `{"` + node.String() + `":` + indices(32) + `}`},
		"its other identity":       {"getLeaderSchedule", `[1055,{"identity":"` + one.String() + `"}]`, `{}`},
		"its unknown epoch":        {"getLeaderSchedule", `[0]`, `null`},
		"its bad identity":         {"getLeaderSchedule", `[null,{"identity":"0"}]`, `{"code":-32602,"message":"Invalid param: Invalid"`},
		"its wrong type":           {"getLeaderSchedule", `["x"]`, `{"code":-32602,"message":"Invalid params: data did not match any variant of untagged enum RpcLeaderScheduleConfigWrapper."`},
		"its wrong identity":       {"getLeaderSchedule", `[{"identity":1}]`, `{"code":-32602,"message":"Invalid params: data did not match any variant of untagged enum RpcLeaderScheduleConfigWrapper."`},
		"its wrong last":           {"getLeaderSchedule", `[1,{"identity":1}]`, "{\"code\":-32602,\"message\":\"Invalid params: invalid type: integer `1`, expected a string.\""},
		"its three":                {"getLeaderSchedule", `[1,{},1]`, `{"code":-32602,"message":"Invalid parameters: Expected from 0 to 2 parameters.","data":"\"Got: 3\""`},
		"votes, all":               {"getVoteAccounts", ``, votes(entry1+","+entry3+","+entry6, entry2)},
		"votes, level":             {"getVoteAccounts", `[{"commitment":"processed"}]`, votes(entry1+","+entry3+","+entry6, entry2)},
		"votes, unstaked too":      {"getVoteAccounts", `[{"keepUnstakedDelinquents":true}]`, votes(entry1+","+entry3+","+entry6, entry2+","+entry4)},
		"votes, staked only":       {"getVoteAccounts", `[{"keepUnstakedDelinquents":false,"votePubkey":null}]`, votes(entry1+","+entry3+","+entry6, entry2)},
		"votes, distance 1":        {"getVoteAccounts", `[{"delinquentSlotDistance":1}]`, votes(entry6, entry1+","+entry2+","+entry3)},
		"votes, distance to start": {"getVoteAccounts", `[{"delinquentSlotDistance":1001}]`, votes(entry1+","+entry2+","+entry3+","+entry6, "")},
		"votes, one":               {"getVoteAccounts", `[{"votePubkey":"` + two.String() + `"}]`, votes("", entry2)},
		"votes, a node's":          {"getVoteAccounts", `[{"votePubkey":"` + node.String() + `"}]`, votes("", "")},
		"votes, bad key":           {"getVoteAccounts", `[{"votePubkey":"11"}]`, `{"code":-32602,"message":"Invalid param: WrongSize"`},
		"votes, bad types":         {"getVoteAccounts", `[{"votePubkey":"11","delinquentSlotDistance":-1}]`, "{\"code\":-32602,\"message\":\"Invalid params: invalid value: integer `-1`, expected u64.\""},
		"votes, string":            {"getVoteAccounts", `["x"]`, `{"code":-32602,"message":"Invalid params: invalid type: string \"x\", expected struct RpcGetVoteAccountsConfig."`},
		"supply":                   {"getSupply", ``, `{"code":-32601,"message":"Method not found"`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ask(t, url, c.method, c.params); got != c.want {
				t.Errorf("%s %s\n got %s\nwant %s", c.method, c.params, got, c.want)
			}
		})
	}
}

// indices is the list of the numbers below n.
func indices(n uint64) string {
	list := make([]uint64, n)
	for i := range list {
		list[i] = uint64(i)
	}
	return string(appendIndices(nil, list))
}

func votes(current, delinquent string) string {
	return `{"current":[` + current + `],"delinquent":[` + delinquent + `]}`
}

// The vote accounts of testManifest.
var (
	entry1 = `{"activatedStake":9007199254740993,"commission":7,"epochCredits":[[2,9007199254740995,2],[3,9007199254740996,3],[4,9007199254740997,4],[5,9007199254740998,5],[6,9007199254740999,6]],` +
		`"epochVoteAccount":true,"inflationRewardsCommissionBps":700,"lastVote":999,` + keys(1, 968)
	entry2 = `{"activatedStake":10,"commission":0,"epochCredits":[[0,9007199254740993,0]],"epochVoteAccount":true,"inflationRewardsCommissionBps":0,"lastVote":872,` + keys(2, 841)
	entry3 = `{"activatedStake":20,"commission":100,"epochCredits":[],"epochVoteAccount":true,"inflationRewardsCommissionBps":10000,"lastVote":873,` + keys(3, 0)
	entry4 = `{"activatedStake":0,"commission":1,"epochCredits":[],"epochVoteAccount":true,"inflationRewardsCommissionBps":100,"lastVote":0,` + keys(4, 0)
	entry6 = `{"activatedStake":5,"commission":0,"epochCredits":[],"epochVoteAccount":false,"inflationRewardsCommissionBps":0,"lastVote":1000,` + keys(6, 0)
)

func keys(key byte, root int) string {
	return fmt.Sprintf(`"nodePubkey":"%s","rootSlot":%d,"votePubkey":"%s"}`, testKey(key+100), root, testKey(key))
}

// TestBankBehindUpstream: the upstream knows better as long as it answers.
func TestBankBehindUpstream(t *testing.T) {
	var up atomic.Bool
	up.Store(true)
	u := newUpstream(t, UpstreamConfig{URL: "http://validator", Client: clientOf(func(r *http.Request) (*http.Response, error) {
		if up.Load() {
			return replyTo(r, `"result":5`)
		}
		return nil, errors.New("connection refused")
	})})
	url := serve(t, Config{Upstream: u}, bankMethods(testBank(nil)))
	if got := ask(t, url, "getBlockHeight", ``); got != `5` {
		t.Errorf("height is %s, want the upstream's", got)
	}
	up.Store(false)
	if got := ask(t, url, "getBlockHeight", ``); got != `9007199254740993` {
		t.Errorf("height is %s, want the bank's", got)
	}
	if got := ask(t, url, "getBalance", `["`+testKey(1).String()+`"]`); got != unhealthy {
		t.Errorf("balance is %s", got)
	}
}
