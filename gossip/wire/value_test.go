package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"
)

// madeContactInfo is that of the fixtures, of the key seeded with 1.
func madeContactInfo(t testing.TB) *ContactInfo {
	t.Helper()
	n := &ContactInfo{
		Pubkey:    PubkeyOf(seeded(1)),
		Wallclock: 1750000000000, Outset: 1749999000000000, ShredVersion: 50093,
		Version: Version{Major: 4, Minor: 1, Client: 100},
	}
	addr := netip.MustParseAddr("8.8.4.4")
	err := n.SetSockets(map[SocketKey]netip.AddrPort{
		SocketGossip:    netip.AddrPortFrom(addr, 8001),
		SocketRPC:       netip.AddrPortFrom(addr, 8899),
		SocketRPCPubsub: netip.AddrPortFrom(addr, 8900),
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func madeSnapshotHashes() *SnapshotHashes {
	return &SnapshotHashes{
		From:        PubkeyOf(seeded(1)),
		Full:        SlotHash{350000000, Hash(bytes.Repeat([]byte{0x11}, 32))},
		Incremental: []SlotHash{{350010000, Hash(bytes.Repeat([]byte{0x22}, 32))}},
		Wallclock:   1750000000001,
	}
}

func signed(t testing.TB, d Data) Verified {
	t.Helper()
	v, err := Sign(seeded(1), d)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestPushIsMadeAnew builds the packets of the fixtures from nothing.
func TestPushIsMadeAnew(t *testing.T) {
	info, hashes := signed(t, madeContactInfo(t)), signed(t, madeSnapshotHashes())
	check(t, "size of a contact info", len(info.Bytes()), 150)
	check(t, "size of snapshot hashes", len(hashes.Bytes()), 196)
	push := &Push{From: PubkeyOf(seeded(1)), Values: []Value{info.Value(), hashes.Value()}}
	check(t, "push", hex.EncodeToString(encode(t, push)), hex.EncodeToString(fixture(t, "derived_push_ci_snapshot_hashes.bin")))
	response := &PullResponse{From: PubkeyOf(seeded(2)), Values: []Value{hashes.Value()}}
	check(t, "response", hex.EncodeToString(encode(t, response)), hex.EncodeToString(fixture(t, "derived_pull_response_snapshot_hashes.bin")))
}

// TestSignedIsWhatIsVerified shows that Sign and Verify make the same of a value.
func TestSignedIsWhatIsVerified(t *testing.T) {
	for _, d := range []Data{madeContactInfo(t), madeSnapshotHashes()} {
		ours := signed(t, d)
		parsed, err := DecodeValue(ours.Bytes())
		check(t, "error", err, nil)
		theirs, err := parsed.Verify()
		check(t, "error", err, nil)
		check(t, "hash", theirs.Hash(), ours.Hash())
		check(t, "label", theirs.Label(), d.Label())
		check(t, "label of ours", ours.Label(), d.Label())
		check(t, "wallclock", theirs.Wallclock(), d.When())
		check(t, "outset", theirs.Outset(), ours.Outset())
		check(t, "relayable", theirs.Relayable(), true)
	}
	check(t, "outset", signed(t, madeContactInfo(t)).Outset(), 1749999000000000)
	check(t, "outset of others", signed(t, madeSnapshotHashes()).Outset(), 0)
}

// TestVerifiedOwnsItsBytes writes over the packet that a value was in.
func TestVerifiedOwnsItsBytes(t *testing.T) {
	want := signed(t, madeContactInfo(t))
	packet := bytes.Clone(want.Bytes())
	parsed, err := DecodeValue(packet)
	check(t, "error", err, nil)
	got, err := parsed.Verify()
	check(t, "error", err, nil)
	clear(packet)
	check(t, "bytes are kept", bytes.Equal(got.Bytes(), want.Bytes()), true)
}

// TestValueIsBoundToItsBytes changes each byte in turn.
func TestValueIsBoundToItsBytes(t *testing.T) {
	original := signed(t, madeSnapshotHashes()).Bytes()
	for i := range original {
		b := bytes.Clone(original)
		b[i] ^= 1
		v, err := DecodeValue(b)
		if err != nil {
			continue // the rules refuse it before
		}
		if _, err := v.Verify(); !errors.Is(err, ErrSignature) {
			t.Fatalf("byte %d changed: error is %v, want %v", i, err, ErrSignature)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		data Data
		want string
	}{
		"another's":    {&SnapshotHashes{From: PubkeyOf(seeded(2))}, "key is that of"},
		"dead kind":    {&NodeInstance{From: PubkeyOf(seeded(1))}, dead},
		"extensions":   {&ContactInfo{Pubkey: PubkeyOf(seeded(1)), Extensions: []Extension{{Type: 1}}}, "has extensions"},
		"broken rule":  {&SnapshotHashes{From: PubkeyOf(seeded(1)), Wallclock: maxWallclock}, "wallclock"},
		"26 snapshots": {&SnapshotHashes{From: PubkeyOf(seeded(1)), Incremental: rising(26)}, "1196 bytes, want at most 1188"},
		"more than 1 packet": {&DuplicateShred{From: PubkeyOf(seeded(1)), NumChunks: 1, Chunk: make([]byte, MaxValues)},
			"1321 bytes, want at most 1188"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Sign(seeded(1), tt.data)
			checkError(t, err, tt.want)
		})
	}
}

// TestSignTakesAsManySnapshotsAsFit has one less than is refused above.
func TestSignTakesAsManySnapshotsAsFit(t *testing.T) {
	v := signed(t, &SnapshotHashes{From: PubkeyOf(seeded(1)), Incremental: rising(25)})
	check(t, "size", len(v.Bytes()), 156+25*40)
	check(t, "snapshots", len(v.SnapshotHashes().Incremental), 25)
}

func rising(n int) []SlotHash {
	slots := make([]SlotHash, n)
	for i := range slots {
		slots[i].Slot = uint64(i + 1)
	}
	return slots
}

// TestZeroValuesAreNoValues shows that nobody takes them for good ones.
func TestZeroValuesAreNoValues(t *testing.T) {
	var v Value
	_, err := v.Verify()
	check(t, "Verify", errors.Is(err, ErrSignature), true)
	check(t, "relayable", v.Relayable(), false)
	check(t, "data", v.Data(), nil)
	check(t, "contact info", v.ContactInfo(), nil)
	check(t, "snapshot hashes", v.SnapshotHashes(), nil)
	check(t, "relayable when verified", Verified{}.Relayable(), false)
	_, err = Append(nil, &Push{Values: []Value{v}})
	checkError(t, err, "values[0].signature at offset 44: value is empty")
}

// TestOthersExtensionsAreKeptButNotRelayed has a value that Agave would find
// badly signed.
func TestOthersExtensionsAreKeptButNotRelayed(t *testing.T) {
	n := madeContactInfo(t)
	n.Extensions = []Extension{{7, []byte("abc")}}
	v := forge(t, n)
	got, err := v.Verify()
	check(t, "error", err, nil)
	check(t, "relayable", got.Relayable(), false)
	check(t, "bytes", string(got.ContactInfo().Extensions[0].Bytes), "abc")
	check(t, "packs", len(Pack([]Verified{got})), 0)
}

// forge signs what Sign would refuse.
func forge(t testing.TB, d Data) Value {
	t.Helper()
	c := Legacy.writer(make([]byte, 64))
	c.data(&d)
	if c.err != nil {
		t.Fatal(c.err)
	}
	signature := sign(seeded(1), c.buf[64:])
	copy(c.buf, signature[:])
	v, err := Legacy.DecodeValue(c.buf)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestPackFillsPackets packs greedily and in order.
func TestPackFillsPackets(t *testing.T) {
	small, large := signed(t, madeSnapshotHashes()), signed(t, &DuplicateShred{From: PubkeyOf(seeded(1)), NumChunks: 1, Chunk: make([]byte, MaxValues-133)})
	rest := signed(t, &DuplicateShred{From: PubkeyOf(seeded(1)), NumChunks: 1, Chunk: make([]byte, MaxValues-196-133)})
	check(t, "large", len(large.Bytes()), MaxValues)
	for name, tt := range map[string]struct {
		values []Verified
		want   []int
	}{
		"nothing":       {nil, nil},
		"one":           {[]Verified{small}, []int{1}},
		"six fit":       {[]Verified{small, small, small, small, small, small}, []int{6}},
		"seven do not":  {[]Verified{small, small, small, small, small, small, small}, []int{6, 1}},
		"two fill one":  {[]Verified{small, rest, small}, []int{2, 1}},
		"one fills all": {[]Verified{small, large, small}, []int{1, 1, 1}},
		"no value":      {[]Verified{{}, small}, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			packs := Pack(tt.values)
			check(t, "packs", len(packs), len(tt.want))
			for i, pack := range packs {
				check(t, "values", len(pack), tt.want[i])
				encode(t, &Push{Values: pack})
			}
		})
	}
}

// TestKinds shows what becomes of each kind.
func TestKinds(t *testing.T) {
	for kind := range Kind(16) {
		d := newData(kind)
		check(t, "known "+kind.String(), d != nil, kind < 14)
		if d != nil {
			check(t, "kind of data", d.Label().Kind, kind)
		}
	}
	check(t, "name", KindRestartHeaviestFork.String(), "RestartHeaviestFork")
	check(t, "name", Kind(14).String(), "Kind(14)")
	check(t, "deprecated", KindRestartHeaviestFork.Deprecated() && KindRestartLastVotedForkSlots.Deprecated(), true)
	check(t, "deprecated", KindVote.Deprecated(), false)
}
