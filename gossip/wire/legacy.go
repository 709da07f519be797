package wire

import "net/netip"

// LegacyContactInfo is who and where a node was, until 2025.
type LegacyContactInfo struct {
	ID Pubkey
	// Sockets are, in order: gossip, tvu, tvu_quic, serve_repair_quic, tpu,
	// tpu_forwards, tpu_vote, rpc, rpc_pubsub, serve_repair. An unset one is
	// 0.0.0.0:0.
	Sockets      [10]netip.AddrPort
	Wallclock    uint64
	ShredVersion uint16
}

// Label is that of the node.
func (n *LegacyContactInfo) Label() Label { return Label{Kind: KindLegacyContactInfo, Origin: n.ID} }

// When is the wallclock.
func (n *LegacyContactInfo) When() uint64 { return n.Wallclock }

func (n *LegacyContactInfo) walk(c *codec) {
	c.array("id", n.ID[:])
	for i := range n.Sockets {
		c.addressPort("socket", &n.Sockets[i])
	}
	c.wallclock(&n.Wallclock)
	c.uint16("shred_version", &n.ShredVersion)
}

// LegacySnapshotHashes is which snapshots a node served, until 1.17, and
// AccountsHashes which hashes of all accounts it had computed.
type LegacySnapshotHashes struct {
	Accounts  bool // it is AccountsHashes
	From      Pubkey
	Hashes    []SlotHash
	Wallclock uint64
}

// Label is that of the node.
func (s *LegacySnapshotHashes) Label() Label {
	if s.Accounts {
		return Label{Kind: KindAccountsHashes, Origin: s.From}
	}
	return Label{Kind: KindLegacySnapshotHashes, Origin: s.From}
}

// When is the wallclock.
func (s *LegacySnapshotHashes) When() uint64 { return s.Wallclock }

func (s *LegacySnapshotHashes) walk(c *codec) {
	c.array("from", s.From[:])
	list(c, "hashes", 40, &s.Hashes)
	c.wallclock(&s.Wallclock)
}

// LegacyVersion is a node's software, until it moved to ContactInfo. With a
// feature set it is the kind Version.
type LegacyVersion struct {
	From                Pubkey
	Wallclock           uint64
	Major, Minor, Patch uint16
	Commit              *uint32
	FeatureSet          *uint32
}

// Label is that of the node.
func (v *LegacyVersion) Label() Label {
	if v.FeatureSet != nil {
		return Label{Kind: KindVersion, Origin: v.From}
	}
	return Label{Kind: KindLegacyVersion, Origin: v.From}
}

// When is the wallclock.
func (v *LegacyVersion) When() uint64 { return v.Wallclock }

func (v *LegacyVersion) walk(c *codec) {
	c.array("from", v.From[:])
	c.wallclock(&v.Wallclock)
	c.uint16("major", &v.Major)
	c.uint16("minor", &v.Minor)
	c.uint16("patch", &v.Patch)
	some := v.Commit != nil
	c.bool("commit", &some)
	if some && !c.writing {
		v.Commit = new(uint32)
	}
	if some {
		c.uint32("commit", v.Commit)
	}
	if v.FeatureSet != nil {
		c.uint32("feature_set", v.FeatureSet)
	}
}

// NodeInstance is one run of a node, by which duplicates were told until 2025.
type NodeInstance struct {
	From      Pubkey
	Wallclock uint64
	Timestamp uint64
	Token     uint64
}

// Label is that of the node.
func (n *NodeInstance) Label() Label { return Label{Kind: KindNodeInstance, Origin: n.From} }

// When is the wallclock.
func (n *NodeInstance) When() uint64 { return n.Wallclock }

func (n *NodeInstance) walk(c *codec) {
	c.array("from", n.From[:])
	c.wallclock(&n.Wallclock)
	c.uint64("timestamp", &n.Timestamp)
	c.uint64("token", &n.Token)
}
