package wire

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// madeMessages has one of each, with values of every live kind.
func madeMessages(t testing.TB) map[string]Message {
	t.Helper()
	var values []Verified
	for _, d := range madeData(t) {
		values = append(values, signed(t, d))
	}
	packs := Pack(values)
	check(t, "packs", len(packs), 2)
	caller := signed(t, madeContactInfo(t)).Value()
	bloom := NewBloom(10, 0.1, 100, counter())
	bloom.Add([]byte("item"))
	return map[string]Message{
		"pull request":   &PullRequest{Filter: CrdsFilter{bloom, mask(5, 6), 6}, Caller: caller},
		"pull response":  &PullResponse{From: Pubkey{1}, Values: packs[0]},
		"push":           &Push{From: Pubkey{1}, Values: packs[1]},
		"push of none":   &Push{From: Pubkey{1}},
		"prune":          madePrune(),
		"ping":           NewPing(seeded(1), Token{1}),
		"pong":           NewPong(seeded(1), Token{1}),
		"prune for none": NewPrune(seeded(1), Pubkey{}, nil, 0),
	}
}

// counter is a source of numbers that are not random.
func counter() func() uint64 {
	n := uint64(0)
	return func() uint64 { n++; return n * 0x9e3779b97f4a7c15 }
}

// madeData has one of each live kind.
func madeData(t testing.TB) []Data {
	t.Helper()
	from := PubkeyOf(seeded(1))
	return []Data{
		madeContactInfo(t),
		madeSnapshotHashes(),
		&LowestSlot{From: from, Lowest: 5, Wallclock: 6},
		&EpochSlots{Index: 254, From: from, Wallclock: 7, Slots: []CompressedSlots{
			{First: 1, Num: 2, Flate2: []byte{3, 4}},
			{First: 5, Num: maxSlotsPerEntry - 1, Uncompressed: &BitVec[uint8]{Blocks: []byte{1, 2}, Len: 16}},
			{},
		}},
		&Vote{Index: 31, From: from, Transaction: madeTransaction(), Wallclock: 8},
		&DuplicateShred{Index: 511, From: from, Wallclock: 9, Slot: 10, Unused1: 11, Unused2: 12, NumChunks: 14, ChunkIndex: 13, Chunk: []byte{15}},
		&RestartLastVotedForkSlots{From: from, Wallclock: 16, Offsets: SlotsOffsets{Runs: []uint16{17, 300}}, LastVotedSlot: 18, ShredVersion: 19},
		&RestartHeaviestFork{From: from, Wallclock: 20, LastSlot: 21, ObservedStake: 22, ShredVersion: 23},
	}
}

// TestMessagesEndWhereTheyEnd cuts each message at every length, and lengthens
// it by every byte.
func TestMessagesEndWhereTheyEnd(t *testing.T) {
	for name, m := range madeMessages(t) {
		t.Run(name, func(t *testing.T) {
			whole := encode(t, m)
			for n := range whole {
				if _, err := Decode(whole[:n]); err == nil {
					t.Errorf("%d bytes of %d are taken", n, len(whole))
				}
			}
			for b := range 256 {
				_, err := Decode(append(bytes.Clone(whole), byte(b)))
				checkError(t, err, "1 bytes after the end")
			}
		})
	}
}

// TestMessagesAreTheirOwnEncoding has all live kinds, too.
func TestMessagesAreTheirOwnEncoding(t *testing.T) {
	for name, m := range madeMessages(t) {
		t.Run(name, func(t *testing.T) {
			want := encode(t, m)
			got, err := Decode(want)
			if err != nil {
				t.Fatal(err)
			}
			check(t, "protocol", got.Protocol(), m.Protocol())
			check(t, "again", string(encode(t, got)), string(want))
			for _, v := range valuesOf(got) {
				checkVerify(t, v, false)
				checkDataIsItsOwnEncoding(t, v)
			}
		})
	}
}

// TestUnknownTags has the numbers around those that are known.
func TestUnknownTags(t *testing.T) {
	ping := encode(t, NewPing(seeded(1), Token{}))
	for _, tag := range []uint32{6, 1 << 8, 1 << 31} {
		binary.LittleEndian.PutUint32(ping, tag)
		_, err := Decode(ping)
		checkError(t, err, "message of unknown kind")
	}
	push := encode(t, &Push{Values: []Value{signed(t, madeSnapshotHashes()).Value()}})
	for _, tag := range []uint32{14, 1 << 8, 1 << 31} {
		binary.LittleEndian.PutUint32(push[44+64:], tag)
		_, err := Decode(push)
		checkError(t, err, "no such kind of value")
	}
	check(t, "name", Protocol(6).String(), "Protocol(6)")
}

// TestDeadKindsSpoilThePacket puts one beside a good value.
func TestDeadKindsSpoilThePacket(t *testing.T) {
	from := PubkeyOf(seeded(1))
	good := signed(t, madeSnapshotHashes()).Value()
	for _, d := range []Data{
		&LegacyContactInfo{ID: from, Sockets: unsetSockets()},
		&LegacySnapshotHashes{From: from}, &LegacySnapshotHashes{From: from, Accounts: true},
		&LegacyVersion{From: from}, &LegacyVersion{From: from, FeatureSet: new(uint32), Commit: new(uint32)},
		&NodeInstance{From: from},
	} {
		t.Run(d.Label().Kind.String(), func(t *testing.T) {
			v := forge(t, d)
			check(t, "relayable", v.Relayable(), false)
			packet := encode(t, &Push{Values: []Value{good, v}})
			_, err := Decode(packet)
			checkError(t, err, "field values[1]."+d.Label().Kind.String())
			checkError(t, err, dead)
			_, err = Legacy.Decode(packet)
			check(t, "error in the old dialect", err, nil)
		})
	}
}

// TestPacketsHaveALargestSize has values that just fit.
func TestPacketsHaveALargestSize(t *testing.T) {
	chunk := make([]byte, MaxValues-133)
	v := signed(t, &DuplicateShred{From: PubkeyOf(seeded(1)), NumChunks: 1, Chunk: chunk}).Value()
	b := encode(t, &Push{Values: []Value{v}})
	check(t, "size", len(b), MaxPacket)
	_, err := Decode(b)
	check(t, "error", err, nil)
	_, err = Decode(append(b, 0))
	checkError(t, err, "packet of 1233 bytes, want at most 1232")
	_, err = Append(nil, &Push{Values: []Value{v, v}})
	checkError(t, err, "2420 bytes, want at most 1232")
}

// TestPullRequestIsFromANode has another value in the caller's place.
func TestPullRequestIsFromANode(t *testing.T) {
	m := madeMessages(t)["pull request"].(*PullRequest)
	m.Caller = signed(t, madeSnapshotHashes()).Value()
	_, err := Append(nil, m)
	checkError(t, err, "value is a SnapshotHashes, want a ContactInfo")
	b, err := Legacy.Append(nil, m)
	checkError(t, err, "value is a SnapshotHashes, want a ContactInfo")
	check(t, "bytes", len(b), 0)
}

// TestPruneNamesItsSenderTwice has two names.
func TestPruneNamesItsSenderTwice(t *testing.T) {
	b := encode(t, madePrune())
	b[36]++
	_, err := Decode(b)
	checkError(t, err, "field pubkey at offset 68")
}
