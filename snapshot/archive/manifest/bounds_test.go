package manifest

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"testing"
)

// TestAccountsOfFullSize are taken if there is room, and those that are one byte
// larger never.
func TestAccountsOfFullSize(t *testing.T) {
	want := made()
	want.Bank.Stakes.VoteAccounts[0].Account.Data = make([]byte, maxAccountData)
	want.Bank.Stakes.VoteAccounts[0].Node = Pubkey{}
	got := decodeWhole(t, encode(t, want))
	check(t, "data", len(got.Bank.Stakes.VoteAccounts[0].Account.Data), maxAccountData)
	checkError(t, decodeError(Decoder{MaxKept: maxAccountData}, encode(t, want)), "field stakes.vote_accounts[0].data")
	want.Bank.Stakes.VoteAccounts[0].Account.Data = make([]byte, maxAccountData+1)
	checkError(t, decodeError(Decoder{}, encode(t, want)), "10485761 bytes, want at most 10485760")
}

// counts are where made has the count of each list, and the path to it.
func counts(t testing.TB) map[string]int {
	at := func(change func(*Manifest)) int { return locate(t, change) }
	return map[string]int{
		"blockhash_queue.hashes": at(func(m *Manifest) { m.Bank.BlockhashQueue.Hashes = nil }),
		"ancestors":              at(func(m *Manifest) { m.Bank.Ancestors = nil }),
		"hard_forks":             at(func(m *Manifest) { m.Bank.HardForks = nil }),
		"stakes.vote_accounts":   at(func(m *Manifest) { m.Bank.Stakes.VoteAccounts = nil }),
		"stakes.vote_accounts[0].data": at(func(m *Manifest) {
			m.Bank.Stakes.VoteAccounts[0].Account.Data = nil
		}),
		"stakes.stake_delegations": at(func(m *Manifest) { m.Bank.Stakes.Delegations.All = nil }),
		"stakes.stake_history":     at(func(m *Manifest) { m.Bank.Stakes.History = nil }),
		"storages":                 at(func(m *Manifest) { m.AccountsDB.Storages = nil }),
		"versioned_epoch_stakes":   at(func(m *Manifest) { m.Extra.EpochStakes = nil }),
		"versioned_epoch_stakes[0].node_id_to_vote_accounts": at(func(m *Manifest) {
			m.Extra.EpochStakes[0].Nodes = nil
		}),
		"versioned_epoch_stakes[0].node_id_to_vote_accounts[0].vote_accounts": at(func(m *Manifest) {
			m.Extra.EpochStakes[0].Nodes[0].VoteAccounts = nil
		}),
		"versioned_epoch_stakes[0].epoch_authorized_voters": at(func(m *Manifest) {
			m.Extra.EpochStakes[0].AuthorizedVoters = nil
		}),
	}
}

// TestHugeCounts promises more elements than there are bytes, and elements in
// bytes that the size promises but the reader does not have. Neither may cost
// memory.
func TestHugeCounts(t *testing.T) {
	for field, at := range counts(t) {
		t.Run(field, func(t *testing.T) {
			for _, n := range []uint64{1 << 20, math.MaxInt64, math.MaxUint64} {
				b := patched(t, at, le64(nil, n)...)
				allocated, err := allocatedBy(func() error { return decodeError(Decoder{Whole: true}, b) })
				checkError(t, err, "field "+field+" at offset")
				checkSmall(t, allocated)
			}
			b := patched(t, at, le64(nil, 10<<20)...)[:at+8]
			allocated, err := allocatedBy(func() error {
				_, err := Decoder{Whole: true}.Decode(bytes.NewReader(b), MaxSize)
				return err
			})
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %v, want unexpected EOF", err)
			}
			checkSmall(t, allocated)
		})
	}
}

// allocatedBy is how many bytes f allocated, and its error.
func allocatedBy(f func() error) (allocated uint64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

// checkSmall allows the window, one step ahead of the data, and little more.
func checkSmall(t *testing.T, allocated uint64) {
	t.Helper()
	if limit := uint64(4 * window); allocated > limit {
		t.Errorf("allocated %d bytes, want at most %d", allocated, limit)
	}
}

// TestMaxKept bounds what a manifest that is really so large may cost.
func TestMaxKept(t *testing.T) {
	m := made()
	m.AccountsDB.Storages = make([]Storage, 100_000)
	b := encode(t, m)
	checkError(t, decodeError(Decoder{MaxKept: 1 << 20}, b), "field storages")
	checkError(t, decodeError(Decoder{MaxKept: 4 << 20}, b), "")
	allocated, err := allocatedBy(func() error { return decodeError(Decoder{MaxKept: 1 << 20}, b) })
	checkError(t, err, "more to keep than the decoder may")
	if allocated > 8<<20 {
		t.Errorf("allocated %d bytes for at most 1 MiB of the manifest", allocated)
	}
}

// TestLeanDecodeSkimsDelegations: a million delegations cost no memory unless
// they are kept.
func TestLeanDecodeSkimsDelegations(t *testing.T) {
	const delegations = 100_000
	m := made()
	m.Bank.Stakes.Delegations.All = make([]Delegation, delegations)
	for i := range m.Bank.Stakes.Delegations.All {
		m.Bank.Stakes.Delegations.All[i].Stake = 3
	}
	b := encode(t, m)
	var got *Manifest
	allocated, _ := allocatedBy(func() error { got = decode(t, b); return nil })
	check(t, "count", got.Bank.Stakes.Delegations.Count, delegations)
	check(t, "stake", got.Bank.Stakes.Delegations.Stake, 3*delegations)
	checkSmall(t, allocated)
}
