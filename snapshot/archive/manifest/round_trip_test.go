package manifest

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"testing"

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
	want := made()
	want.Bank.Stakes.Delegations = Delegations{}
	stakes := &want.Extra.EpochStakes[0].Stakes
	stakes.Delegations = Delegations{}
	for i := range stakes.VoteAccounts {
		stakes.VoteAccounts[i].Account.Data, stakes.VoteAccounts[i].Node = nil, Pubkey{}
	}
	if diff := cmp.Diff(want, decode(t, encode(t, want))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
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
