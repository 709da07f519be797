package archive

import "solsnap/snapshot"

// Container is what the walk over an archive learnt of its packing, apart from
// what is in the members. It is whole once Next has returned io.EOF.
type Container struct {
	Compression Compression
	Headers     HeaderStyle
	// Entries counts the members and the directories.
	Entries     int
	Directories int
	// Version, Manifest, StatusCache tell that there is such a member, and which
	// entry it is, from 1 on.
	Version, Manifest, StatusCache int
	// Storages counts the account storages. FirstStorage and LastStorage are the
	// entries that are the first and the last of them.
	Storages                  int
	FirstStorage, LastStorage int
	// LowestSlot and HighestSlot are those of the storages.
	LowestSlot, HighestSlot snapshot.Slot
	ManifestSlot            snapshot.Slot
	// NULTypes counts the storages whose headers give no type, as Agave's own do.
	NULTypes int
	// Sparse counts the GNU sparse members.
	Sparse int
	// Size is the sum of the members' sizes and Stored what the tar holds of
	// them, in bytes.
	Size, Stored int64
	// Trailing counts the bytes after the two zero blocks. Agave ignores them.
	// Garbage tells that they are not all zero.
	Trailing int64
	Garbage  bool
}

// ManifestFirst reports that the manifest comes before every storage, so that it
// can judge them as they come. Every known writer does so; no reader of ours
// depends on it.
func (c *Container) ManifestFirst() bool {
	return c.Manifest > 0 && (c.Storages == 0 || c.Manifest < c.FirstStorage)
}

// StatusCacheLast reports that the status cache comes after every storage.
func (c *Container) StatusCacheLast() bool {
	return c.Storages > 0 && c.StatusCache > c.LastStorage
}

// Producer is a guess at the kind of program that packed an archive.
type Producer string

// The producers that can be told apart.
const (
	Agave          Producer = "agave"
	FiredancerLike Producer = "firedancer-like"
	OtherProducer  Producer = "other"
)

// Producer guesses from the headers and the order. Agave leaves the type of
// storages NUL; Firedancer gives every storage the snapshot's own slot, and puts
// the status cache last. After a part of the archive it guesses from that. A guess
// is for people to read: anybody can pack like anybody else.
func (c *Container) Producer() Producer {
	if c.Headers != HeadersGNU || c.Version != 1 || c.Storages == 0 {
		return OtherProducer
	}
	oneSlot := c.LowestSlot == c.ManifestSlot && c.HighestSlot == c.ManifestSlot
	switch {
	case c.NULTypes == c.Storages && c.StatusCache < c.FirstStorage:
		return Agave
	case c.NULTypes == 0 && oneSlot && c.ManifestFirst() && (c.StatusCache == 0 || c.StatusCacheLast()):
		return FiredancerLike
	}
	return OtherProducer
}

// add counts an entry that was accepted.
func (c *Container) add(h tarHeader, m Member) {
	c.Entries++
	c.Size += m.Size
	c.Stored += m.Stored
	if c.Headers == HeadersNone {
		c.Headers = h.style
	} else if c.Headers != h.style {
		c.Headers = HeadersMixed
	}
	if h.typeflag == typeSparse {
		c.Sparse++
	}
	switch m.Kind {
	case memberDirectory:
		c.Directories++
	case VersionMember:
		c.Version = c.Entries
	case StatusCacheMember:
		c.StatusCache = c.Entries
	case ManifestMember:
		c.Manifest, c.ManifestSlot = c.Entries, m.Slot
	case StorageMember:
		c.addStorage(h, m)
	}
}

func (c *Container) addStorage(h tarHeader, m Member) {
	c.Storages++
	c.LastStorage = c.Entries
	c.HighestSlot = max(c.HighestSlot, m.Slot)
	if c.Storages == 1 {
		c.FirstStorage, c.LowestSlot = c.Entries, m.Slot
	}
	c.LowestSlot = min(c.LowestSlot, m.Slot)
	if h.typeflag == typeNUL {
		c.NULTypes++
	}
}
