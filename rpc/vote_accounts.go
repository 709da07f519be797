package rpc

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// delinquentDistance is how many slots behind a vote account is delinquent:
// Agave's DELINQUENT_VALIDATOR_SLOT_DISTANCE.
const delinquentDistance = 128

// epochCreditsShown is how many epochs of credits a vote account shows: Agave's
// MAX_RPC_VOTE_ACCOUNT_INFO_EPOCH_CREDITS_HISTORY.
const epochCreditsShown = 5

// voteAccounts are the vote accounts of a bank, printed.
type voteAccounts struct {
	slot snapshot.Slot
	list []printedVote
	size int // of all texts together, with a comma each
	// usual is the answer to a request without wishes.
	usual json.RawMessage
}

// printedVote is what decides about a vote account, and its text.
type printedVote struct {
	key      manifest.Pubkey
	stake    uint64
	lastVote snapshot.Slot // 0 for none
	text     []byte
}

// voteAccount is an element of the answer of GetVoteAccounts.
type voteAccount struct {
	ActivatedStake                uint64          `json:"activatedStake"`
	Commission                    uint8           `json:"commission"`
	EpochCredits                  [][3]uint64     `json:"epochCredits"`
	EpochVoteAccount              bool            `json:"epochVoteAccount"`
	InflationRewardsCommissionBps uint16          `json:"inflationRewardsCommissionBps"`
	LastVote                      snapshot.Slot   `json:"lastVote"`
	NodePubkey                    manifest.Pubkey `json:"nodePubkey"`
	RootSlot                      snapshot.Slot   `json:"rootSlot"`
	VotePubkey                    manifest.Pubkey `json:"votePubkey"`
}

// newVoteAccounts prints the vote accounts in the order of the manifest. Those
// whose data are not understood are left out, and the logger told of.
func newVoteAccounts(m *manifest.Manifest, stakes *manifest.EpochStakes, logger *slog.Logger) *voteAccounts {
	members := make(map[manifest.Pubkey]bool, len(stakes.Stakes.VoteAccounts))
	for i := range stakes.Stakes.VoteAccounts {
		members[stakes.Stakes.VoteAccounts[i].Pubkey] = true
	}
	v := &voteAccounts{slot: m.Bank.Slot, list: make([]printedVote, 0, len(m.Bank.Stakes.VoteAccounts))}
	var left int
	var why error
	for i := range m.Bank.Stakes.VoteAccounts {
		account := &m.Bank.Stakes.VoteAccounts[i]
		state, err := account.State()
		if err != nil {
			left, why = left+1, err
			continue
		}
		p := printVote(account, &state, members[account.Pubkey])
		v.list, v.size = append(v.list, p), v.size+len(p.text)+1
	}
	if left > 0 {
		logger.Warn("vote accounts are not understood and left out of getVoteAccounts", "slot", m.Bank.Slot, "count", left, "err", why)
	}
	v.usual = v.print(voteAccountsConfig{}, nil)
	return v
}

func printVote(account *manifest.VoteAccount, state *manifest.VoteState, member bool) printedVote {
	shown := voteAccount{
		ActivatedStake:                account.Stake,
		Commission:                    state.Commission(),
		EpochCredits:                  [][3]uint64{},
		EpochVoteAccount:              member,
		InflationRewardsCommissionBps: state.InflationRewardsCommissionBps,
		NodePubkey:                    state.Node,
		VotePubkey:                    account.Pubkey,
	}
	if state.LastVote != nil {
		shown.LastVote = *state.LastVote
	}
	if state.RootSlot != nil {
		shown.RootSlot = *state.RootSlot
	}
	for _, c := range state.EpochCredits[max(0, len(state.EpochCredits)-epochCreditsShown):] {
		shown.EpochCredits = append(shown.EpochCredits, [3]uint64{c.Epoch, c.Credits, c.PrevCredits})
	}
	return printedVote{account.Pubkey, account.Stake, shown.LastVote, printed(shown)}
}

// print makes the answer of GetVoteAccounts, of all or of one.
func (v *voteAccounts) print(config voteAccountsConfig, only *manifest.Pubkey) json.RawMessage {
	distance := uint64(delinquentDistance)
	if config.DelinquentSlotDistance != nil {
		distance = *config.DelinquentSlotDistance
	}
	current := func(p *printedVote) bool { return p.lastVote > v.slot-min(v.slot, snapshot.Slot(distance)) }
	delinquent := func(p *printedVote) bool {
		return !current(p) && (p.stake > 0 || config.KeepUnstakedDelinquents != nil && *config.KeepUnstakedDelinquents)
	}
	text := make([]byte, 0, 64)
	if only == nil {
		text = make([]byte, 0, v.size+64)
	}
	text = v.appendWhere(append(text, `{"current":`...), only, current)
	text = v.appendWhere(append(text, `,"delinquent":`...), only, delinquent)
	return append(text, '}')
}

func (v *voteAccounts) appendWhere(text []byte, only *manifest.Pubkey, wanted func(*printedVote) bool) []byte {
	text = append(text, '[')
	first := true
	for i := range v.list {
		p := &v.list[i]
		if only != nil && p.key != *only || !wanted(p) {
			continue
		}
		if !first {
			text = append(text, ',')
		}
		text, first = append(text, p.text...), false
	}
	return append(text, ']')
}

// voteAccountsConfig is the parameter of GetVoteAccounts.
type voteAccountsConfig struct {
	_                       struct{} `serde:"RpcGetVoteAccountsConfig"`
	VotePubkey              *string  `param:"votePubkey"`
	KeepUnstakedDelinquents *bool    `param:"keepUnstakedDelinquents"`
	DelinquentSlotDistance  *uint64  `param:"delinquentSlotDistance"`
}

// usual reports that nothing is asked for but what everybody gets.
func (c voteAccountsConfig) usual() bool {
	return c.VotePubkey == nil && c.KeepUnstakedDelinquents == nil && c.DelinquentSlotDistance == nil
}

// GetVoteAccounts lists the vote accounts that vote and those that do not, as
// the bank saw them: the longer ago that was, the more of them have voted since.
func (b BankMethods) GetVoteAccounts(_ *http.Request, params *Params, result *any) error {
	var config voteAccountsConfig
	if err := params.Decode(0, &config); err != nil {
		return err
	}
	only, err := optionalPubkey(config.VotePubkey)
	if err != nil {
		return err
	}
	bank, err := b.current()
	switch {
	case err != nil:
		return err
	case bank.votes == nil:
		return errInvalidRequest
	case config.usual():
		*result = bank.votes.usual
	default:
		*result = bank.votes.print(config, only)
	}
	return nil
}
