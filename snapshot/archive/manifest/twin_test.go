package manifest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type object = map[string]any

// TestDecodeAgreesWithTheTwin compares every field of a manifest with what
// another decoder made of it.
func TestDecodeAgreesWithTheTwin(t *testing.T) {
	twin := parseJSON(t, fixture(t, twinV2)).(object)
	m := decodeWhole(t, fixture(t, fullV2))
	for name, got := range map[string]object{"bank_fields": bankTwin(t, m), "extra_fields": extraTwin(m)} {
		want := twin[name].(object)
		forget(want)
		sortMaps(want)
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		parsed := parseJSON(t, text)
		sortMaps(parsed)
		if diff := cmp.Diff(want, parsed, cmp.Comparer(sameNumber)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func parseJSON(t *testing.T, text []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// sameNumber takes 7 and 7.0 for the same, and no two other numbers.
func sameNumber(a, b json.Number) bool {
	x, okX := new(big.Rat).SetString(string(a))
	y, okY := new(big.Rat).SetString(string(b))
	return okX && okY && x.Cmp(y) == 0
}

// forget takes out what the twin has not from the manifest: the withdrawers of
// stake accounts, a fee that it makes up from the target until it has read the
// extra field, and the delegations of epoch stakes, which Agave had in memory
// but no longer writes.
func forget(v any) {
	switch v := v.(type) {
	case object:
		delete(v, "authorized")
		if fees, ok := v["fee_rate_governor"].(object); ok {
			delete(fees, "lamports_per_signature")
		}
		if v["variant"] != nil {
			v["stake_delegations"] = []any{}
		}
		for _, child := range v {
			forget(child)
		}
	case []any:
		for _, child := range v {
			forget(child)
		}
	}
}

// sortMaps sorts what was a map in Agave: the file has another random order than
// the twin.
func sortMaps(v any) {
	switch v := v.(type) {
	case object:
		for _, child := range v {
			sortMaps(child)
		}
		for _, name := range []string{"hashes", "vote_accounts", "stake_delegations", "versioned_epoch_stakes", "node_id_to_vote_accounts", "epoch_authorized_voters"} {
			if list, ok := v[name].([]any); ok {
				slices.SortFunc(list, cmpText)
			}
		}
	case []any:
		for _, child := range v {
			sortMaps(child)
		}
	}
}

func cmpText(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }

func bankTwin(t *testing.T, m *Manifest) object {
	b := m.Bank
	hashes, forks := []object{}, []object{}
	for _, h := range b.BlockhashQueue.Hashes {
		hashes = append(hashes, object{"hash": h.Hash, "lamports_per_signature": h.LamportsPerSignature,
			"hash_index": h.HashIndex, "timestamp_ms": h.Timestamp})
	}
	for _, f := range b.HardForks {
		forks = append(forks, object{"slot": f.Slot, "count": f.Count})
	}
	schedule, fees := b.EpochSchedule, b.FeeRateGovernor
	return object{
		"slot": b.Slot, "epoch": m.Epoch().Epoch, // the file has 0
		"parent_slot": b.ParentSlot, "block_height": b.BlockHeight,
		"hash": b.Hash, "parent_hash": b.ParentHash, "leader_id": b.LeaderID,
		"transaction_count": b.TransactionCount, "signature_count": b.SignatureCount,
		"tick_height": b.TickHeight, "max_tick_height": b.MaxTickHeight, "ticks_per_slot": b.TicksPerSlot,
		"hashes_per_tick": b.HashesPerTick, "ns_per_slot": json.Number(b.NanosPerSlot.String()),
		"slots_per_year": b.SlotsPerYear, "genesis_creation_time": b.GenesisCreationTime,
		"accounts_data_len": b.AccountsDataLen, "capitalization": b.Capitalization, "is_delta": b.IsDelta,
		"fee_rate_governor": object{
			"target_lamports_per_signature": fees.TargetLamportsPerSignature, "target_signatures_per_slot": fees.TargetSignaturesPerSlot,
			"min_lamports_per_signature": fees.MinLamportsPerSignature, "max_lamports_per_signature": fees.MaxLamportsPerSignature,
			"burn_percent": fees.BurnPercent,
		},
		"epoch_schedule": object{
			"slots_per_epoch": schedule.SlotsPerEpoch, "leader_schedule_slot_offset": schedule.LeaderScheduleSlotOffset,
			"warmup": schedule.Warmup, "first_normal_epoch": schedule.FirstNormalEpoch, "first_normal_slot": schedule.FirstNormalSlot,
		},
		"inflation": object{"initial": b.Inflation.Initial, "terminal": b.Inflation.Terminal, "taper": b.Inflation.Taper,
			"foundation": b.Inflation.Foundation, "foundation_term": b.Inflation.FoundationTerm},
		"blockhash_queue": object{"last_hash_index": b.BlockhashQueue.LastHashIndex, "last_hash": b.BlockhashQueue.LastHash,
			"max_age": b.BlockhashQueue.MaxAge, "hashes": hashes},
		"hard_forks": forks,
		"stakes":     stakesTwin(t, &b.Stakes),
	}
}

func stakesTwin(t *testing.T, s *Stakes) object {
	t.Helper()
	votes, history := []object{}, []object{}
	for i := range s.VoteAccounts {
		v := &s.VoteAccounts[i]
		state, err := v.State()
		if err != nil {
			t.Errorf("vote account %s: %v", v.Pubkey, err)
		}
		check(t, "node", v.Node, state.Node)
		votes = append(votes, object{"vote_pubkey": v.Pubkey, "stake": v.Stake, "node_pubkey": state.Node,
			"lamports": v.Account.Lamports, "owner": v.Account.Owner, "executable": v.Account.Executable,
			"rent_epoch": v.Account.RentEpoch, "vote_state_data_len": len(v.Account.Data)})
	}
	for _, h := range s.History {
		history = append(history, object{"epoch": h.Epoch, "effective": h.Effective, "activating": h.Activating, "deactivating": h.Deactivating})
	}
	return object{"epoch": s.Epoch, "unused": s.Unused, "vote_accounts": votes,
		"stake_delegations": delegationsTwin(s.Delegations.All), "stake_history": history}
}

func delegationsTwin(all []Delegation) []object {
	twin := []object{}
	for _, d := range all {
		twin = append(twin, object{"stake_pubkey": d.StakeAccount, "voter_pubkey": d.Voter, "stake": d.Stake,
			"activation_epoch": d.ActivationEpoch, "deactivation_epoch": d.DeactivationEpoch})
	}
	return twin
}

func extraTwin(m *Manifest) object {
	stakes := []object{}
	for i := range m.Extra.EpochStakes {
		stakes = append(stakes, epochStakesTwin(&m.Extra.EpochStakes[i]))
	}
	return object{
		"lamports_per_signature": m.Extra.LamportsPerSignature, "block_id": m.Extra.BlockID,
		"unused_incremental_snapshot_persistence": m.Extra.IncrementalPersistence,
		"unused_epoch_accounts_hash":              m.Extra.EpochAccountsHash,
		"versioned_epoch_stakes":                  stakes,
		"accounts_lt_hash":                        hex.EncodeToString(m.Extra.AccountsLtHash[:]),
	}
}

func epochStakesTwin(s *EpochStakes) object {
	votes, nodes, voters := []object{}, []object{}, []object{}
	for _, v := range s.Stakes.VoteAccounts {
		votes = append(votes, object{"vote_pubkey": v.Pubkey, "stake": v.Stake, "node_pubkey": v.Node,
			"lamports": v.Account.Lamports, "owner": v.Account.Owner})
	}
	for _, n := range s.Nodes {
		nodes = append(nodes, object{"node_id": n.Node, "total_stake": n.TotalStake, "vote_pubkeys": n.VoteAccounts})
	}
	for _, v := range s.AuthorizedVoters {
		voters = append(voters, object{"vote_pubkey": v.VoteAccount, "authorized_voter": v.Voter})
	}
	return object{"epoch": s.Epoch, "variant": "Current", "total_stake": s.TotalStake, "vote_accounts": votes,
		"stake_delegations":        delegationsTwin(s.Stakes.Delegations.All),
		"node_id_to_vote_accounts": nodes, "epoch_authorized_voters": voters}
}
