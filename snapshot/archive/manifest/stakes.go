package manifest

import (
	"encoding/binary"
	"fmt"
	"math"
)

// maxAccountData is the most data that an account has, MAX_PERMITTED_DATA_LENGTH
// of Agave.
const maxAccountData = 10 << 20

// Stakes are the stakes of one moment: Agave's stakes cache.
type Stakes struct {
	VoteAccounts []VoteAccount
	Delegations  Delegations
	Unused       uint64
	// Epoch is the bank's, or in epoch stakes on real clusters one less than
	// the epoch that they are for.
	Epoch uint64
	// History has the newest epoch first.
	History []StakeHistory
}

// VoteAccount is a vote account and the stake delegated to it.
type VoteAccount struct {
	Pubkey Pubkey
	// Stake is in lamports.
	Stake uint64
	// Node is the identity that Account.Data names, zero where it does not say.
	// Encode ignores it.
	Node Pubkey
	// Account lacks its Data in the epoch stakes of a Partial manifest.
	Account Account
}

// Account is an account as a manifest embeds it.
type Account struct {
	Lamports   uint64
	Data       []byte
	Owner      Pubkey
	Executable bool
	RentEpoch  uint64
}

// State decodes the account's data; see DecodeVoteState.
func (v *VoteAccount) State() (VoteState, error) { return DecodeVoteState(v.Account.Data) }

// StakeHistory is the cluster's stake in one epoch, in lamports.
type StakeHistory struct {
	Epoch        uint64
	Effective    uint64
	Activating   uint64
	Deactivating uint64
}

// TotalStake is the stake of all vote accounts together in lamports, at most
// the largest uint64.
func (s *Stakes) TotalStake() uint64 {
	var total uint64
	for i := range s.VoteAccounts {
		total = saturatingAdd(total, s.VoteAccounts[i].Stake)
	}
	return total
}

// VoteAccount finds a vote account by its address, in time linear to their
// number.
func (s *Stakes) VoteAccount(key Pubkey) (*VoteAccount, bool) {
	for i := range s.VoteAccounts {
		if s.VoteAccounts[i].Pubkey == key {
			return &s.VoteAccounts[i], true
		}
	}
	return nil, false
}

// walk walks stakes whose delegations have the given form.
func (s *Stakes) walk(c *codec, form delegationForm) {
	list(c, "vote_accounts", 97, &s.VoteAccounts, func(v *VoteAccount) { v.walk(c, form) })
	s.Delegations.walk(c, form)
	uint64Field(c, "unused", &s.Unused)
	uint64Field(c, "epoch", &s.Epoch)
	list(c, "stake_history", 32, &s.History, func(h *StakeHistory) {
		uint64Field(c, "epoch", &h.Epoch)
		uint64Field(c, "effective", &h.Effective)
		uint64Field(c, "activating", &h.Activating)
		uint64Field(c, "deactivating", &h.Deactivating)
	})
}

func (v *VoteAccount) walk(c *codec, form delegationForm) {
	c.array("pubkey", v.Pubkey[:])
	uint64Field(c, "stake", &v.Stake)
	uint64Field(c, "lamports", &v.Account.Lamports)
	v.walkData(c, form)
	c.array("owner", v.Account.Owner[:])
	c.bool("executable", &v.Account.Executable)
	uint64Field(c, "rent_epoch", &v.Account.RentEpoch)
}

// walkData keeps the data of the bank's vote accounts. In the epoch stakes there
// are several copies of each, of which one field is asked for.
func (v *VoteAccount) walkData(c *codec, form delegationForm) {
	if !c.reading() {
		c.write64(uint64(len(v.Account.Data)))
		c.array("data", v.Account.Data)
		return
	}
	size := c.in.count("data", 1)
	if size > maxAccountData {
		c.in.fail("data", fmt.Errorf("%d bytes, want at most %d", size, maxAccountData))
		return
	}
	if c.whole || form == bankDelegation {
		v.Account.Data = c.in.bytes("data", size)
		v.Node = voteNode(v.Account.Data)
		return
	}
	head := min(size, voteNodeEnd)
	v.Node = voteNode(c.in.take("data", int(head)))
	c.in.skip("data", size-head)
	c.dropped = c.dropped || size > 0
}

// delegationForm is how many bytes a delegation has on the wire, by which the
// two forms of stakes differ.
type delegationForm int64

const (
	bankDelegation  delegationForm = 96
	epochDelegation delegationForm = bankDelegation + 8 // with credits observed
)

// Delegations are what stake accounts delegate.
type Delegations struct {
	// Count and Stake, in lamports, are those of all of them. Encode ignores
	// both.
	Count uint64
	Stake uint64
	// All is empty in a Partial manifest. It is always empty in the epoch
	// stakes that Agave writes today.
	All []Delegation
}

// Delegation is one stake account's.
type Delegation struct {
	StakeAccount Pubkey
	Voter        Pubkey
	// Stake is in lamports.
	Stake uint64
	// ActivationEpoch is the largest uint64 for stake since genesis.
	ActivationEpoch uint64
	// DeactivationEpoch is the largest uint64 while there is none.
	DeactivationEpoch uint64
	// WarmupCooldownRate is obsolete: 0 in new delegations.
	WarmupCooldownRate float64
	// CreditsObserved is only in epoch stakes, and 0 elsewhere.
	CreditsObserved uint64
}

func (d *Delegations) walk(c *codec, form delegationForm) {
	const name = "stake_delegations"
	if !c.reading() || c.whole {
		list(c, name, int64(form), &d.All, func(one *Delegation) { one.walk(c, form) })
	}
	switch {
	case !c.reading():
	case c.whole:
		for i := range d.All {
			d.add(&d.All[i])
		}
	default:
		var one Delegation
		c.each(name, int64(form), func() {
			one.walk(c, form)
			d.add(&one)
			c.dropped = true
		})
	}
}

func (d *Delegations) add(one *Delegation) {
	d.Count++
	d.Stake = saturatingAdd(d.Stake, one.Stake)
}

func (d *Delegation) walk(c *codec, form delegationForm) {
	c.array("stake_pubkey", d.StakeAccount[:])
	c.array("voter_pubkey", d.Voter[:])
	uint64Field(c, "stake", &d.Stake)
	uint64Field(c, "activation_epoch", &d.ActivationEpoch)
	uint64Field(c, "deactivation_epoch", &d.DeactivationEpoch)
	c.float64("warmup_cooldown_rate", &d.WarmupCooldownRate)
	if form == epochDelegation {
		uint64Field(c, "credits_observed", &d.CreditsObserved)
	}
}

// voteNodeEnd is where the node's identity ends in every version of the vote
// state so far.
const voteNodeEnd = 4 + 32

// voteNode is the identity in the head of a vote account's data.
func voteNode(data []byte) (node Pubkey) {
	if len(data) >= voteNodeEnd && binary.LittleEndian.Uint32(data) <= lastVoteVersion {
		copy(node[:], data[4:])
	}
	return node
}

func saturatingAdd(a, b uint64) uint64 {
	if b > math.MaxUint64-a {
		return math.MaxUint64
	}
	return a + b
}
