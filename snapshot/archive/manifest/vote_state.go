package manifest

import (
	"errors"
	"fmt"
	"math"

	"solsnap/snapshot"
)

// The versions of a vote account's data, Agave's VoteStateVersions.
const (
	voteV0_23_5     = 0
	voteV1_14_11    = 1
	voteV3          = 2
	voteV4          = 3 // SIMD-0185
	lastVoteVersion = voteV4
)

// ErrVoteVersion means that a vote account's data is of a version that is not
// known here. It is no reason to distrust anything else.
var ErrVoteVersion = errors.New("unknown vote state version")

// VoteState is what is asked about a vote account.
type VoteState struct {
	// Version is that of the data: 0, 1, 2 (V3) or 3 (V4).
	Version uint32
	// Node is the identity of the node that votes.
	Node                 Pubkey
	AuthorizedWithdrawer Pubkey
	// InflationRewardsCommissionBps is in basis points; before V4 it is 100
	// times the percentage.
	InflationRewardsCommissionBps uint16
	// BlockRevenueCommissionBps is in basis points, 0 before V4.
	BlockRevenueCommissionBps uint16
	// Votes is how many votes are not rooted yet.
	Votes int
	// LastVote is nil while there is no vote.
	LastVote *snapshot.Slot
	// RootSlot is nil while there is none.
	RootSlot *snapshot.Slot
	// AuthorizedVoters are in ascending order of Epoch.
	AuthorizedVoters []AuthorizedVoter
	// EpochCredits has the oldest epoch first.
	EpochCredits []EpochCredits
	// LastTimestamp is the slot of the last timestamp, and it in Unix seconds.
	LastTimestamp BlockTimestamp
}

// AuthorizedVoter is who signs votes from an epoch on.
type AuthorizedVoter struct {
	Epoch uint64
	Voter Pubkey
}

// EpochCredits are the credits at the end of an epoch, and of the one before.
type EpochCredits struct {
	Epoch       uint64
	Credits     uint64
	PrevCredits uint64
}

// BlockTimestamp is what a vote said of the time.
type BlockTimestamp struct {
	Slot      snapshot.Slot
	Timestamp int64
}

// Commission is the commission in per cent, rounded up, at most 255. Before V4
// it is exact.
func (v *VoteState) Commission() uint8 {
	return uint8(min(math.MaxUint8, (uint32(v.InflationRewardsCommissionBps)+99)/100))
}

// AuthorizedVoter is who signs votes in the epoch, or false when nobody does.
func (v *VoteState) AuthorizedVoter(epoch uint64) (Pubkey, bool) {
	var found *AuthorizedVoter
	for i := range v.AuthorizedVoters {
		if a := &v.AuthorizedVoters[i]; a.Epoch <= epoch && (found == nil || a.Epoch >= found.Epoch) {
			found = a
		}
	}
	if found == nil {
		return Pubkey{}, false
	}
	return found.Voter, true
}

// DecodeVoteState decodes a vote account's data, which is usually longer than
// the state in it. For a version that is not known the error wraps
// ErrVoteVersion, and Version is set.
func DecodeVoteState(data []byte) (VoteState, error) {
	c := &cursor{buf: data, size: int64(len(data)), budget: int64(len(data))}
	v := VoteState{Version: c.uint32("version")}
	if c.err == nil && v.Version > lastVoteVersion {
		return v, fmt.Errorf("%w %d", ErrVoteVersion, v.Version)
	}
	v.decode(c)
	if c.err != nil {
		return VoteState{}, fmt.Errorf("decode vote state: %w", c.err)
	}
	return v, nil
}

// decode takes what follows the version.
func (v *VoteState) decode(c *cursor) {
	v.Node = c.pubkey("node_pubkey")
	if v.Version == voteV0_23_5 {
		v.decodeFirstVoter(c)
	}
	v.AuthorizedWithdrawer = c.pubkey("authorized_withdrawer")
	v.decodeCommission(c)
	v.decodeVotes(c)
	v.RootSlot = (*snapshot.Slot)(c.optionalUint64("root_slot"))
	if v.Version != voteV0_23_5 {
		v.decodeVoters(c)
	}
	v.decodeCredits(c)
	v.LastTimestamp = BlockTimestamp{snapshot.Slot(c.uint64("last_timestamp.slot")), int64(c.uint64("last_timestamp.timestamp"))}
}

// decodeFirstVoter takes the only voter of version 0, and the 32 before.
func (v *VoteState) decodeFirstVoter(c *cursor) {
	voter := c.pubkey("authorized_voter")
	v.AuthorizedVoters = []AuthorizedVoter{{Epoch: c.uint64("authorized_voter_epoch"), Voter: voter}}
	c.skip("prior_voters", 32*(32+3*8)+8)
}

// decodeCommission takes the commission, and what version 4 has around it.
func (v *VoteState) decodeCommission(c *cursor) {
	if v.Version != voteV4 {
		v.InflationRewardsCommissionBps = 100 * uint16(c.uint8("commission"))
		return
	}
	c.skip("inflation_rewards_collector", 32)
	c.skip("block_revenue_collector", 32)
	v.InflationRewardsCommissionBps = c.uint16("inflation_rewards_commission_bps")
	v.BlockRevenueCommissionBps = c.uint16("block_revenue_commission_bps")
	c.skip("pending_delegator_rewards", 8)
	if c.bool("bls_pubkey_compressed") {
		c.skip("bls_pubkey_compressed", 48)
	}
}

// decodeVotes keeps the slot of the last vote. Up to version 1 a vote had no
// latency.
func (v *VoteState) decodeVotes(c *cursor) {
	latency := int64(1)
	if v.Version <= voteV1_14_11 {
		latency = 0
	}
	n := c.count("votes", latency+8+4)
	var last snapshot.Slot
	for v.Votes = 0; int64(v.Votes) < n && c.err == nil; v.Votes++ {
		c.skip("votes.latency", latency)
		last = snapshot.Slot(c.uint64("votes.slot"))
		c.skip("votes.confirmation_count", 4)
	}
	if v.Votes > 0 {
		v.LastVote = &last
	}
}

// decodeVoters takes the voters of this and coming epochs, and drops those of
// the past, which version 4 no longer has.
func (v *VoteState) decodeVoters(c *cursor) {
	n := c.count("authorized_voters", 8+32)
	for i := int64(0); i < n && c.err == nil; i++ {
		epoch := c.uint64("authorized_voters.epoch")
		v.AuthorizedVoters = append(v.AuthorizedVoters, AuthorizedVoter{Epoch: epoch, Voter: c.pubkey("authorized_voters.voter")})
	}
	if v.Version != voteV4 {
		c.skip("prior_voters", 32*(32+2*8)+8+1)
	}
}

func (v *VoteState) decodeCredits(c *cursor) {
	n := c.count("epoch_credits", 3*8)
	for i := int64(0); i < n && c.err == nil; i++ {
		v.EpochCredits = append(v.EpochCredits, EpochCredits{
			Epoch:       c.uint64("epoch_credits.epoch"),
			Credits:     c.uint64("epoch_credits.credits"),
			PrevCredits: c.uint64("epoch_credits.prev_credits"),
		})
	}
}
