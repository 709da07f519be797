//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"solsnap/gossip/wire"
)

// author writes and signs the values of all nodes. It has one owner.
type author struct {
	cluster *cluster
	random  *rand.ChaCha8
}

// sign makes the value of a node that a label tells from its others. The owner
// of the key is a node of the cluster, so that no error is to be expected.
func (a *author) sign(kind wire.Kind, node int32, index int, when uint64) (wire.Verified, error) {
	n := &a.cluster.nodes[node]
	var data wire.Data
	switch kind {
	case wire.KindContactInfo:
		info := n.info
		info.Wallclock = when
		data = &info
	case wire.KindSnapshotHashes:
		data = snapshotHashes(n.pubkey, when)
	case wire.KindVote:
		data = &wire.Vote{Index: uint8(index), From: n.pubkey, Transaction: a.voteTransaction(n, when), Wallclock: when}
	case wire.KindLowestSlot:
		data = &wire.LowestSlot{From: n.pubkey, Lowest: slotAt(when) - 1_000_000, Wallclock: when}
	case wire.KindEpochSlots:
		data = a.epochSlots(n.pubkey, index, when)
	case wire.KindDuplicateShred:
		data = a.duplicateShred(n.pubkey, index, when)
	default:
		return wire.Verified{}, fmt.Errorf("no node writes %v", kind)
	}
	return wire.Sign(n.key, data)
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

// voteProgram is the program whose instructions vote.
var voteProgram = func() wire.Pubkey {
	k, err := wire.ParsePubkey("Vote111111111111111111111111111111111111111")
	if err != nil {
		panic(err)
	}
	return k
}()

// voteTransaction is a TowerSync of 31 lockouts, signed by nobody: no node looks
// at the signature inside.
func (a *author) voteTransaction(n *node, when uint64) []byte {
	var noise [64]byte
	_, _ = a.random.Read(noise[:])
	b := make([]byte, 0, 384)
	b = append(b, 1)
	b = append(b, noise[:]...)
	b = append(b, 1, 0, 1, 3) // who signs, and how many keys
	b = append(b, n.pubkey[:]...)
	b = append(b, n.vote[:]...)
	b = append(b, voteProgram[:]...)
	b = append(b, noise[:32]...) // the recent blockhash
	b = append(b, 1, 2, 2, 1, 0) // one instruction, of the third key, for the second and the first
	data := towerSync(when, noise[32:])
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(b, data...)
}

// towerSync is the data of an instruction (crate solana-vote-interface,
// VoteInstruction::TowerSync).
func towerSync(when uint64, hash []byte) []byte {
	const lockouts = 31
	b := make([]byte, 0, 160)
	b = binary.LittleEndian.AppendUint32(b, 14)
	b = binary.LittleEndian.AppendUint64(b, slotAt(when)-lockouts)
	b = append(b, lockouts)
	for confirmations := byte(lockouts); confirmations > 0; confirmations-- {
		b = append(b, 1, confirmations)
	}
	b = append(b, hash...)
	b = append(b, 1)
	b = binary.LittleEndian.AppendUint64(b, when/1000)
	return append(b, hash...)
}
