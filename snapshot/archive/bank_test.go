package archive

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// plainAccount is an account of which each field says something of the number.
func plainAccount(i byte, lamports uint64) Account {
	return Account{manifest.Pubkey{0: i, 31: 1}, manifest.Account{
		Lamports: lamports, Data: bytes.Repeat([]byte{i}, int(i)), Owner: manifest.Pubkey{0: 9, 31: i},
		Executable: i%2 == 1, RentEpoch: uint64(i),
	}}
}

// newBank describes what a test needs of a bank: one blockhash, empty stakes.
func newBank(slot snapshot.Slot, accounts map[snapshot.Slot][]Account) *Bank {
	cluster := DevelopmentCluster(time.Unix(1_700_000_000, 0))
	b := &Bank{
		Cluster: &cluster, Slot: slot, ParentSlot: slot - 1, ParentHash: snapshot.Hash{1}, BlockHeight: uint64(slot) / 2,
		Blockhashes: []snapshot.Hash{{2}}, LamportsPerSignature: 5000, SignatureCount: 3,
		EpochStakes: []manifest.EpochStakes{{Epoch: 1}}, BlockID: &snapshot.Hash{3},
	}
	for at := range slot + 1 {
		if len(accounts[at]) > 0 {
			b.Accounts = append(b.Accounts, SlotAccounts{at, each(accounts[at])})
		}
	}
	return b
}

// someAccounts has an account that is written three times, one that is deleted,
// one that is deleted and comes back, and one that is deleted in vain.
func someAccounts() map[snapshot.Slot][]Account {
	return map[snapshot.Slot][]Account{
		3:  {plainAccount(1, 100), plainAccount(2, 200), plainAccount(3, 300)},
		5:  {plainAccount(1, 101), plainAccount(2, 0)},
		8:  {plainAccount(3, 0), plainAccount(4, 0), plainAccount(5, 500)},
		10: {plainAccount(1, 102), plainAccount(3, 301), plainAccount(6, 600), plainAccount(7, 0)},
	}
}

func TestBankWritesArchivesThatProveThemselves(t *testing.T) {
	few := func() map[snapshot.Slot][]Account {
		return map[snapshot.Slot][]Account{4: {plainAccount(1, 100)}, 10: {plainAccount(6, 600), plainAccount(8, 800)}}
	}
	for name, tt := range map[string]struct {
		accounts map[snapshot.Slot][]Account
		packing  Packing
		change   func(*Bank)
	}{
		"duplicates and tombstones": {accounts: someAccounts()},
		"lz4":                       {accounts: someAccounts(), packing: Packing{Format: snapshot.FormatLZ4}},
		"many frames":               {accounts: someAccounts(), packing: Packing{FrameBytes: 1000}},
		"as Firedancer does":        {accounts: few(), packing: Packing{Firedancer: true}},
		"distinct":                  {accounts: few(), change: func(b *Bank) { b.Distinct = true }},
		"no block id":               {accounts: few(), change: func(b *Bank) { b.BlockID = nil }},
		"hard forks": {accounts: few(), change: func(b *Bank) {
			b.ParentSlot = 7
			b.HardForks = manifest.HardForks{{Slot: 6, Count: 1}, {Slot: 8, Count: 2}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bank := func(slot snapshot.Slot) *Bank {
				b := newBank(slot, tt.accounts)
				if tt.change != nil {
					tt.change(b)
				}
				b.ParentSlot = min(b.ParentSlot, slot-1)
				return b
			}
			dir := t.TempDir()
			fullName, err := bank(8).WriteFull(dir, tt.packing)
			if err != nil {
				t.Fatal(err)
			}
			incrementalName, err := bank(10).WriteIncremental(dir, 8, tt.packing)
			if err != nil {
				t.Fatal(err)
			}
			full, incremental := unpack(t, dir, fullName), unpack(t, dir, incrementalName)
			checkProof(t, liveAccounts(full), full)
			checkProof(t, liveAccounts(full, incremental), incremental)
			if !tt.packing.Firedancer {
				checkRows(t, full)
				checkRows(t, incremental)
			}
		})
	}
}

// A random history, whose archives are checked at two slots.
func TestBankOfARandomHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.ByteRange(1, 30), 1, 12, rapid.ID)
		lamports := rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64Range(1, 1<<50))
		history := map[snapshot.Slot][]Account{}
		for _, slot := range rapid.SliceOfNDistinct(rapid.Uint64Range(1, 40), 1, 8, rapid.ID).Draw(rt, "slots") {
			for _, key := range keys.Draw(rt, "keys") {
				history[snapshot.Slot(slot)] = append(history[snapshot.Slot(slot)], plainAccount(key, lamports.Draw(rt, "lamports")))
			}
		}
		first := rapid.SampledFrom(slices.Sorted(maps.Keys(history))).Draw(rt, "base")
		full := inMemory(t, newBank(first, history), fullName(first), Packing{})
		checkProof(t, liveAccounts(full), full)
		last := slices.Max(slices.Collect(maps.Keys(history)))
		if last == first {
			return
		}
		incremental := inMemory(t, newBank(last, history), incrementalName(first, last), Packing{})
		checkProof(t, liveAccounts(full, incremental), incremental)
	})
}

func TestBankMembers(t *testing.T) {
	bank := newBank(10, map[snapshot.Slot][]Account{4: {plainAccount(1, 100)}, 10: {plainAccount(6, 600)}})
	bank.Roots = []snapshot.Slot{8, 9, 10}
	for name, tt := range map[string]struct {
		packing Packing
		want    []string
		types   string // of the storages and the status cache
	}{
		"Agave": {Packing{}, []string{"version", "snapshots/", "snapshots/10", "snapshots/10/10", "snapshots/status_cache", "accounts/4.4", "accounts/10.10"}, "\x00\x000"},
		"Firedancer": {Packing{Firedancer: true},
			[]string{"version", "snapshots/", "snapshots/10", "snapshots/10/10", "accounts/10.0", "accounts/10.1", "snapshots/status_cache"}, "000"},
	} {
		t.Run(name, func(t *testing.T) {
			u := inMemory(t, bank, fullName(10), tt.packing)
			for i := range u.members {
				u.members[i] = strings.TrimSuffix(u.members[i], "/")
				tt.want[i] = strings.TrimSuffix(tt.want[i], "/")
			}
			if !slices.Equal(u.members, tt.want) {
				t.Errorf("members are %q, want %q", u.members, tt.want)
			}
			if !slices.Equal(u.roots, bank.Roots) {
				t.Errorf("roots are %d, want %d", u.roots, bank.Roots)
			}
			if rows := len(u.manifest.AccountsDB.Storages); (rows > 0) == tt.packing.Firedancer {
				t.Errorf("%d rows", rows)
			}
		})
	}
}

// The fields that follow from others, and those that do not.
func TestBankManifest(t *testing.T) {
	bank := newBank(10, someAccounts())
	bank.Blockhashes = []snapshot.Hash{{7}, {8}, {9}}
	got := inMemory(t, bank, fullName(10), Packing{}).manifest.Bank
	want := manifest.Bank{
		BlockhashQueue: manifest.BlockhashQueue{
			LastHashIndex: 6, LastHash: &snapshot.Hash{9}, MaxAge: 300,
			Hashes: []manifest.Blockhash{
				{Hash: snapshot.Hash{7}, LamportsPerSignature: 5000, HashIndex: 4, Timestamp: 1_700_000_003_200},
				{Hash: snapshot.Hash{8}, LamportsPerSignature: 5000, HashIndex: 5, Timestamp: 1_700_000_003_600},
				{Hash: snapshot.Hash{9}, LamportsPerSignature: 5000, HashIndex: 6, Timestamp: 1_700_000_004_000},
			},
		},
		Hash: got.Hash, ParentHash: snapshot.Hash{1}, ParentSlot: 9,
		TickHeight: 704, MaxTickHeight: 704, TicksPerSlot: 64, SignatureCount: 3,
		Capitalization: 102 + 301 + 500 + 600, AccountsDataLen: 1 + 3 + 5 + 6,
		NanosPerSlot: manifest.Uint128{Lo: 400_000_000}, SlotsPerYear: 78892314.984, GenesisCreationTime: 1_700_000_000,
		Slot: 10, BlockHeight: 5, IsDelta: true,
		FeeRateGovernor: manifest.FeeRateGovernor{TargetLamportsPerSignature: 10_000, TargetSignaturesPerSlot: 20_000,
			MinLamportsPerSignature: 5_000, MaxLamportsPerSignature: 100_000, BurnPercent: 50},
		EpochSchedule: bank.Cluster.EpochSchedule, Inflation: bank.Cluster.Inflation,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bank fields, -want +got:\n%s", diff)
	}
	stats := inMemory(t, bank, fullName(10), Packing{}).manifest.AccountsDB.BankHashInfo.Stats
	if want := (manifest.BankHashStats{UpdatedAccounts: 3, RemovedAccounts: 1, LamportsStored: 1003, TotalDataLen: 17, ExecutableAccounts: 3}); stats != want {
		t.Errorf("stats are %+v, want %+v", stats, want)
	}
}

func TestBankRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Bank)
		base   snapshot.Slot // of an incremental; 0 for a full
		want   string
	}{
		"no cluster":           {change: func(b *Bank) { b.Cluster = nil }, want: "it is of no cluster"},
		"parent not below":     {change: func(b *Bank) { b.ParentSlot = 10 }, want: "parent slot is 10, want one below"},
		"parent of slot 0":     {change: func(b *Bank) { b.Slot, b.ParentSlot, b.Accounts = 0, 1, nil }, want: "parent slot is 1"},
		"height above slot":    {change: func(b *Bank) { b.BlockHeight = 11 }, want: "block height is 11, above the slot"},
		"no blockhash":         {change: func(b *Bank) { b.Blockhashes = nil }, want: "0 blockhashes, want 1 to 7"},
		"too many blockhashes": {change: func(b *Bank) { b.Blockhashes = make([]snapshot.Hash, 8) }, want: "8 blockhashes, want 1 to 7"},
		"too many roots":       {change: func(b *Bank) { b.Roots = make([]snapshot.Slot, 301) }, want: "301 roots"},
		"slots not ascending":  {change: func(b *Bank) { slices.Reverse(b.Accounts) }, want: "accounts of slot 8, want ascending"},
		"slot above the bank":  {change: func(b *Bank) { b.Accounts[3].Slot = 11 }, want: "accounts of slot 11, want"},
		"no accounts":          {change: func(b *Bank) { b.Accounts = nil }, want: "no slot wrote an account"},
		"none since the base":  {change: func(b *Bank) { b.Accounts = b.Accounts[:3] }, base: 8, want: "no slot wrote an account"},
		"base not below":       {base: 10, want: "incremental slot 10 is not above its base 10"},
		"slot without accounts": {change: func(b *Bank) { b.Accounts[1].Accounts = each(nil) },
			want: "slot 5 has no account"},
		"account twice in a slot": {change: func(b *Bank) { b.Accounts[0].Accounts = each([]Account{plainAccount(9, 1), plainAccount(9, 2)}) },
			want: "slot 3: account c8fpTXm3XTRgE5maYQ24Li4L65wMYvAFomzXknxVEx8 is there twice"},
		"too much data": {change: func(b *Bank) {
			b.Accounts[0].Accounts = each([]Account{{manifest.Pubkey{1}, manifest.Account{Lamports: 1, Data: make([]byte, 10<<20+1)}}})
		}, want: "has 10485761 bytes of data"},
		"end of a storage": {change: func(b *Bank) { b.Accounts[0].Accounts = each(make([]Account, 1)) },
			want: "account 11111111111111111111111111111111 without lamports"},
		"too many lamports": {change: func(b *Bank) {
			b.Accounts[0].Accounts = each([]Account{plainAccount(20, math.MaxUint64)})
		}, want: "more than 2^64-1 lamports"},
		"not the same twice": {change: func(b *Bank) {
			n := byte(0)
			b.Accounts[0].Accounts = func(yield func(*Account) bool) {
				n += 20
				a := plainAccount(n, 1)
				yield(&a)
			}
		}, want: "member accounts/3.3 is longer than it was at first"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(10, someAccounts())
			if tt.change != nil {
				tt.change(b)
			}
			dir := t.TempDir()
			write := func() (snapshot.Name, error) { return b.WriteFull(dir, Packing{}) }
			if tt.base > 0 {
				write = func() (snapshot.Name, error) { return b.WriteIncremental(dir, tt.base, Packing{}) }
			}
			if name, err := write(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("wrote %s: %v, want an error with %q", name, err, tt.want)
			}
			if entries, _ := os.ReadDir(dir); len(entries) > 0 {
				t.Errorf("left %v", entries)
			}
		})
	}
}

func TestFiredancerPacksNoAccountTwice(t *testing.T) {
	b := newBank(10, someAccounts())
	if _, err := b.archive(fullName(10), Packing{Firedancer: true}); err == nil || !strings.Contains(err.Error(), "slot 8 wrote an account that a later slot wrote again") {
		t.Errorf("error is %v", err)
	}
	if _, err := b.archive(incrementalName(8, 10), Packing{Firedancer: true}); err != nil {
		t.Errorf("what was written before the base is no hindrance: %v", err)
	}
}

func TestPublishedArchiveIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	b := newBank(10, someAccounts())
	if _, err := b.WriteFull(dir, Packing{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.WriteFull(dir, Packing{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second WriteFull: %v, want fs.ErrExist", err)
	}
}

func TestFalsifiedArchive(t *testing.T) {
	u := inMemory(t, newBank(10, someAccounts()), fullName(10), Packing{Falsify: func(m *manifest.Manifest, name *snapshot.Name) {
		m.Bank.Capitalization++
		name.Hash = snapshot.Hash{1}
	}})
	if u.name.Hash != (snapshot.Hash{1}) || u.manifest.Bank.Capitalization != 1504 {
		t.Errorf("name is %s, capitalization %d", u.name, u.manifest.Bank.Capitalization)
	}
}

func TestFrames(t *testing.T) {
	magic := []byte{0x28, 0xb5, 0x2f, 0xfd}
	for _, frameBytes := range []int64{0, 1000, 2048, 1 << 20} {
		b := newBank(10, map[snapshot.Slot][]Account{10: {plainAccount(1, 1)}})
		dir := t.TempDir()
		name, err := b.WriteFull(dir, Packing{FrameBytes: frameBytes})
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(dir, name.String()))
		if err != nil {
			t.Fatal(err)
		}
		stream := new(bytes.Buffer)
		if _, err := stream.ReadFrom(plainStream(t, bytes.NewReader(content), snapshot.FormatZstd)); err != nil {
			t.Fatal(err)
		}
		want := 1
		if frameBytes > 0 {
			want = (stream.Len() + int(frameBytes) - 1) / int(frameBytes)
		}
		if got := bytes.Count(content, magic); got != want {
			t.Errorf("%d frames of %d bytes, want %d", got, frameBytes, want)
		}
	}
}

// Headers that Agave itself wrote, made again.
func TestGNUHeaderAsAgaveWritesIt(t *testing.T) {
	stream := new(bytes.Buffer)
	name := "sig-v1/snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.zst"
	if _, err := stream.ReadFrom(plainStream(t, bytes.NewReader(fixture(t, name)), snapshot.FormatZstd)); err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]memberKind{
		"version": fileKind, "snapshots/": directoryKind, "snapshots/1": directoryKind, "snapshots/1/1": fileKind,
		"snapshots/status_cache": fileKind, "accounts/0.1": storageKind, "accounts/1.0": storageKind,
	} {
		at := bytes.Index(stream.Bytes(), []byte(name+"\x00"))
		for at%512 != 0 {
			at += 1 + bytes.Index(stream.Bytes()[at+1:], []byte(name+"\x00"))
		}
		want := [headerSize]byte(stream.Bytes()[at:])
		var size int64
		if _, err := fmt.Sscanf(string(want[124:135]), "%o", &size); err != nil {
			t.Fatal(err)
		}
		if kind != storageKind { // the owner and the time are the machine's
			copy(want[108:], "0000000\x000000000\x00")
			copy(want[136:], "00000000000\x00")
			sumHeader(&want)
		}
		if got := gnuHeader(name, size, kind); got != want {
			t.Errorf("header of %s is\n%q, want\n%q", name, got[:300], want[:300])
		}
	}
}

func TestGNUHeaderSizes(t *testing.T) {
	for _, size := range []int64{0, 1, 1<<33 - 1, 1 << 33, 16 << 30, math.MaxInt64} {
		h := gnuHeader("accounts/1.2", size, storageKind)
		header, err := tar.NewReader(bytes.NewReader(h[:])).Next()
		if err != nil {
			t.Fatalf("size %d: %v", size, err)
		}
		if header.Size != size || header.Name != "accounts/1.2" || header.Typeflag != tar.TypeReg {
			t.Errorf("header of %d bytes reads as %+v", size, header)
		}
	}
}

// A genesis.bin that Agave itself wrote, made again from its three variables.
func TestGenesisBinAsAgaveWritesIt(t *testing.T) {
	want := fixture(t, "sig-v1/genesis.bin")
	cluster := DevelopmentCluster(time.Unix(int64(binary.LittleEndian.Uint64(want)), 0), Account{
		manifest.Pubkey(want[16:48]), manifest.Account{Lamports: binary.LittleEndian.Uint64(want[48:])},
	})
	if got := cluster.GenesisBin(); !bytes.Equal(got, want) {
		t.Errorf("encoded\n%x, want\n%x", got, want)
	}
}

func TestGenesisBinSortsItsAccounts(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	one, two := plainAccount(1, 1), plainAccount(2, 2)
	ascending, descending := DevelopmentCluster(at, one, two), DevelopmentCluster(at, two, one)
	if !bytes.Equal(ascending.GenesisBin(), descending.GenesisBin()) {
		t.Error("the order of the accounts is in the genesis")
	}
	if descending.Accounts[0].Pubkey != two.Pubkey {
		t.Error("the caller's accounts were sorted")
	}
}

// The accounts that Agave gave a cluster at its first block, made again.
func TestNativeAccountsAsAgaveWritesThem(t *testing.T) {
	stream := plainStream(t, bytes.NewReader(fixture(t, "sig-v1/snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.zst")), snapshot.FormatZstd)
	members := tar.NewReader(stream)
	content := new(bytes.Buffer)
	for content.Len() == 0 {
		header, err := members.Next()
		if err != nil {
			t.Fatal(err)
		}
		if header.Name == "accounts/0.1" {
			_, _ = content.ReadFrom(members)
		}
	}
	theirs := map[manifest.Pubkey]Account{}
	for b := content.Bytes(); len(b) > 0; b = b[(136+binary.LittleEndian.Uint64(b[8:])+7)/8*8:] {
		clear(b[97:104]) // Agave's padding is whatever was there
		a := plainRecords(t, b[:(136+binary.LittleEndian.Uint64(b[8:])+7)/8*8])[0]
		theirs[a.Pubkey] = a
	}
	cluster := DevelopmentCluster(time.Unix(0, 0))
	made := append(nativePrograms(), cluster.fixedSysvars()...)
	made = append(made, cluster.sysvar(stakeSysvar, stakeHistory(nil)))
	for _, a := range made {
		if a.Pubkey == restartSysvar {
			continue // is younger than that cluster
		}
		if diff := cmp.Diff(theirs[a.Pubkey], a); diff != "" {
			t.Errorf("%s, -Agave's +ours:\n%s", a.Pubkey, diff)
		}
	}
}

// BenchmarkBank writes token accounts, all in one slot.
func BenchmarkBank(b *testing.B) {
	const accounts = 100_000
	bank := newBank(10, nil)
	bank.Distinct = true
	bank.Accounts = []SlotAccounts{{10, func(yield func(*Account) bool) {
		a := plainAccount(165, 2_039_280)
		for i := range uint64(accounts) {
			binary.LittleEndian.PutUint64(a.Pubkey[:], i*0x9e37_79b9_7f4a_7c15)
			binary.LittleEndian.PutUint64(a.Data[32:], i)
			if !yield(&a) {
				return
			}
		}
	}}}
	for b.Loop() {
		a, err := bank.archive(fullName(10), Packing{})
		if err != nil {
			b.Fatal(err)
		}
		if err := a.pack(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(accounts*b.N)/b.Elapsed().Seconds(), "accounts/s")
}
