package rpc

import (
	"strings"
	"testing"

	"solsnap/snapshot/archive/manifest"
)

// TestLeadersOfSeveral: what each method says of an epoch with several leaders
// is one schedule.
func TestLeadersOfSeveral(t *testing.T) {
	m := testManifest()
	url := serve(t, Config{}, bankMethods(testBank(nil)))
	schedule, err := m.LeaderSchedule(31)
	if err != nil {
		t.Fatal(err)
	}
	slots := map[string][]uint64{}
	var leaders []string
	for i := range uint64(32) {
		leader, _ := schedule.Leader(i)
		slots[leader.String()] = append(slots[leader.String()], i)
		leaders = append(leaders, `"`+leader.String()+`"`)
	}
	var members []string
	for _, key := range []byte{101, 102, 103} { // in the order of their base58, too
		if name := testKey(key).String(); slots[name] != nil {
			members = append(members, `"`+name+`":`+string(appendIndices(nil, slots[name])))
		}
	}
	want := "{" + strings.Join(members, ",") + "}"
	for _, params := range []string{``, `[]`, `[null]`, `[null,null]`, `[1000]`, `[992,{}]`, `[{"commitment":"x"}]`, `[{},{"identity":"0"}]`} {
		if got := ask(t, url, "getLeaderSchedule", params); got != want {
			t.Errorf("getLeaderSchedule %s\n got %s\nwant %s", params, got, want)
		}
	}
	if got, want := ask(t, url, "getSlotLeaders", `[992,32]`), "["+strings.Join(leaders, ",")+"]"; got != want {
		t.Errorf("getSlotLeaders\n got %s\nwant %s", got, want)
	}
	if got := ask(t, url, "getSlotLeaders", `[1023,2]`); got != "["+leaders[31]+`,"`+testKey(102).String()+`"]` {
		t.Errorf("getSlotLeaders over the end of the epoch: %s", got)
	}
	zero := testBank(func(m *manifest.Manifest) { m.Bank.LeaderID = manifest.Pubkey{} })
	if got := ask(t, serve(t, Config{}, bankMethods(zero)), "getSlotLeader", ``); got != leaders[8] {
		t.Errorf("getSlotLeader of a manifest without leader is %s, want %s", got, leaders[8])
	}
}
