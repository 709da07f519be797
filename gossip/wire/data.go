package wire

// Data is what a value says: one of *ContactInfo, *SnapshotHashes, *Vote,
// *LowestSlot, *EpochSlots, *DuplicateShred, *RestartLastVotedForkSlots,
// *RestartHeaviestFork, and in the Legacy dialect *LegacyContactInfo,
// *LegacySnapshotHashes, *LegacyVersion, *NodeInstance.
type Data interface {
	// Label is the key of a value with this data.
	Label() Label
	// When is the wallclock: the time of the origin.
	When() uint64
	walk(c *codec)
}

// data walks a tag and what belongs to it.
func (c *codec) data(d *Data) {
	var kind Kind
	if c.writing {
		kind = (*d).Label().Kind
	}
	c.uint32("kind", (*uint32)(&kind))
	if kind.Dead() && !c.legacy {
		c.fail(kind.String(), errDead)
	}
	if !c.writing && c.err == nil {
		*d = newData(kind)
	}
	if *d == nil {
		c.fail(kind.String(), errNoKind)
		return
	}
	c.enter(kind.String(), -1)
	(*d).walk(c)
	c.leave()
}

// newData is empty data of a kind, or nil when there is no such.
func newData(kind Kind) Data {
	switch kind {
	case KindContactInfo:
		return new(ContactInfo)
	case KindSnapshotHashes:
		return new(SnapshotHashes)
	case KindVote:
		return new(Vote)
	case KindLowestSlot:
		return new(LowestSlot)
	case KindEpochSlots:
		return new(EpochSlots)
	case KindDuplicateShred:
		return new(DuplicateShred)
	case KindRestartLastVotedForkSlots:
		return new(RestartLastVotedForkSlots)
	case KindRestartHeaviestFork:
		return new(RestartHeaviestFork)
	}
	return newLegacyData(kind)
}

// newLegacyData is empty data of a dead kind.
func newLegacyData(kind Kind) Data {
	switch kind {
	case KindLegacyContactInfo:
		return new(LegacyContactInfo)
	case KindLegacySnapshotHashes, KindAccountsHashes:
		return &LegacySnapshotHashes{Accounts: kind == KindAccountsHashes}
	case KindLegacyVersion:
		return new(LegacyVersion)
	case KindVersion:
		return &LegacyVersion{FeatureSet: new(uint32)}
	case KindNodeInstance:
		return new(NodeInstance)
	}
	return nil
}
