// Package crds is the replicated table of Solana's gossip: of every label the
// value that won, and for a while the hashes of those that lost. What wins, and
// what is forgotten when, is as in Agave gossip/src/crds.rs and
// crds_gossip_pull.rs.
//
// It is a data structure: it knows no socket, clock or key, takes only what is
// proven (wire.Verified), and has one owner. Times are milliseconds since 1970.
// Everything in it is bounded, see Limits.
package crds

import (
	"iter"
	"math/rand/v2"

	"solsnap/gossip/wire"
)

// Table is the replicated table. It has one owner.
type Table struct {
	self   wire.Pubkey
	limits Limits
	now    uint64 // as last told
	random func() uint64

	values *list[entry] // by rising ordinal
	shards [numShards][]uint32
	counts [wire.KindRestartHeaviestFork + 1]int

	origins *list[origin]
	places  map[wire.Pubkey]uint32 // of origins
	ranking ranking
	stakes  map[wire.Pubkey]uint64 // the caller's, never modified

	purged, failed *recent
	refused        *list[refusal] // the one that came last is last

	ordinal  uint64 // of the value inserted last
	cursor   uint32 // about where Since ended: a value, or 0
	revision uint64

	// Owned by Expire: who was looked at last, how many origins there were when it
	// began at the first, and when it was last called.
	hand     uint32
	lap      int
	expireAt uint64

	evicted, expired, trimmed uint64
}

// entry is a value in the table.
type entry struct {
	value   wire.Verified
	local   uint64 // when it came, or its origin was touched
	ordinal uint64
	origin  uint32
	pushes  uint8 // receptions by push
}

// NewTable is an empty table. What is self's is never removed.
func NewTable(self wire.Pubkey, limits Limits) *Table {
	limits = limits.withDefaults()
	return &Table{
		self: self, limits: limits, random: rand.Uint64,
		values: newList[entry](), origins: newList[origin](), refused: newList[refusal](),
		places: make(map[wire.Pubkey]uint32),
		purged: newRecent(purgedFor, limits.Purged), failed: newRecent(failedFor, limits.Failed),
	}
}

// SetRandom is for whoever wants all chance to come from one source.
func (t *Table) SetRandom(random func() uint64) { t.random = random }

// Get is the value with a label.
func (t *Table) Get(label wire.Label) (wire.Verified, bool) {
	if place := t.find(label); place != 0 {
		return t.values.at(place).value, true
	}
	return wire.Verified{}, false
}

// find is the place of the value with a label, and 0 if there is none.
func (t *Table) find(label wire.Label) uint32 {
	if o := t.origin(label.Origin); o != nil {
		return o.values.find(short(label))
	}
	return 0
}

// Has reports whether there is any value of an origin. Values of other kinds than
// ContactInfo are taken from such origins only.
func (t *Table) Has(origin wire.Pubkey) bool { return t.places[origin] != 0 }

// Node is a ContactInfo in the table.
type Node struct {
	// Info is shared, and never modified.
	Info *wire.ContactInfo
	// Received is when it came, or when its origin was last touched.
	Received uint64
}

// ContactInfo is who and where an origin is.
func (t *Table) ContactInfo(origin wire.Pubkey) (Node, bool) {
	if o := t.origin(origin); o != nil {
		return t.node(o)
	}
	return Node{}, false
}

func (t *Table) node(o *origin) (Node, bool) {
	place := o.values.find(contactInfo)
	if place == 0 {
		return Node{}, false
	}
	e := t.values.at(place)
	if o.info == nil {
		o.info = e.value.ContactInfo()
	}
	return Node{o.info, e.local}, true
}

// contactInfo and snapshotHashes are the labels that an origin has one of.
var (
	contactInfo    = short(wire.Label{Kind: wire.KindContactInfo})
	snapshotHashes = short(wire.Label{Kind: wire.KindSnapshotHashes})
)

// Nodes are all ContactInfos. The table must be left alone meanwhile.
func (t *Table) Nodes() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for _, o := range t.origins.all() {
			if n, ok := t.node(o); ok && !yield(n) {
				return
			}
		}
	}
}

// SnapshotHashes is which snapshots an origin serves. It is shared, and never
// modified.
func (t *Table) SnapshotHashes(origin wire.Pubkey) (*wire.SnapshotHashes, bool) {
	o := t.origin(origin)
	if o == nil {
		return nil, false
	}
	place := o.values.find(snapshotHashes)
	if place == 0 {
		return nil, false
	}
	if o.snapshots == nil {
		o.snapshots = t.values.at(place).value.SnapshotHashes()
	}
	return o.snapshots, true
}

// Revision changes whenever a ContactInfo or SnapshotHashes is inserted, replaced
// or removed, so that who shows them need look again only then.
func (t *Table) Revision() uint64 { return t.revision }
