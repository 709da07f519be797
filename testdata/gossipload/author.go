//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"solsnap/gossip/wire"
)

// value is a signed value, as it goes over the wire.
type value struct {
	bytes []byte
	hash  wire.Hash
	when  uint64
}

// author writes and signs the values of all nodes. It has one owner.
type author struct {
	cluster *cluster
	random  *rand.ChaCha8
	quick   quickSigner
}

func newAuthor(c *cluster, random *rand.ChaCha8) *author {
	return &author{cluster: c, random: random, quick: quickSigner{nonces: c.nonces, random: random}}
}

// write makes a new value of a node. What is the bulk of all values is made of
// templates.
func (a *author) write(kind wire.Kind, node int32, index int, when uint64) (value, error) {
	if template := a.cluster.nodes[node].templates[kind]; template != nil {
		b := bytes.Clone(template)
		fillIn(b, kind, index, when)
		a.quick.sign(a.cluster.nodes[node].nonce, b)
		return value{b, sha256.Sum256(b), when}, nil
	}
	v, err := wire.Sign(a.cluster.nodes[node].key, a.data(kind, node, index, when))
	return value{v.Bytes(), v.Hash(), when}, err
}

// fillIn changes the index and the wallclock of a value, which every template has
// at the same place.
func fillIn(b []byte, kind wire.Kind, index int, when uint64) {
	const data = 64 + 4 // behind signature and tag
	if kind == wire.KindContactInfo {
		binary.PutUvarint(b[data+32:], when) // six bytes, now and for long
		return
	}
	b[data] = byte(index)
	binary.LittleEndian.PutUint64(b[len(b)-8:], when)
}

// data is what a node has to say.
func (a *author) data(kind wire.Kind, node int32, index int, when uint64) wire.Data {
	n := &a.cluster.nodes[node]
	switch kind {
	case wire.KindContactInfo:
		return n.contactInfo(when)
	case wire.KindSnapshotHashes:
		return snapshotHashes(n.pubkey, when)
	case wire.KindVote:
		return &wire.Vote{Index: uint8(index), From: n.pubkey, Transaction: a.voteTransaction(n, when), Wallclock: when}
	case wire.KindEpochSlots:
		return a.epochSlots(n.pubkey, index, when)
	case wire.KindDuplicateShred:
		return a.duplicateShred(n.pubkey, index, when)
	default:
		return &wire.LowestSlot{From: n.pubkey, Lowest: slotAt(when) - 1_000_000, Wallclock: when}
	}
}

// contactInfo is where the node is, as of a time.
func (n *node) contactInfo(when uint64) *wire.ContactInfo {
	info := n.info
	info.Wallclock = when
	return &info
}

// slotAt is the slot of the cluster at a time.
func slotAt(when uint64) uint64 { return when / slotMillis }

// snapshotHashes are the pair at that time, which is the same for every node.
func snapshotHashes(from wire.Pubkey, when uint64) *wire.SnapshotHashes {
	const fullInterval = 250 * intervalSlots
	slot := slotAt(when)
	full, incremental := slot-slot%fullInterval, slot-slot%intervalSlots
	s := &wire.SnapshotHashes{From: from, Full: slotHash(full), Wallclock: when}
	if incremental > full {
		s.Incremental = []wire.SlotHash{slotHash(incremental)}
	}
	return s
}

// slotHash is the same hash of a slot for everybody.
func slotHash(slot uint64) wire.SlotHash {
	h := wire.SlotHash{Slot: slot}
	binary.LittleEndian.PutUint64(h.Hash[:], slot)
	h.Hash[31] = 1
	return h
}

// epochSlots has bytes of no meaning, which is what compressed ones are to all
// who relay them: 700 to 945 of them with everything else.
func (a *author) epochSlots(from wire.Pubkey, index int, when uint64) *wire.EpochSlots {
	flate := make([]byte, 555+a.random.Uint64()%246)
	_, _ = a.random.Read(flate)
	slots := wire.CompressedSlots{First: slotAt(when) - 10_000, Num: 8000, Flate2: flate}
	return &wire.EpochSlots{Index: uint8(index), From: from, Slots: []wire.CompressedSlots{slots}, Wallclock: when}
}

func (a *author) duplicateShred(from wire.Pubkey, index int, when uint64) *wire.DuplicateShred {
	chunk := make([]byte, 800)
	_, _ = a.random.Read(chunk)
	return &wire.DuplicateShred{
		Index: uint16(index), From: from, Wallclock: when, Slot: slotAt(when) - 8,
		NumChunks: 3, ChunkIndex: uint8(index % 3), Chunk: chunk,
	}
}
