package manifest

import (
	"testing"
)

// TestEpochStakesAgreeWithVoteStates finds the same nodes, stakes and voters in
// the vote accounts' data as in the maps beside them.
func TestEpochStakesAgreeWithVoteStates(t *testing.T) {
	for name, want := range map[string]map[uint64]int{
		fullV2: {2: 2, 3: 2}, testnet: {980: 456, 981: 463},
	} {
		t.Run(name, func(t *testing.T) {
			m := decodeWhole(t, fixture(t, name))
			for i := range m.Extra.EpochStakes {
				stakes := &m.Extra.EpochStakes[i]
				check(t, "vote accounts", len(stakes.Stakes.VoteAccounts), want[stakes.Epoch])
				checkMaps(t, stakes)
			}
		})
	}
}

func checkMaps(t *testing.T, stakes *EpochStakes) {
	t.Helper()
	nodes := make(map[Pubkey]uint64)
	voters := make(map[Pubkey]Pubkey)
	for i := range stakes.Stakes.VoteAccounts {
		v := &stakes.Stakes.VoteAccounts[i]
		state, err := v.State()
		if err != nil {
			t.Fatalf("vote account %s: %v", v.Pubkey, err)
		}
		check(t, "node", v.Node, state.Node)
		if v.Stake > 0 {
			nodes[state.Node] += v.Stake
			voters[v.Pubkey], _ = state.AuthorizedVoter(stakes.Epoch)
		}
	}
	check(t, "nodes", len(stakes.Nodes), len(nodes))
	for _, node := range stakes.Nodes {
		check(t, "node's stake", node.TotalStake, nodes[node.Node])
		check(t, "node's vote accounts", len(node.VoteAccounts) > 0, true)
		for _, key := range node.VoteAccounts {
			v, ok := stakes.Stakes.VoteAccount(key)
			check(t, "vote account of the node", ok && v.Node == node.Node, true)
		}
	}
	check(t, "voters", len(stakes.AuthorizedVoters), len(voters))
	for _, voter := range stakes.AuthorizedVoters {
		check(t, "voter", voter.Voter, voters[voter.VoteAccount])
	}
}
