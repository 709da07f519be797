package wire

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// anything draws data of each kind within the rules, belonging to the key seeded
// with 1.
var anything = map[Kind]func(*rapid.T) Data{
	KindContactInfo: func(t *rapid.T) Data { return anyContactInfo(t) },
	KindSnapshotHashes: func(t *rapid.T) Data {
		s := rapid.Make[*SnapshotHashes]().Filter(notNil[SnapshotHashes]).Draw(t, "hashes")
		s.Incremental = s.Incremental[:min(len(s.Incremental), 25)]
		s.From, s.Wallclock, s.Full.Slot = PubkeyOf(seeded(1)), s.Wallclock%maxWallclock, s.Full.Slot%(maxSlot-1)
		for i := range s.Incremental {
			s.Incremental[i].Slot = s.Full.Slot + 1 + s.Incremental[i].Slot%(maxSlot-1-s.Full.Slot)
		}
		return s
	},
	KindVote: func(t *rapid.T) Data {
		x := goodTx()
		x.data = vote(rapid.SampledFrom([]uint32{2, 6, 8, 9, 12, 13, 14, 15}).Draw(t, "tag"), rapid.Uint64Max(1<<60).Draw(t, "root"))
		x.accounts = rapid.SliceOfN(rapid.ByteMax(2), 1, 200).Draw(t, "accounts")
		return &Vote{rapid.ByteMax(maxVoteIndex-1).Draw(t, "index"), PubkeyOf(seeded(1)), x.encode(), anyTime(t)}
	},
	KindLowestSlot: func(t *rapid.T) Data {
		return &LowestSlot{PubkeyOf(seeded(1)), rapid.Uint64Max(maxSlot-1).Draw(t, "lowest"), anyTime(t)}
	},
	KindEpochSlots: func(t *rapid.T) Data {
		slots := rapid.SliceOfN(rapid.Custom(anySlots), 0, 8).Draw(t, "slots")
		return &EpochSlots{rapid.ByteMax(maxEpochSlotsIndex-1).Draw(t, "index"), PubkeyOf(seeded(1)), slots, anyTime(t)}
	},
	KindDuplicateShred: func(t *rapid.T) Data {
		s := rapid.Make[*DuplicateShred]().Filter(notNil[DuplicateShred]).Draw(t, "shred")
		s.From, s.Wallclock, s.Index = PubkeyOf(seeded(1)), s.Wallclock%maxWallclock, s.Index%maxDuplicateShreds
		s.NumChunks = max(s.NumChunks, 1)
		s.ChunkIndex %= s.NumChunks
		return s
	},
	KindRestartLastVotedForkSlots: func(t *rapid.T) Data {
		r := &RestartLastVotedForkSlots{From: PubkeyOf(seeded(1)), Wallclock: anyTime(t), ShredVersion: rapid.Uint16().Draw(t, "shred version")}
		if rapid.Bool().Draw(t, "raw") {
			r.Offsets.Raw = anyBits(t)
		} else {
			r.Offsets.Runs = rapid.SliceOfN(rapid.Uint16(), 0, 300).Draw(t, "runs")
		}
		return r
	},
	KindRestartHeaviestFork: func(t *rapid.T) Data {
		r := rapid.Make[*RestartHeaviestFork]().Filter(notNil[RestartHeaviestFork]).Draw(t, "fork")
		r.From, r.Wallclock = PubkeyOf(seeded(1)), r.Wallclock%maxWallclock
		return r
	},
}

func notNil[T any](v *T) bool { return v != nil }

func anyTime(t *rapid.T) uint64 { return rapid.Uint64Max(maxWallclock-1).Draw(t, "wallclock") }

// anyBits draws a vector that may be none, and may have blocks to spare.
func anyBits(t *rapid.T) *BitVec[uint8] {
	v := &BitVec[uint8]{Blocks: rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "blocks")}
	if rapid.Bool().Draw(t, "none") {
		v.Blocks = nil
	}
	v.Len = rapid.Uint64Max(8*uint64(len(v.Blocks))).Draw(t, "len")
	return v
}

func anySlots(t *rapid.T) CompressedSlots {
	s := CompressedSlots{First: rapid.Uint64Max(maxSlot-1).Draw(t, "first"), Num: rapid.Uint64Max(maxSlotsPerEntry-1).Draw(t, "num")}
	if rapid.Bool().Draw(t, "compressed") {
		s.Flate2 = rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "flate2")
		return s
	}
	s.Uncompressed = anyBits(t)
	s.Uncompressed.Len = 8 * uint64(len(s.Uncompressed.Blocks))
	return s
}

func anyContactInfo(t *rapid.T) *ContactInfo {
	n := &ContactInfo{
		Pubkey: PubkeyOf(seeded(1)), Wallclock: anyTime(t), Outset: rapid.Uint64().Draw(t, "outset"),
		ShredVersion: rapid.Uint16().Draw(t, "shred version"), Version: rapid.Make[Version]().Draw(t, "version"),
	}
	addr := rapid.Custom(func(t *rapid.T) netip.Addr {
		return netip.AddrFrom4([4]byte{rapid.ByteRange(1, 223).Draw(t, "a"), 0, 0, rapid.ByteMax(3).Draw(t, "d")})
	})
	place := rapid.Custom(func(t *rapid.T) netip.AddrPort {
		return netip.AddrPortFrom(addr.Draw(t, "addr"), rapid.Uint16Min(1).Draw(t, "port"))
	})
	key := rapid.Map(rapid.Byte(), func(b byte) SocketKey { return SocketKey(b) })
	if err := n.SetSockets(rapid.MapOfN(key, place, 0, 60).Draw(t, "sockets")); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRoundTripOfAnything signs, decodes, verifies and compares data of every
// live kind.
func TestRoundTripOfAnything(t *testing.T) {
	check(t, "kinds", len(anything), 8)
	for kind, draw := range anything {
		t.Run(kind.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := draw(t)
				ours, err := Sign(seeded(1), want)
				if err != nil {
					t.Fatal(err)
				}
				parsed, err := DecodeValue(ours.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				theirs, err := parsed.Verify()
				if err != nil {
					t.Fatal(err)
				}
				if theirs.Hash() != ours.Hash() || theirs.Label() != want.Label() || theirs.Wallclock() != want.When() {
					t.Fatalf("%v at %d, want %v at %d", theirs.Label(), theirs.Wallclock(), want.Label(), want.When())
				}
				if diff := diffData(want, theirs.Data()); diff != "" {
					t.Fatalf("-want +got:\n%s", diff)
				}
			})
		})
	}
}

func diffData(a, b any) string {
	return cmp.Diff(a, b, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }))
}

// TestRoundTripOfPruneAndFilter has the messages that hold no values.
func TestRoundTripOfPruneAndFilter(t *testing.T) {
	caller := signed(t, madeContactInfo(t)).Value()
	rapid.Check(t, func(t *rapid.T) {
		prune := NewPrune(seeded(1), rapid.Make[Pubkey]().Draw(t, "destination"),
			rapid.SliceOfN(rapid.Make[Pubkey](), 0, MaxPruneOrigins).Draw(t, "origins"), anyTime(t))
		checkRoundTrip(t, prune)
		if err := prune.Verify(); err != nil {
			t.Fatal(err)
		}
		blocks := rapid.SliceOfN(rapid.Uint64(), 1, 100).Draw(t, "blocks")
		checkRoundTrip(t, &PullRequest{Caller: caller, Filter: CrdsFilter{
			Bloom: Bloom{
				Keys:   rapid.SliceOfN(rapid.Uint64(), 0, 10).Draw(t, "keys"),
				Bits:   BitVec[uint64]{blocks, rapid.Uint64Range(1, 64*uint64(len(blocks))).Draw(t, "len")},
				NumSet: rapid.Uint64().Draw(t, "set"),
			},
			Mask: rapid.Uint64().Draw(t, "mask"), MaskBits: rapid.Uint32Range(6, 63).Draw(t, "bits"),
		}})
	})
}

func checkRoundTrip(t *rapid.T, want Message) {
	b, err := Append(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Append(nil, got)
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("encoded again it is\n%x, error %v, want\n%x", again, err, b)
	}
	if reflect.TypeOf(got) != reflect.TypeOf(want) {
		t.Fatalf("got %T, want %T", got, want)
	}
}

// TestRoundTripOfIPEcho has every address and port.
func TestRoundTripOfIPEcho(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		request := rapid.Make[IPEchoRequest]().Draw(t, "request")
		got, err := DecodeIPEchoRequest(request.Append(nil))
		if err != nil || got != request {
			t.Fatalf("request %v, error %v, want %v", got, err, request)
		}
		addr, _ := netip.AddrFromSlice(rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 4, 4), rapid.SliceOfN(rapid.Byte(), 16, 16)).Draw(t, "address"))
		response := IPEchoResponse{addr, rapid.Uint16().Draw(t, "shred version")}
		b, err := response.Append(nil)
		if err != nil || len(b) != IPEchoResponseSize {
			t.Fatalf("%d bytes, error %v", len(b), err)
		}
		if again, err := DecodeIPEchoResponse(b); err != nil || again != response {
			t.Fatalf("response %v, error %v, want %v", again, err, response)
		}
	})
}
