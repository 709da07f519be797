package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"solsnap/snapshot"
)

func TestRoundTrip(t *testing.T) {
	for name, change := range map[string]func(*Manifest){
		"everything":       func(*Manifest) {},
		"no last hash":     func(m *Manifest) { m.Bank.BlockhashQueue.LastHash = nil },
		"no hashes a tick": func(m *Manifest) { m.Bank.HashesPerTick = nil },
		"odd floats": func(m *Manifest) {
			m.Bank.SlotsPerYear, m.Bank.Inflation.Taper = math.Copysign(0, -1), math.Inf(-1)
		},
		"firedancer": func(m *Manifest) {
			m.AccountsDB.Storages, m.Bank.Stakes, m.Bank.LeaderID, m.Bank.Ancestors = nil, Stakes{}, Pubkey{}, nil
			m.Bank.RentCollector, m.Extra.EpochStakes[0].Nodes = RentCollector{}, nil
		},
		"no block id": func(m *Manifest) { m.Extra.BlockID = nil },
		"agave 2.2":   func(m *Manifest) { m.Extra.BlockID, m.Tail = nil, TailAccountsLtHash },
		"no extras":   func(m *Manifest) { m.Extra, m.Tail = Extra{}, TailHistoricalRootsWithHash },
		"nothing":     func(m *Manifest) { *m = Manifest{} },
	} {
		t.Run(name, func(t *testing.T) {
			want := made()
			change(want)
			b := encode(t, want)
			if diff := cmp.Diff(want, decodeWhole(t, b), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			size, err := want.Size()
			check(t, "Size error", err, nil)
			check(t, "Size", size, int64(len(b)))
		})
	}
}

// TestRoundTripOfAnything has numbers of every size, lists of every length and
// floats of every kind.
func TestRoundTripOfAnything(t *testing.T) {
	anything := rapid.Custom(func(t *rapid.T) *Manifest {
		m := &Manifest{Tail: TailBlockID}
		m.Bank = rapid.Make[Bank]().Draw(t, "bank")
		m.AccountsDB = rapid.Make[AccountsDB]().Draw(t, "accounts-db")
		m.Extra.LamportsPerSignature = rapid.Uint64().Draw(t, "lamports per signature")
		m.Extra.EpochStakes = rapid.Make[[]EpochStakes]().Draw(t, "epoch stakes")
		m.Extra.BlockID = rapid.Make[*snapshot.Hash]().Draw(t, "block id")
		return m
	})
	rapid.Check(t, func(rt *rapid.T) {
		want := anything.Draw(rt, "manifest")
		derive(want)
		b := encode(t, want)
		got, err := Decoder{Whole: true}.Decode(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			rt.Fatal(err)
		}
		if !same(reflect.ValueOf(want), reflect.ValueOf(got)) {
			rt.Fatalf("-want +got:\n%s", cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateNaNs()))
		}
		if !bytes.Equal(encode(t, got), b) {
			rt.Fatal("encoded again it is not the same")
		}
	})
}

// same compares every bit of floats, and takes an empty slice for a nil one.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer:
		return a.IsNil() == b.IsNil() && (a.IsNil() || same(a.Elem(), b.Elem()))
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Float64:
		return math.Float64bits(a.Float()) == math.Float64bits(b.Float())
	}
	return a.Equal(b)
}

// derive sets what Decode derives, and what the wire has no room for.
func derive(m *Manifest) {
	for i := range m.AccountsDB.Storages {
		m.AccountsDB.Storages[i].Slot = min(m.AccountsDB.Storages[i].Slot, m.Bank.Slot)
	}
	for i := range m.Bank.Stakes.Delegations.All {
		m.Bank.Stakes.Delegations.All[i].CreditsObserved = 0
	}
	deriveStakes(&m.Bank.Stakes)
	for i := range m.Extra.EpochStakes {
		deriveStakes(&m.Extra.EpochStakes[i].Stakes)
	}
}

func deriveStakes(s *Stakes) {
	for i := range s.VoteAccounts {
		s.VoteAccounts[i].Node = voteNode(s.VoteAccounts[i].Account.Data)
	}
	all := s.Delegations.All
	s.Delegations = Delegations{All: all}
	for i := range all {
		s.Delegations.add(&all[i])
	}
}

// TestDecodeKeepsWhatIsAskedFor shows what the zero Decoder leaves out, and that
// nobody can encode the rest by mistake.
func TestDecodeKeepsWhatIsAskedFor(t *testing.T) {
	want := made()
	got := decode(t, encode(t, want))
	want.Partial = true
	want.Bank.Stakes.Delegations.All = nil
	stakes := &want.Extra.EpochStakes[0].Stakes
	stakes.Delegations.All = nil
	for i := range stakes.VoteAccounts {
		stakes.VoteAccounts[i].Account.Data = nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	checkError(t, got.Encode(io.Discard), "not decoded whole")
}

// TestDecodeWholeByChance has a manifest without anything to leave out.
func TestDecodeWholeByChance(t *testing.T) {
	m := decode(t, fixture(t, fullV1))
	check(t, "partial", m.Partial, false)
	if !bytes.Equal(encode(t, m), fixture(t, fullV1)) {
		t.Error("encoded again it is not the same")
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Manifest)
		want   string
	}{
		"legacy":           {func(m *Manifest) { m.Legacy = true }, "legacy"},
		"partial":          {func(m *Manifest) { m.Partial = true }, "not decoded whole"},
		"trailing":         {func(m *Manifest) { m.Trailing = 3 }, "3 bytes of it were not decoded"},
		"no such tail":     {func(m *Manifest) { m.Tail = TailBlockID + 1 }, "tail 9, want 0 to 8"},
		"negative tail":    {func(m *Manifest) { m.Tail = -1 }, "tail -1"},
		"block id":         {func(m *Manifest) { m.Tail = TailAccountsLtHash }, "ends with field 7 of the tail, but field 8 is set"},
		"lattice hash":     {func(m *Manifest) { m.Tail, m.Extra.BlockID = TailEpochStakes, nil }, "field 7 is set"},
		"everything unset": {func(m *Manifest) { m.Tail = TailNone }, "field 8 is set"},
		"fee": {func(m *Manifest) { m.Tail, m.Extra = TailNone, Extra{LamportsPerSignature: 1} },
			"field 3 is set"},
	} {
		t.Run(name, func(t *testing.T) {
			m := made()
			tt.change(m)
			var written bytes.Buffer
			checkError(t, m.Encode(&written), tt.want)
			check(t, "bytes written", written.Len(), 0)
			_, err := m.Size()
			checkError(t, err, tt.want)
		})
	}
}

func TestEncodeReportsTheWriter(t *testing.T) {
	full := errors.New("no space")
	err := made().Encode(errWriter{full})
	if !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

type errWriter struct{ err error }

func (w errWriter) Write([]byte) (int, error) { return 0, w.err }

func TestDecodeRefuses(t *testing.T) {
	isDelta := locate(t, func(m *Manifest) { m.Bank.IsDelta = false })
	lastHash := locate(t, func(m *Manifest) { m.Bank.BlockhashQueue.LastHash = nil })
	blockID := locate(t, func(m *Manifest) { m.Extra.BlockID = nil })
	storage := locate(t, func(m *Manifest) { m.AccountsDB.Storages[0].Slot = 99 })
	epoch := locate(t, func(m *Manifest) { m.Extra.EpochStakes[0].Epoch = 1 })
	data := locate(t, func(m *Manifest) { m.Bank.Stakes.VoteAccounts[0].Account.Data = nil })
	for name, tt := range map[string]struct {
		bytes []byte
		want  string
	}{
		"bool":               {patched(t, isDelta, 2), fmt.Sprintf("field is_delta at offset %d: tag 2, want 0 or 1", isDelta)},
		"option":             {patched(t, lastHash, 0xff), fmt.Sprintf("field blockhash_queue.last_hash at offset %d: tag 255, want 0 or 1", lastHash)},
		"option in the tail": {patched(t, blockID, 2), "field block_id"},
		"variant":            {patched(t, epoch+8, 1), "field versioned_epoch_stakes[0].variant"},
		"no storage in slot": {patched(t, storage+8, 0), fmt.Sprintf("field storages[0].len at offset %d: 0, want 1", storage+8)},
		"two in slot":        {patched(t, storage+8, 2), "2, want 1"},
		"storage after bank": {patched(t, storage, 101), "field storages[0].slot"},
		"account too large":  {patched(t, data, le64(nil, maxAccountData+1)...), "field stakes.vote_accounts[0].data"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, whole := range []bool{false, true} {
				_, err := Decoder{Whole: whole}.Decode(bytes.NewReader(tt.bytes), int64(len(tt.bytes)))
				checkError(t, err, tt.want)
				if at := new(DecodeError); !errors.As(err, &at) {
					t.Errorf("got %v, want a *DecodeError", err)
				}
			}
		})
	}
}

// TestDecodeTakesAccountsOfFullSize has the data that "account too large" has
// one byte too much of.
func TestDecodeTakesAccountsOfFullSize(t *testing.T) {
	want := made()
	want.Bank.Stakes.VoteAccounts[0].Account.Data = make([]byte, maxAccountData)
	want.Bank.Stakes.VoteAccounts[0].Node = Pubkey{}
	got := decodeWhole(t, encode(t, want))
	check(t, "data", len(got.Bank.Stakes.VoteAccounts[0].Account.Data), maxAccountData)
	checkError(t, decodeError(Decoder{MaxKept: maxAccountData}, encode(t, want)), "field stakes.vote_accounts[0].data")
}

func decodeError(d Decoder, b []byte) error {
	_, err := d.Decode(bytes.NewReader(b), int64(len(b)))
	return err
}

func TestDecodeSizes(t *testing.T) {
	whole := encode(t, made())
	for name, tt := range map[string]struct {
		size int64
		want string
	}{
		"negative": {-1, "size -1"},
		"too much": {MaxSize + 1, "size 34359738369"},
		"nothing":  {0, "field blockhash_queue.last_hash_index at offset 0"},
		"a lie":    {MaxSize, ""}, // but trailing bytes are not read
		"exact":    {int64(len(whole)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Decode(bytes.NewReader(whole), tt.size)
			checkError(t, err, tt.want)
			if err == nil {
				check(t, "trailing", m.Trailing, tt.size-int64(len(whole)))
			}
		})
	}
}

// TestDecodeLeavesTheRest: in a tar stream other members follow.
func TestDecodeLeavesTheRest(t *testing.T) {
	whole := encode(t, made())
	stream := bytes.NewReader(append(whole, "next member"...))
	if _, err := Decode(stream, int64(len(whole))); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stream)
	check(t, "rest", string(rest), "next member")
}

func TestDecodeReportsTheReader(t *testing.T) {
	whole := encode(t, made())
	broken := errors.New("connection reset")
	r := io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), iotest.ErrReader(broken))
	if _, err := Decode(r, int64(len(whole))); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// TestDecodeFromAnyReader has readers that give little, or their error early.
func TestDecodeFromAnyReader(t *testing.T) {
	whole := encode(t, made())
	want := decodeWhole(t, whole)
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"one byte": iotest.OneByteReader, "half": iotest.HalfReader, "data and EOF": iotest.DataErrReader,
	} {
		got, err := Decoder{Whole: true}.Decode(wrap(bytes.NewReader(whole)), int64(len(whole)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

// boundaries are the sizes at which made may end, by its Tail then.
func boundaries(t *testing.T, m *Manifest) map[int64]Tail {
	t.Helper()
	ends := make(map[int64]Tail)
	unset := []func(e *Extra){
		TailBlockID:                func(e *Extra) { e.BlockID = nil },
		TailAccountsLtHash:         func(e *Extra) { e.AccountsLtHash = nil },
		TailEpochStakes:            func(e *Extra) { e.EpochStakes = nil },
		TailEpochAccountsHash:      func(e *Extra) { e.EpochAccountsHash = nil },
		TailIncrementalPersistence: func(e *Extra) { e.IncrementalPersistence = nil },
		TailLamportsPerSignature:   func(e *Extra) { e.LamportsPerSignature = 0 },
	}
	cut := *m
	for ; cut.Tail >= TailNone; cut.Tail-- {
		if above := int(cut.Tail) + 1; above < len(unset) && unset[above] != nil {
			unset[above](&cut.Extra)
		}
		size, err := cut.Size()
		if err != nil {
			t.Fatal(err)
		}
		ends[size] = cut.Tail
	}
	return ends
}

// TestDecodeCutAnywhere cuts manifests short at every offset: only at the end of
// a field of the tail is there a manifest. A stream that breaks off never is.
func TestDecodeCutAnywhere(t *testing.T) {
	for name, whole := range map[string]func(*testing.T) []byte{
		"made": func(t *testing.T) []byte { return encode(t, made()) },
		fullV1: func(t *testing.T) []byte { return fixture(t, fullV1) },
		fullV2: func(t *testing.T) []byte { return fixture(t, fullV2) },
	} {
		t.Run(name, func(t *testing.T) {
			b := whole(t)
			ends := boundaries(t, decodeWhole(t, b))
			for n := range b {
				m, err := Decode(bytes.NewReader(b[:n]), int64(n))
				tail, ends := ends[int64(n)]
				switch {
				case ends && err != nil:
					t.Errorf("%d bytes, the end of tail field %d: %v", n, tail, err)
				case ends && (m.Tail != tail || m.Trailing != 0):
					t.Errorf("%d bytes end with field %d and %d trailing, want field %d", n, m.Tail, m.Trailing, tail)
				case !ends && !errors.Is(err, io.ErrUnexpectedEOF):
					t.Errorf("%d bytes: %v, want unexpected EOF", n, err)
				}
				if _, err := Decode(bytes.NewReader(b[:n]), int64(len(b))); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("stream of %d bytes: %v, want unexpected EOF", n, err)
				}
			}
		})
	}
}

// TestWorkedOffsets cuts the manifest of slot 1 before fields whose offsets are
// known from elsewhere. The error must say which field is missing and where.
func TestWorkedOffsets(t *testing.T) {
	b := fixture(t, fullV1)
	for offset, field := range map[int64]string{
		0: "blockhash_queue.last_hash_index", 8: "blockhash_queue.last_hash", 9: "blockhash_queue.last_hash",
		41: "blockhash_queue.hashes", 217: "blockhash_queue.max_age", 225: "ancestors",
		265: "hash", 297: "parent_hash", 329: "parent_slot", 337: "hard_forks", 361: "signature_count",
		369: "capitalization", 385: "hashes_per_tick", 394: "ns_per_slot", 434: "slot", 442: "epoch",
		450: "block_height", 458: "leader_id", 547: "rent_collector.epoch", 613: "epoch_schedule.slots_per_epoch",
		646: "inflation.initial", 694: "stakes.vote_accounts", 766: "is_delta", 767: "storages", 839: "write_version",
		919: "bank_hash_info.num_updated_accounts",
	} {
		at := new(DecodeError)
		if err := decodeError(Decoder{}, b[:offset]); !errors.As(err, &at) {
			t.Errorf("cut at %d: %v, want a *DecodeError", offset, err)
		} else if at.Field != field || at.Offset != offset {
			t.Errorf("cut at %d: %v, want field %s", offset, err, field)
		}
	}
	ends := boundaries(t, decode(t, b))
	check(t, "field that ends at 983", ends[983], TailLamportsPerSignature)
	check(t, "field that ends at 984", ends[984], TailIncrementalPersistence)
	check(t, "field that ends at 985", ends[985], TailEpochAccountsHash)
	check(t, "field that ends at 1145", ends[1145], TailEpochStakes)
}

// TestFlippedBytes flips each byte. What still decodes says so in the same bytes.
func TestFlippedBytes(t *testing.T) {
	whole := encode(t, made())
	for _, flip := range []byte{0x01, 0x80, 0xff} {
		for i := range whole {
			whole[i] ^= flip
			checkCanonical(t, whole)
			whole[i] ^= flip
		}
	}
}

// checkCanonical decodes b in both ways. There is one encoding of each manifest,
// so where it decodes whole it must encode to the same bytes.
func checkCanonical(t *testing.T, b []byte) {
	t.Helper()
	m, err := Decoder{Whole: true}.Decode(bytes.NewReader(b), int64(len(b)))
	if lean := decodeError(Decoder{}, b); (err == nil) != (lean == nil) {
		t.Fatalf("whole: %v, but in part: %v", err, lean)
	}
	if err != nil {
		return
	}
	derivations(m)
	if m.Legacy || m.Partial {
		return
	}
	used := b[:int64(len(b))-m.Trailing]
	m.Trailing = 0
	if !bytes.Equal(encode(t, m), used) {
		t.Error("encoded again it is not the same")
	}
}

// derivations asks everything there is to ask, to see that nothing panics.
func derivations(m *Manifest) {
	m.Epoch()
	_, _ = m.SlotDuration()
	_, _ = m.BankHash()
	m.ShredVersion(snapshot.Hash{})
	_ = m.Bank.NanosPerSlot.String()
	_, _ = m.LeaderSchedule(m.Bank.EpochSchedule.LeaderScheduleEpoch(m.Bank.Slot))
	m.Bank.EpochSchedule.FirstSlot(m.Bank.Epoch)
	for i := range m.Bank.Stakes.VoteAccounts {
		_, _ = m.Bank.Stakes.VoteAccounts[i].State()
	}
}

func TestTrailingBytes(t *testing.T) {
	m := decode(t, append(encode(t, made()), 1, 2, 3))
	check(t, "trailing", m.Trailing, 3)
	check(t, "tail", m.Tail, TailBlockID)
	m = decodeWhole(t, append(encode(t, made()), 1, 2, 3))
	checkError(t, m.Encode(io.Discard), "3 bytes")
}

// TestLegacy has epoch stakes where Agave up to 2.1 had them, in bank field 31.
func TestLegacy(t *testing.T) {
	field31 := locate(t, func(m *Manifest) { m.Bank.IsDelta = false }) - 8
	whole := spliced(t, field31, 1, make([]byte, 72))
	m := decode(t, whole)
	check(t, "legacy", m.Legacy, true)
	check(t, "trailing", m.Trailing, int64(len(whole)-field31-8))
	check(t, "bank hash", m.Bank.Hash, made().Bank.Hash)
	check(t, "capitalization", m.Bank.Capitalization, made().Bank.Capitalization)
	check(t, "vote accounts", len(m.Bank.Stakes.VoteAccounts), 2)
	check(t, "storages", len(m.AccountsDB.Storages), 0)
	_, err := m.BankHash()
	check(t, "BankHash error", err, ErrNotVerifiable)
	checkError(t, m.Encode(io.Discard), "legacy")
	checkError(t, decodeError(Decoder{}, spliced(t, field31, 1<<40, nil)), "field unused_epoch_stakes")
}

// TestObsoleteCollections are skipped, and then the manifest is not all there is.
func TestObsoleteCollections(t *testing.T) {
	accounts := locate(t, func(m *Manifest) { m.Bank.IsDelta = false }) - 32
	roots := locate(t, func(m *Manifest) { m.Extra.LamportsPerSignature = 1 }) - 16
	for name, tt := range map[string]struct{ at, element int }{
		"unused accounts 0": {accounts, 32}, "unused accounts 1": {accounts + 8, 32}, "unused accounts 2": {accounts + 16, 40},
		"historical roots": {roots, 8}, "historical roots with hash": {roots + 8, 40},
	} {
		t.Run(name, func(t *testing.T) {
			m := decodeWhole(t, spliced(t, tt.at, 3, make([]byte, 3*tt.element)))
			check(t, "partial", m.Partial, true)
			check(t, "tail", m.Tail, TailBlockID)
			check(t, "block id", *m.Extra.BlockID, *made().Extra.BlockID)
			checkError(t, decodeError(Decoder{}, spliced(t, tt.at, math.MaxUint64, nil)), "18446744073709551615 elements")
		})
	}
}

// counts are where made has the count of each list, and the path to it.
func counts(t testing.TB) map[string]int {
	at := func(change func(*Manifest)) int { return locate(t, change) }
	return map[string]int{
		"blockhash_queue.hashes": at(func(m *Manifest) { m.Bank.BlockhashQueue.Hashes = nil }),
		"ancestors":              at(func(m *Manifest) { m.Bank.Ancestors = nil }),
		"hard_forks":             at(func(m *Manifest) { m.Bank.HardForks = nil }),
		"stakes.vote_accounts":   at(func(m *Manifest) { m.Bank.Stakes.VoteAccounts = nil }),
		"stakes.vote_accounts[0].data": at(func(m *Manifest) {
			m.Bank.Stakes.VoteAccounts[0].Account.Data = nil
		}),
		"stakes.stake_delegations": at(func(m *Manifest) { m.Bank.Stakes.Delegations.All = nil }),
		"stakes.stake_history":     at(func(m *Manifest) { m.Bank.Stakes.History = nil }),
		"storages":                 at(func(m *Manifest) { m.AccountsDB.Storages = nil }),
		"versioned_epoch_stakes":   at(func(m *Manifest) { m.Extra.EpochStakes = nil }),
		"versioned_epoch_stakes[0].node_id_to_vote_accounts": at(func(m *Manifest) {
			m.Extra.EpochStakes[0].Nodes = nil
		}),
		"versioned_epoch_stakes[0].node_id_to_vote_accounts[0].vote_accounts": at(func(m *Manifest) {
			m.Extra.EpochStakes[0].Nodes[0].VoteAccounts = nil
		}),
		"versioned_epoch_stakes[0].epoch_authorized_voters": at(func(m *Manifest) {
			m.Extra.EpochStakes[0].AuthorizedVoters = nil
		}),
	}
}

// TestHugeCounts promises more elements than there are bytes, and elements in
// bytes that the size promises but the reader does not have. Neither may cost
// memory.
func TestHugeCounts(t *testing.T) {
	for field, at := range counts(t) {
		t.Run(field, func(t *testing.T) {
			for _, n := range []uint64{1 << 20, math.MaxInt64, math.MaxUint64} {
				b := patched(t, at, le64(nil, n)...)
				allocated, err := allocatedBy(func() error { return decodeError(Decoder{Whole: true}, b) })
				checkError(t, err, "field "+field+" at offset")
				checkSmall(t, allocated)
			}
			b := patched(t, at, le64(nil, 10<<20)...)[:at+8]
			allocated, err := allocatedBy(func() error {
				_, err := Decoder{Whole: true}.Decode(bytes.NewReader(b), MaxSize)
				return err
			})
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %v, want unexpected EOF", err)
			}
			checkSmall(t, allocated)
		})
	}
}

// allocatedBy is how many bytes f allocated, and its error.
func allocatedBy(f func() error) (allocated uint64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

// checkSmall allows the window, one step ahead of the data, and little more.
func checkSmall(t *testing.T, allocated uint64) {
	t.Helper()
	if limit := uint64(4 * window); allocated > limit {
		t.Errorf("allocated %d bytes, want at most %d", allocated, limit)
	}
}

// TestMaxKept bounds what a manifest that is really so large may cost.
func TestMaxKept(t *testing.T) {
	m := made()
	m.AccountsDB.Storages = make([]Storage, 100_000)
	b := encode(t, m)
	checkError(t, decodeError(Decoder{MaxKept: 1 << 20}, b), "field storages")
	checkError(t, decodeError(Decoder{MaxKept: 4 << 20}, b), "")
	allocated, err := allocatedBy(func() error { return decodeError(Decoder{MaxKept: 1 << 20}, b) })
	checkError(t, err, "more to keep than the decoder may")
	if allocated > 8<<20 {
		t.Errorf("allocated %d bytes for at most 1 MiB of the manifest", allocated)
	}
}

// TestLeanDecodeSkimsDelegations: a million delegations cost no memory unless
// they are kept.
func TestLeanDecodeSkimsDelegations(t *testing.T) {
	const delegations = 100_000
	m := made()
	m.Bank.Stakes.Delegations.All = make([]Delegation, delegations)
	for i := range m.Bank.Stakes.Delegations.All {
		m.Bank.Stakes.Delegations.All[i].Stake = 3
	}
	b := encode(t, m)
	var got *Manifest
	allocated, _ := allocatedBy(func() error { got = decode(t, b); return nil })
	check(t, "count", got.Bank.Stakes.Delegations.Count, delegations)
	check(t, "stake", got.Bank.Stakes.Delegations.Stake, 3*delegations)
	checkSmall(t, allocated)
}

func TestDecodeErrorText(t *testing.T) {
	err := decodeError(Decoder{}, encode(t, made())[:4])
	want := "decode manifest: field blockhash_queue.last_hash_index at offset 0: unexpected EOF: 4 bytes left, want 8"
	if err == nil || strings.TrimSpace(err.Error()) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func FuzzDecode(f *testing.F) {
	whole := encode(f, made())
	f.Add(whole)
	f.Add(encode(f, &Manifest{}))
	f.Add(encode(f, &Manifest{Tail: TailBlockID}))
	f.Add(whole[:len(whole)-33])
	f.Fuzz(func(t *testing.T, b []byte) { checkCanonical(t, b) })
}
