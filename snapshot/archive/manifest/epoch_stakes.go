package manifest

import (
	"errors"
	"fmt"
)

// minEpochStakes is the size of epoch stakes in which nothing is staked.
const minEpochStakes = 76

// EpochStakes are the stakes that decide who leads in an epoch, and how much a
// vote counts: those of one epoch before.
type EpochStakes struct {
	// Epoch is the one that they are for.
	Epoch  uint64
	Stakes Stakes
	// TotalStake is in lamports.
	TotalStake uint64
	Nodes      []NodeVoteAccounts
	// AuthorizedVoters says who signs for each vote account in the epoch.
	AuthorizedVoters []EpochAuthorizedVoter
}

// NodeVoteAccounts are the vote accounts of one node.
type NodeVoteAccounts struct {
	Node         Pubkey
	VoteAccounts []Pubkey
	// TotalStake is in lamports.
	TotalStake uint64
}

// EpochAuthorizedVoter is who signs for a vote account.
type EpochAuthorizedVoter struct {
	VoteAccount Pubkey
	Voter       Pubkey
}

func (s *EpochStakes) walk(c *codec) {
	uint64Field(c, "epoch", &s.Epoch)
	s.walkVariant(c)
	c.within("stakes", func() { s.Stakes.walk(c, epochDelegation) })
	uint64Field(c, "total_stake", &s.TotalStake)
	list(c, "node_id_to_vote_accounts", 48, &s.Nodes, func(n *NodeVoteAccounts) {
		c.array("node_id", n.Node[:])
		list(c, "vote_accounts", 32, &n.VoteAccounts, func(k *Pubkey) { c.array("vote_pubkey", k[:]) })
		uint64Field(c, "total_stake", &n.TotalStake)
	})
	list(c, "epoch_authorized_voters", 64, &s.AuthorizedVoters, func(v *EpochAuthorizedVoter) {
		c.array("vote_pubkey", v.VoteAccount[:])
		c.array("authorized_voter", v.Voter[:])
	})
}

// walkVariant walks the discriminant of VersionedEpochStakes, whose only variant
// is Current.
func (s *EpochStakes) walkVariant(c *codec) {
	var variant uint32
	c.uint32("variant", &variant)
	if c.reading() && variant != 0 {
		c.in.fail("variant", fmt.Errorf("%d, want 0", variant))
	}
}

// ErrNoEpochStakes means that a manifest has no epoch stakes for the epoch: it
// is too old, too far ahead, or nobody has stake in it.
var ErrNoEpochStakes = errors.New("no epoch stakes")

// EpochStakes are those for an epoch. The error wraps ErrNoEpochStakes and says
// which there are.
func (m *Manifest) EpochStakes(epoch uint64) (*EpochStakes, error) {
	have := make([]uint64, 0, len(m.Extra.EpochStakes))
	for i := range m.Extra.EpochStakes {
		if s := &m.Extra.EpochStakes[i]; s.Epoch == epoch {
			return s, nil
		}
		have = append(have, m.Extra.EpochStakes[i].Epoch)
	}
	return nil, fmt.Errorf("%w for epoch %d, only for %d", ErrNoEpochStakes, epoch, have)
}
