package rpc

import (
	"strings"
	"testing"
)

// TestFixtureBanks holds the answers against manifests of real writers.
func TestFixtureBanks(t *testing.T) {
	const v2, testnet = "sig-v2/extracted/manifest-100.bin", "testnet-417955321/manifest.bin.gz"
	schedule := `{"firstNormalEpoch":14,"firstNormalSlot":524256,"leaderScheduleSlotOffset":432000,"slotsPerEpoch":432000,"warmup":true}`
	for name, answers := range map[string]map[string]string{
		v2: {
			"getBlockHeight":       `100`,
			"getTransactionCount":  `12345`,
			"getEpochInfo":         `{"absoluteSlot":100,"blockHeight":100,"epoch":2,"slotIndex":4,"slotsInEpoch":128,"transactionCount":12345}`,
			"getEpochSchedule":     schedule,
			"getInflationGovernor": `{"foundation":0.05,"foundationTerm":7.0,"initial":0.08,"taper":0.15,"terminal":0.015}`,
			"getInflationRate":     `{"code":-32601,"message":"Method not found"`,
			"getLatestBlockhash":   `{"context":{"apiVersion":"4.1.0","slot":100},"value":{"blockhash":"5PjDJaGfSPJj4tFzMRCiuuAasKg5n8dJKXKenhuwZexx","lastValidBlockHeight":250}}`,
			"getSlotLeader":        `"G5RD75aL8sPaixKUJzH6QPWmsaSzMkQKNWHm7sC6RLJB"`,
			"getVoteAccounts": `{"current":[],"delinquent":[` +
				`{"activatedStake":2000000,"commission":10,"epochCredits":[],"epochVoteAccount":false,"inflationRewardsCommissionBps":1000,"lastVote":0,` +
				`"nodePubkey":"Ah8bPTXadynU3chXccyNnFtVAoFKskFnf7cirGNUkyQb","rootSlot":0,"votePubkey":"Fe3xYB5NoFZftJ3zXZsXR16B32YPrtHcZBCgzeTUZhNc"},` +
				`{"activatedStake":3000000,"commission":10,"epochCredits":[],"epochVoteAccount":false,"inflationRewardsCommissionBps":1000,"lastVote":0,` +
				`"nodePubkey":"Ah9Ugba1aZH8Gd5kyabTe5T45C8f5gr2EKpaDT4ej6cX","rootSlot":0,"votePubkey":"6yTd6MpgmwyaipCqe1Ny8wKRBLTjBrs43QtY7NoCEgtH"}]}`,
			`getBlockCommitment [0]`: `{"commitment":null,"totalStake":5000000}`,
		},
		testnet: {
			"getBlockHeight":       `370066200`,
			"getTransactionCount":  `688711387660`,
			"getEpochInfo":         `{"absoluteSlot":417955321,"blockHeight":370066200,"epoch":980,"slotIndex":119065,"slotsInEpoch":432000,"transactionCount":688711387660}`,
			"getEpochSchedule":     schedule,
			"getInflationGovernor": `{"foundation":0.0,"foundationTerm":0.0,"initial":0.15,"taper":0.15,"terminal":0.015}`,
			"getInflationRate":     `{"code":-32601,"message":"Method not found"`,
			"getLatestBlockhash":   `{"context":{"apiVersion":"4.1.0","slot":417955321},"value":{"blockhash":"67TBWCoT7EGNWCoJep2FY8pdU85tgs3CnGa29Pm8i2Bz","lastValidBlockHeight":370066350}}`,
			"getSlotLeader":        `"4Nh8T1d4YBZHEuQNRmFbLXPT5HbWicqPxGeKZ5SdAr4i"`,
			// The node that made the block, by its own word, is who our draw says.
			`getSlotLeaders [417955321,1]`: `["4Nh8T1d4YBZHEuQNRmFbLXPT5HbWicqPxGeKZ5SdAr4i"]`,
			"getVoteAccounts":              `{"current":[],"delinquent":[]}`,
			`getBlockCommitment [0]`:       `{"commitment":null,"totalStake":290532882274471193}`,
			`getLeaderSchedule [0]`:        `null`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, Config{}, bankMethods(NewBank(fixtureManifest(t, name), nil)))
			for call, want := range answers {
				method, params, _ := strings.Cut(call, " ")
				if got := ask(t, url, method, params); got != want {
					t.Errorf("%s\n got %s\nwant %s", call, got, want)
				}
			}
		})
	}
}

// TestRealLeaderSchedule: in the whole of an epoch of testnet each slot has one
// leader, and the list by identity says the same as the list by slot.
func TestRealLeaderSchedule(t *testing.T) {
	m := fixtureManifest(t, "testnet-417955321/manifest.bin.gz")
	url := serve(t, Config{}, bankMethods(NewBank(m, nil)))
	text := ask(t, url, "getLeaderSchedule", ``)
	if got := strings.Count(text, ",") + 1; got != 432000 {
		t.Errorf("%d slots, want 432000", got)
	}
	const leader = "4Nh8T1d4YBZHEuQNRmFbLXPT5HbWicqPxGeKZ5SdAr4i"
	alone := ask(t, url, "getLeaderSchedule", `[{"identity":"`+leader+`"}]`)
	if !strings.Contains(alone, ",119065,") || !strings.Contains(text, strings.Trim(alone, "{}")) {
		t.Errorf("alone it is %.100s", alone)
	}
}
