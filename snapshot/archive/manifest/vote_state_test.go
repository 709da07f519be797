package manifest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"solsnap/snapshot"
)

// voteBytes writes vote states as Agave's VoteStateVersions has them.
type voteBytes struct {
	version       uint32
	commission    uint16 // basis points in version 3, else per cent
	bls           bool
	votes         []snapshot.Slot
	root          *snapshot.Slot
	voters        []AuthorizedVoter // only the first in version 0
	credits       []EpochCredits
	lastTimestamp BlockTimestamp
}

var (
	voteNodeKey  = Pubkey{1, 1}
	withdrawKey  = Pubkey{2, 2}
	firstVoter   = AuthorizedVoter{7, Pubkey{3, 3}}
	secondVoter  = AuthorizedVoter{9, Pubkey{4, 4}}
	someCredits  = []EpochCredits{{6, 100, 50}, {7, 160, 100}}
	someTime     = BlockTimestamp{98, -5}
	rootSlot     = snapshot.Slot(70)
	lastVote     = snapshot.Slot(99)
	someVotes    = []snapshot.Slot{97, 98, lastVote}
	priorVoters0 = make([]byte, 1800)
	priorVoters  = make([]byte, 1545)
)

func (v voteBytes) encode() []byte {
	b := append(le32(v.version), voteNodeKey[:]...)
	if v.version == voteV0_23_5 {
		b = append(b, v.voters[0].Voter[:]...)
		b = append(le64(b, v.voters[0].Epoch), priorVoters0...)
	}
	b = append(b, withdrawKey[:]...)
	b = v.appendVotes(v.appendCommission(b))
	if v.version != voteV0_23_5 {
		b = le64(b, uint64(len(v.voters)))
		for _, voter := range v.voters {
			b = append(le64(b, voter.Epoch), voter.Voter[:]...)
		}
	}
	if v.version == voteV1_14_11 || v.version == voteV3 {
		b = append(b, priorVoters...)
	}
	b = le64(b, uint64(len(v.credits)))
	for _, c := range v.credits {
		b = le64(b, c.Epoch, c.Credits, c.PrevCredits)
	}
	return le64(b, uint64(v.lastTimestamp.Slot), uint64(v.lastTimestamp.Timestamp))
}

func (v voteBytes) appendCommission(b []byte) []byte {
	if v.version != voteV4 {
		return append(b, byte(v.commission))
	}
	b = append(b, make([]byte, 64)...)
	b = binary.LittleEndian.AppendUint16(b, v.commission)
	b = binary.LittleEndian.AppendUint16(b, 1234)
	b = le64(b, 55)
	if v.bls {
		return append(append(b, 1), make([]byte, 48)...)
	}
	return append(b, 0)
}

func (v voteBytes) appendVotes(b []byte) []byte {
	b = le64(b, uint64(len(v.votes)))
	for i, slot := range v.votes {
		if v.version >= voteV3 {
			b = append(b, byte(i))
		}
		b = append(le64(b, uint64(slot)), le32(uint32(i))...)
	}
	if v.root == nil {
		return append(b, 0)
	}
	return le64(append(b, 1), uint64(*v.root))
}

func TestDecodeVoteState(t *testing.T) {
	full := VoteState{Node: voteNodeKey, AuthorizedWithdrawer: withdrawKey, Votes: 3, LastVote: &lastVote, RootSlot: &rootSlot,
		EpochCredits: someCredits, LastTimestamp: someTime}
	want := func(version uint32, bps, block uint16, voters ...AuthorizedVoter) VoteState {
		v := full
		v.Version, v.InflationRewardsCommissionBps, v.BlockRevenueCommissionBps, v.AuthorizedVoters = version, bps, block, voters
		return v
	}
	both := []AuthorizedVoter{firstVoter, secondVoter}
	for name, tt := range map[string]struct {
		data []byte
		want VoteState
	}{
		"V0_23_5": {voteBytes{0, 8, false, someVotes, &rootSlot, both[:1], someCredits, someTime}.encode(),
			want(0, 800, 0, firstVoter)},
		"V1_14_11": {voteBytes{1, 100, false, someVotes, &rootSlot, both, someCredits, someTime}.encode(),
			want(1, 10000, 0, both...)},
		"V3": {voteBytes{2, 255, false, someVotes, &rootSlot, both, someCredits, someTime}.encode(),
			want(2, 25500, 0, both...)},
		"V4": {voteBytes{3, 1050, false, someVotes, &rootSlot, both, someCredits, someTime}.encode(),
			want(3, 1050, 1234, both...)},
		"V4 with BLS key": {voteBytes{3, 1050, true, someVotes, &rootSlot, both, someCredits, someTime}.encode(),
			want(3, 1050, 1234, both...)},
		"fresh V3": {voteBytes{version: 2}.encode(), VoteState{Version: 2, Node: voteNodeKey, AuthorizedWithdrawer: withdrawKey}},
		"fresh V4": {voteBytes{version: 3}.encode(),
			VoteState{Version: 3, Node: voteNodeKey, AuthorizedWithdrawer: withdrawKey, BlockRevenueCommissionBps: 1234}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, padding := range []int{0, 1500} {
				got, err := DecodeVoteState(append(tt.data, make([]byte, padding)...))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
			checkVoteStateCuts(t, tt.data)
		})
	}
}

// checkVoteStateCuts cuts data short at every offset.
func checkVoteStateCuts(t *testing.T, data []byte) {
	t.Helper()
	for n := range data {
		if _, err := DecodeVoteState(data[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the first %d bytes of %d: %v, want unexpected EOF", n, len(data), err)
		}
	}
}

func TestVoteStateRefuses(t *testing.T) {
	whole := voteBytes{version: 3}.encode()
	const bls = 4 + 4*32 + 2 + 2 + 8
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":       {nil, "field version at offset 0"},
		"BLS tag":       {append(append(slices.Clone(whole[:bls]), 2), whole[bls+1:]...), "field bls_pubkey_compressed at offset 144: tag 2"},
		"huge votes":    {append(append(slices.Clone(whole[:bls+1]), le64(nil, math.MaxUint64)...), whole...), "field votes at offset 145"},
		"version 4":     {le32(4, 0, 0), "unknown vote state version 4"},
		"version 2^32-": {le32(math.MaxUint32), "unknown vote state version 4294967295"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeVoteState(tt.data)
			checkError(t, err, tt.want)
		})
	}
	v, err := DecodeVoteState(le32(9))
	check(t, "is ErrVoteVersion", errors.Is(err, ErrVoteVersion), true)
	check(t, "version", v.Version, 9)
}

// TestManifestTakesUnknownVoteStates: new versions come with the network, and
// are nobody's fault.
func TestManifestTakesUnknownVoteStates(t *testing.T) {
	m := made()
	data := append(le32(4), make([]byte, 100)...)
	m.Bank.Stakes.VoteAccounts[0].Account.Data = data
	m.Bank.Stakes.VoteAccounts[0].Node = Pubkey{}
	v := decode(t, encode(t, m)).Bank.Stakes.VoteAccounts[0]
	check(t, "node", v.Node, Pubkey{})
	check(t, "data", bytes.Equal(v.Account.Data, data), true)
	_, err := v.State()
	check(t, "is ErrVoteVersion", errors.Is(err, ErrVoteVersion), true)
}

func TestCommission(t *testing.T) {
	for bps, want := range map[uint16]uint8{0: 0, 1: 1, 99: 1, 100: 1, 101: 2, 1000: 10, 25500: 255, 25501: 255, math.MaxUint16: 255} {
		v := VoteState{InflationRewardsCommissionBps: bps}
		check(t, "commission", v.Commission(), want)
	}
}

func TestAuthorizedVoter(t *testing.T) {
	for name, voters := range map[string][]AuthorizedVoter{
		"ascending":  {firstVoter, secondVoter},
		"descending": {secondVoter, firstVoter},
	} {
		t.Run(name, func(t *testing.T) {
			v := VoteState{AuthorizedVoters: voters}
			_, ok := v.AuthorizedVoter(6)
			check(t, "anybody in epoch 6", ok, false)
			for epoch, want := range map[uint64]Pubkey{7: firstVoter.Voter, 8: firstVoter.Voter, 9: secondVoter.Voter, 1000: secondVoter.Voter} {
				got, ok := v.AuthorizedVoter(epoch)
				check(t, "somebody", ok, true)
				check(t, "voter", got, want)
			}
		})
	}
}

// TestRealVoteAccounts has the vote accounts of testnet around a block of June
// 2026, all of them V4.
func TestRealVoteAccounts(t *testing.T) {
	var accounts []struct {
		Slot  snapshot.Slot
		Owner string
		Data  json.RawMessage
	}
	if err := json.Unmarshal(fixture(t, "testnet-417955321/accounts.json.gz"), &accounts); err != nil {
		t.Fatal(err)
	}
	votes := 0
	for _, a := range accounts {
		if a.Owner != "Vote111111111111111111111111111111111111111" {
			continue
		}
		votes++
		v, err := DecodeVoteState(byteArray(a.Data))
		if err != nil {
			t.Fatal(err)
		}
		check(t, "version", v.Version, voteV4)
		if v.Votes == 0 || v.Votes > 31 || len(v.EpochCredits) > 64 || v.Commission() > 100 || v.LastTimestamp.Slot > *v.LastVote {
			t.Errorf("decoded %+v", v)
		}
		if *v.LastVote < 417900000 || *v.LastVote > 418000000 || *v.RootSlot > *v.LastVote-31 {
			t.Errorf("last vote %d, root %d", *v.LastVote, *v.RootSlot)
		}
		voter, ok := v.AuthorizedVoter(980)
		check(t, "has voter", ok && !voter.IsZero(), true)
	}
	check(t, "vote accounts", votes, 417)
}

// byteArray reads a compact JSON array of numbers up to 255, which encoding/json
// takes for no []byte, and slowly for anything else.
func byteArray(text json.RawMessage) (b []byte) {
	var n byte
	for _, char := range text {
		switch {
		case char >= '0' && char <= '9':
			n = 10*n + char - '0'
		case char == ',' || char == ']':
			b, n = append(b, n), 0
		}
	}
	return b
}

// TestGenesisVoteAccounts has vote accounts that public clusters were born with:
// V1_14_11 on mainnet and devnet, and on testnet data from before there were
// versions.
func TestGenesisVoteAccounts(t *testing.T) {
	for name, tt := range map[string]struct {
		genesis, account string
		known            bool
	}{
		"mainnet": {"genesis/mainnet_genesis.bin", "sCtiJieP8B3SwYnXemiLpRFRR8KJLMtsMVN25fAFWjW", true},
		"devnet":  {"genesis/devnet_genesis.bin", "5MMCR4NbTZqjthjLGywmeT66iwE9J9f7kjtxzJjwfUx2", true},
		"testnet": {"genesis/testnet_genesis.bin", "5rhxGv2XgBZCfo5u5hSXE1g5w7vrYSviwTfKc2rs23Av", false},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := DecodeVoteState(genesisData(t, fixture(t, tt.genesis), parseHash(t, tt.account)))
			if !tt.known {
				check(t, "is ErrVoteVersion", errors.Is(err, ErrVoteVersion), true)
				return
			}
			check(t, "error", err, nil)
			check(t, "version", v.Version, voteV1_14_11)
			check(t, "commission", v.Commission(), 100)
			check(t, "votes", v.Votes, 0)
			check(t, "has root", v.RootSlot == nil, true)
			check(t, "voters", len(v.AuthorizedVoters), 1)
			check(t, "voter is the node", v.AuthorizedVoters[0], AuthorizedVoter{0, v.Node})
		})
	}
}

// genesisData is an account's data in genesis.bin.
func genesisData(t *testing.T, genesis []byte, account snapshot.Hash) []byte {
	t.Helper()
	for rest := genesis; ; {
		at := bytes.Index(rest, account[:])
		if at < 0 {
			t.Fatalf("no account %s", account)
		}
		rest = rest[at+32:] // to the lamports, if this is no mere mention
		if size := binary.LittleEndian.Uint64(rest[8:]); size > 3000 && size < 4000 {
			return rest[16:][:size]
		}
	}
}

func FuzzDecodeVoteState(f *testing.F) {
	voters := []AuthorizedVoter{firstVoter, secondVoter}
	for version := range uint32(lastVoteVersion + 1) {
		f.Add(voteBytes{version, 8, true, someVotes, &rootSlot, voters, someCredits, someTime}.encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := DecodeVoteState(data)
		if err != nil {
			return
		}
		if (v.LastVote == nil) != (v.Votes == 0) {
			t.Errorf("%d votes, last %v", v.Votes, v.LastVote)
		}
		v.AuthorizedVoter(uint64(v.LastTimestamp.Slot))
		if got := voteNode(data); got != v.Node {
			t.Errorf("node %s, but %s by its place", v.Node, got)
		}
	})
}

func BenchmarkDecodeVoteState(b *testing.B) {
	voters := []AuthorizedVoter{firstVoter}
	data := append(voteBytes{3, 8, true, make([]snapshot.Slot, 31), &rootSlot, voters, make([]EpochCredits, 64), someTime}.encode(), make([]byte, 1000)...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeVoteState(data); err != nil {
			b.Fatal(err)
		}
	}
}
