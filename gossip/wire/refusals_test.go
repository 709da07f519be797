package wire

import (
	"net/netip"
	"testing"
)

func unsetSockets() (sockets [10]netip.AddrPort) {
	for i := range sockets {
		sockets[i] = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	}
	return sockets
}

// bound is a rule about a number: the last that is good, and the first that is
// not.
type bound struct {
	good, bad Data
	want      string
}

// TestBoundsOfNumbers shows that each limit is where Agave has it, for readers
// and writers alike.
func TestBoundsOfNumbers(t *testing.T) {
	hashes := func(full uint64, incremental ...uint64) *SnapshotHashes {
		s := &SnapshotHashes{Full: SlotHash{Slot: full}}
		for _, slot := range incremental {
			s.Incremental = append(s.Incremental, SlotHash{Slot: slot})
		}
		return s
	}
	entry := func(s CompressedSlots) *EpochSlots { return &EpochSlots{Slots: []CompressedSlots{s}} }
	bits := func(length uint64, blocks ...byte) *EpochSlots {
		return entry(CompressedSlots{Uncompressed: &BitVec[uint8]{Blocks: blocks, Len: length}})
	}
	const last = 999_999_999_999_999
	for name, tt := range map[string]bound{
		"wallclock":              {&SnapshotHashes{Wallclock: last}, &SnapshotHashes{Wallclock: last + 1}, "wallclock"},
		"wallclock as varint":    {&ContactInfo{Wallclock: last}, &ContactInfo{Wallclock: last + 1}, "wallclock"},
		"full slot":              {hashes(last), hashes(last + 1), "full.slot"},
		"incremental slot":       {hashes(1, last), hashes(1, last+1), "incremental"},
		"incremental above full": {hashes(5, 9, 6), hashes(5, 9, 5), "slot 5, want above 5"},
		"lowest slot":            {&LowestSlot{Lowest: last}, &LowestSlot{Lowest: last + 1}, "lowest"},
		"vote index":             {&Vote{Index: 31, Transaction: madeTransaction()}, &Vote{Index: 32, Transaction: madeTransaction()}, "index"},
		"epoch slots index":      {&EpochSlots{Index: 254}, &EpochSlots{Index: 255}, "index"},
		"first slot":             {entry(CompressedSlots{First: last}), entry(CompressedSlots{First: last + 1}), "slots[0].first_slot"},
		"number of slots":        {entry(CompressedSlots{Num: 16383}), entry(CompressedSlots{Num: 16384}), "slots[0].num"},
		"bits fill bytes":        {bits(8, 1), bits(7, 1), "do not fill their bytes"},
		"no surplus bytes":       {bits(16, 1, 2), bits(8, 1, 2), "do not fill their bytes"},
		"bits have bytes":        {bits(0), bits(8), "8 bits, want at most 0"},
		"duplicate shred index":  {&DuplicateShred{Index: 511, NumChunks: 1}, &DuplicateShred{Index: 512, NumChunks: 1}, "index"},
		"chunk index":            {&DuplicateShred{NumChunks: 2, ChunkIndex: 1}, &DuplicateShred{NumChunks: 2, ChunkIndex: 2}, "chunk_index"},
		"chunks":                 {&DuplicateShred{NumChunks: 1}, &DuplicateShred{}, "chunk_index"},
		"transaction": {&Vote{Transaction: madeTransaction()}, &Vote{Transaction: append(madeTransaction(), 0)},
			"1 bytes after the end"},
	} {
		t.Run(name, func(t *testing.T) {
			c := Modern.writer(nil)
			c.data(&tt.good)
			check(t, "error of the last good", c.finish(), nil)
			_, err := DecodeValue(append(make([]byte, 64), c.buf...))
			check(t, "error of the last good when read", err, nil)

			c = Modern.writer(nil)
			c.data(&tt.bad)
			checkError(t, c.finish(), tt.want)
			if name != "transaction" { // the reader takes the surplus for the next field
				_, err = DecodeValue(append(make([]byte, 64), c.buf...))
				checkError(t, err, tt.want)
			}
		})
	}
}

// TestFieldsThatMustBeEmpty are those of LowestSlot, and enum tags.
func TestFieldsThatMustBeEmpty(t *testing.T) {
	lowest := signed(t, &LowestSlot{From: PubkeyOf(seeded(1))}).Bytes()
	check(t, "size", len(lowest), 141)
	slots := signed(t, &EpochSlots{From: PubkeyOf(seeded(1)), Slots: []CompressedSlots{{}}}).Bytes()
	restart := signed(t, &RestartLastVotedForkSlots{From: PubkeyOf(seeded(1))}).Bytes()
	for name, tt := range map[string]struct {
		value []byte
		at    int
		want  string
	}{
		"index":       {lowest, 68, "field LowestSlot.index"},
		"root":        {lowest, 68 + 33, "field LowestSlot.root"},
		"slots":       {lowest, 68 + 33 + 16, "field LowestSlot.slots"},
		"stash":       {lowest, 68 + 33 + 24, "field LowestSlot.stash"},
		"compression": {slots, 68 + 1 + 32 + 8, "field EpochSlots.slots[0].compression"},
		"offsets":     {restart, 68 + 32 + 8, "encoding 2, want 0 or 1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := append([]byte(nil), tt.value...)
			b[tt.at] = 2
			_, err := DecodeValue(b)
			checkError(t, err, tt.want)
		})
	}
}

// TestManyEmptyEntriesFit shows that counts are bounded by what an element needs
// at least, and not by more.
func TestManyEmptyEntriesFit(t *testing.T) {
	from := PubkeyOf(seeded(1))
	for _, d := range []Data{
		&EpochSlots{From: from, Slots: make([]CompressedSlots, 38)},
		&RestartLastVotedForkSlots{From: from, Offsets: SlotsOffsets{Runs: make([]uint16, 1000)}},
		&SnapshotHashes{From: from, Incremental: []SlotHash{{Slot: 1}, {Slot: 2}, {Slot: 3}}},
	} {
		v := signed(t, d)
		got, err := DecodeValue(v.Bytes())
		check(t, "error", err, nil)
		checkDataIsItsOwnEncoding(t, got)
	}
	n := &ContactInfo{Pubkey: from, Extensions: make([]Extension, 500)}
	checkDataIsItsOwnEncoding(t, forge(t, n))
}
