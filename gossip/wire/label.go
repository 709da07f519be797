package wire

import "fmt"

// Kind says what a value is (Agave gossip/src/crds_data.rs, CrdsData).
type Kind uint32

// The kinds. Those called dead make other nodes refuse the packet that carries
// one.
const (
	KindLegacyContactInfo         Kind = iota // dead
	KindVote                                  // a vote transaction, of the last few
	KindLowestSlot                            // the lowest slot of a validator's ledger
	KindLegacySnapshotHashes                  // dead
	KindAccountsHashes                        // dead
	KindEpochSlots                            // which slots a validator has
	KindLegacyVersion                         // dead
	KindVersion                               // dead
	KindNodeInstance                          // dead
	KindDuplicateShred                        // a piece of a proof that a leader made two blocks
	KindSnapshotHashes                        // which snapshots a node serves
	KindContactInfo                           // who and where a node is
	KindRestartLastVotedForkSlots             // for restarting a halted cluster; deprecated
	KindRestartHeaviestFork                   // for restarting a halted cluster; deprecated
)

var kindNames = [...]string{
	"LegacyContactInfo", "Vote", "LowestSlot", "LegacySnapshotHashes", "AccountsHashes", "EpochSlots", "LegacyVersion",
	"Version", "NodeInstance", "DuplicateShred", "SnapshotHashes", "ContactInfo", "RestartLastVotedForkSlots", "RestartHeaviestFork",
}

// String is Agave's name of the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint32(k))
}

// Dead reports whether other nodes refuse a packet because of such a value.
func (k Kind) Dead() bool {
	switch k {
	case KindLegacyContactInfo, KindLegacySnapshotHashes, KindAccountsHashes, KindLegacyVersion, KindVersion, KindNodeInstance:
		return true
	}
	return false
}

// Deprecated reports whether such a value is pushed but never given to those who
// pull.
func (k Kind) Deprecated() bool {
	return k == KindRestartLastVotedForkSlots || k == KindRestartHeaviestFork
}

// Label is the key of a value: of two values with the same label a node keeps
// one (Agave, CrdsValueLabel).
type Label struct {
	Kind Kind
	// Index tells a node's votes, epoch slots and duplicate shreds apart. It is 0
	// for other kinds.
	Index uint16
	// Origin is who signs.
	Origin Pubkey
}

// String names the kind, the index and the origin.
func (l Label) String() string {
	return fmt.Sprintf("%v %d of %v", l.Kind, l.Index, l.Origin)
}
