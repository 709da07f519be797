package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// copied is a StoredAccount that owns its memory.
type copied struct {
	pubkey, owner                     [32]byte
	lamports, rentEpoch, writeVersion uint64
	executable                        bool
	data                              string
	offset                            int64
}

func copyOf(a *StoredAccount) copied {
	return copied{*a.Pubkey, *a.Owner, a.Lamports, a.RentEpoch, a.WriteVersion, a.Executable, string(a.Data), a.Offset}
}

// recordsOf is a storage held in memory, walked.
func recordsOf(b []byte) (all []copied, _ error) {
	records := NewRecords(b, 0)
	for records.Next() {
		all = append(all, copyOf(records.Account()))
	}
	return all, records.Err()
}

// accountsOf is the same storage read as a member, in blocks of the given size.
func accountsOf(b []byte, blockSize int) (all []copied, tail Tail, _ error) {
	a := Accounts{buf: make([]byte, blockSize)}
	a.Reset(iotest.HalfReader(bytes.NewReader(b)), Member{Name: "accounts/1.1", Kind: StorageMember, Size: int64(len(b))})
	for a.Next() {
		all = append(all, copyOf(a.Account()))
	}
	return all, a.Tail(), a.Err()
}

// A record that another project wrote, byte for byte.
func TestRecordsOfARealStorage(t *testing.T) {
	got, err := recordsOf(fixture(t, "sig-v2/extracted/99.2"))
	want := copied{lamports: 500_000, rentEpoch: 200, data: "another account"}
	copy(want.pubkey[:], bytes.Repeat([]byte{0x22}, 32))
	if err != nil || !slices.Equal(got, []copied{want}) {
		t.Errorf("records %+v, %v, want %+v", got, err, want)
	}
}

// A storage of an old validator, with write versions, and one of 2025, with garbage in the
// padding.
func TestRecordsOfOtherRealStorages(t *testing.T) {
	got, err := recordsOf(fixture(t, "legacy/appendvec-test_account_file.bin"))
	if err != nil || len(got) != 6 {
		t.Fatalf("%d records, %v, want 6", len(got), err)
	}
	for i, a := range got {
		if a.writeVersion != uint64(279+i) {
			t.Errorf("record %d has write version %d, want %d", i, a.writeVersion, 279+i)
		}
	}
	b := fixture(t, "sig-v1/extracted/0.1")
	got, err = recordsOf(b)
	if err != nil || len(got) != 13 {
		t.Fatalf("%d records, %v, want 13", len(got), err)
	}
	var lamports uint64
	for _, a := range got {
		lamports += a.lamports
	}
	if again, tail, err := accountsOf(b, 1000); err != nil || !slices.Equal(again, got) || tail != (Tail{}) {
		t.Errorf("read in blocks: %d records, %+v, %v", len(again), tail, err)
	}
	if lamports == 0 {
		t.Error("no lamports in it")
	}
}

func TestRecordsEnd(t *testing.T) {
	whole := storageBytes(pubkeyed(1, 7), pubkeyed(2, 9))
	unaligned := whole[:len(whole)-7]
	system := account{lamports: 1, data: []byte("system_program")}
	tombstone := pubkeyed(3, 0)
	tombstone.lamports = 0
	for name, tt := range map[string]struct {
		content []byte
		records int
		tail    Tail
	}{
		"whole":                     {whole, 2, Tail{}},
		"no padding at the end":     {unaligned, 2, Tail{Unaligned: true}},
		"part of the padding":       {unaligned[:len(unaligned)+3], 2, Tail{Unaligned: true}},
		"one byte more":             {append(slices.Clone(whole), 1), 2, Tail{Ignored: 1}},
		"almost a header":           {append(slices.Clone(whole), bytes.Repeat([]byte{0xff}, 135)...), 2, Tail{Ignored: 135}},
		"a header of zeros":         {append(slices.Clone(whole), make([]byte, 136)...), 2, Tail{Ignored: 136}},
		"zeros and then junk":       {slices.Concat(whole, make([]byte, 4096), bytes.Repeat([]byte{0xff}, 4096)), 2, Tail{Ignored: 8192}},
		"zeros and then a record":   {slices.Concat(whole, make([]byte, 136), whole), 2, Tail{Ignored: 136 + int64(len(whole))}},
		"only zeros":                {make([]byte, 4096), 0, Tail{Ignored: 4096}},
		"less than a header":        {whole[:135], 0, Tail{Ignored: 135}},
		"the system program":        {storageBytes(system, pubkeyed(1, 0)), 2, Tail{}},
		"a tombstone":               {storageBytes(tombstone, pubkeyed(1, 0)), 2, Tail{}},
		"zero key, data length bad": {slices.Concat(whole, make([]byte, 8), bytes.Repeat([]byte{0xff}, 8), make([]byte, 120)), 2, Tail{Ignored: 136}},
	} {
		records, err := recordsOf(tt.content)
		if err != nil || len(records) != tt.records {
			t.Errorf("%s: %d records, %v, want %d", name, len(records), err, tt.records)
		}
		for _, blockSize := range []int{0, 100, 136, 150, 290, 1000, BlockSize} {
			again, tail, err := accountsOf(tt.content, blockSize)
			if err != nil || !slices.Equal(again, records) || tail != tt.tail {
				t.Errorf("%s in blocks of %d: %d records, %+v, %v, want %d, %+v", name, blockSize, len(again), tail, err, tt.records, tt.tail)
			}
		}
	}
}

func TestRecordsRefused(t *testing.T) {
	edit := func(at int, b ...byte) []byte {
		content := storageBytes(pubkeyed(1, 8), pubkeyed(2, 8), pubkeyed(3, 8))
		copy(content[144+at:], b)
		return content
	}
	whole := edit(0)
	for name, tt := range map[string]struct {
		content []byte
		wantErr string
		offset  int64
	}{
		"data above 10 MiB":          {edit(8, 1, 0, 0xa0), "data length is 10485761, want at most 10485760", 144},
		"data of 2^64-1":             {edit(8, bytes.Repeat([]byte{0xff}, 8)...), "data length is 18446744073709551615", 144},
		"data past the end":          {edit(8, 0, 0, 1), "runs past the end of the storage", 144},
		"data a byte past the end":   {whole[:len(whole)-1], "runs past the end of the storage", 288},
		"executable is 2":            {edit(96, 2), "executable is 2, want 0 or 1", 144},
		"executable is 255":          {edit(96, 255), "executable is 255, want 0 or 1", 144},
		"executable in the last one": {slices.Concat(edit(96, 0), edit(96, 2)), "executable is 2", 432 + 144},
	} {
		check := func(how string, records []copied, err error) {
			failed := (*RecordError)(nil)
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), tt.wantErr) || failed.Offset != tt.offset {
				t.Errorf("%s, %s: %v, want %q at %d", name, how, err, tt.wantErr, tt.offset)
			}
			if int64(len(records))*144 > tt.offset {
				t.Errorf("%s, %s: %d records before the broken one at %d", name, how, len(records), tt.offset)
			}
		}
		records, err := recordsOf(tt.content)
		check("whole", records, err)
		for _, blockSize := range []int{0, 144, 200, BlockSize} {
			records, _, err := accountsOf(tt.content, blockSize)
			check(fmt.Sprintf("in blocks of %d", blockSize), records, err)
			if !errors.As(err, new(*MemberError)) {
				t.Errorf("%s: %v is no *MemberError", name, err)
			}
		}
	}
	good := edit(96, 1)
	binary.LittleEndian.PutUint64(good[144+97:], math.MaxUint64) // 7 bytes of padding, 1 of the hash
	if records, err := recordsOf(good); err != nil || !records[1].executable || records[0].executable {
		t.Errorf("executable and garbage in the padding: %v", err)
	}
}

// The largest account is read through a small block.
func TestAccountsGrowForALargeRecord(t *testing.T) {
	content := storageBytes(pubkeyed(1, 1), pubkeyed(2, maxAccountData), pubkeyed(3, maxAccountData-1), pubkeyed(4, 1))
	records, tail, err := accountsOf(content, 1000)
	if err != nil || len(records) != 4 || tail != (Tail{}) {
		t.Fatalf("%d records, %+v, %v", len(records), tail, err)
	}
	if want, _ := recordsOf(content); !slices.Equal(records, want) {
		t.Error("read in blocks, the accounts are not the same")
	}
}

// A manifest may say that a storage is shorter than its file.
func TestAccountsOfAShorterStorage(t *testing.T) {
	tape := buildTar(versionEntry, storageEntry("7.1", pubkeyed(1, 8), pubkeyed(2, 8)), storageEntry("8.2", pubkeyed(3, 8)))
	r, err := NewReader(t.Context(), bytes.NewReader(tape))
	if err != nil {
		t.Fatal(err)
	}
	var accounts Accounts
	var keys []byte
	for {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		m.Size = min(m.Size, 144)
		for accounts.Reset(r, m); m.Kind == StorageMember && accounts.Next(); {
			keys = append(keys, accounts.Account().Pubkey[0])
		}
	}
	if !bytes.Equal(keys, []byte{1, 3}) || accounts.Err() != nil {
		t.Errorf("accounts %v, %v, want 1 and 3", keys, accounts.Err())
	}
}

// Every cut into blocks gives the same records: each block stands alone.
func TestBlocksAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.IntRange(0, 3000), 1, 40).Draw(t, "data lengths")
		var content []byte
		for i, n := range lengths {
			content = pubkeyed(byte(i+1), n).appendRecord(content)
		}
		content = content[:len(content)-rapid.IntRange(0, -lengths[len(lengths)-1]&7).Draw(t, "missing padding")]
		want, err := recordsOf(content)
		if err != nil || len(want) != len(lengths) {
			t.Fatalf("%d records, %v, want %d", len(want), err, len(lengths))
		}
		got, size := blocksOf(t, content, rapid.IntRange(0, 5000).Draw(t, "block size"))
		if !slices.Equal(got, want) || size != len(content) {
			t.Fatalf("%d records in %d bytes, want %d in %d", len(got), size, len(want), len(content))
		}
	})
}

func blocksOf(t *rapid.T, content []byte, blockSize int) (all []copied, size int) {
	var blocks Blocks
	blocks.Reset(bytes.NewReader(content), Member{Name: "accounts/1.1", Size: int64(len(content))})
	for {
		b, err := blocks.Next(make([]byte, blockSize))
		if errors.Is(err, io.EOF) {
			return all, size
		}
		if err != nil {
			t.Fatal(err)
		}
		if b.Offset != int64(size) {
			t.Fatalf("block at %d, want it at %d", b.Offset, size)
		}
		size += len(b.Data)
		records := b.Records()
		for records.Next() {
			all = append(all, copyOf(records.Account()))
		}
		if records.Err() != nil {
			t.Fatal(records.Err())
		}
	}
}

func TestBlocksOfATruncatedStorage(t *testing.T) {
	content := storageBytes(pubkeyed(1, 1000), pubkeyed(2, 1000))
	var accounts Accounts
	for n := range content {
		accounts.Reset(bytes.NewReader(content[:n]), Member{Name: "accounts/1.1", Size: int64(len(content))})
		for accounts.Next() {
			continue
		}
		failed := (*MemberError)(nil)
		if err := accounts.Err(); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &failed) || failed.Offset != int64(n) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

func TestAccountsAllocateNothing(t *testing.T) {
	content := benchmarkAccounts(0, 3<<20)
	reader := bytes.NewReader(nil)
	var accounts Accounts
	walk := func() {
		reader.Reset(content)
		accounts.Reset(reader, Member{Size: int64(len(content))})
		for accounts.Next() {
			continue
		}
		if accounts.Err() != nil {
			t.Fatal(accounts.Err())
		}
	}
	walk() // its memory is made
	if n := testing.AllocsPerRun(3, walk); n > 0 {
		t.Errorf("%v allocations for a storage, want none", n)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(storageBytes(pubkeyed(1, 7), pubkeyed(2, 9)), uint16(200))
	f.Add(storageBytes(pubkeyed(1, 0)), uint16(0))
	f.Add(append(storageBytes(pubkeyed(1, 5)), make([]byte, 300)...), uint16(140))
	f.Add(benchmarkAccounts(0, 2000), uint16(1000))
	f.Fuzz(func(t *testing.T, content []byte, blockSize uint16) {
		whole, err := recordsOf(content)
		blocks, _, blocksErr := accountsOf(content, int(blockSize))
		if (err == nil) != (blocksErr == nil) {
			t.Fatalf("whole: %v, in blocks: %v", err, blocksErr)
		}
		if len(blocks) > len(whole) || !slices.Equal(blocks, whole[:len(blocks)]) || err == nil && len(blocks) < len(whole) {
			t.Fatalf("%d records whole, %d in blocks, or they differ", len(whole), len(blocks))
		}
		end := int64(0)
		for _, a := range whole {
			if a.offset < end || a.offset%recordAlign != 0 {
				t.Fatalf("record at %d, the one before ends at %d", a.offset, end)
			}
			end = a.offset + recordHeaderSize + int64(len(a.data))
		}
		if end > int64(len(content)) {
			t.Fatalf("records to %d of %d bytes", end, len(content))
		}
	})
}

func BenchmarkRecords(b *testing.B) {
	content := benchmarkAccounts(0, BlockSize)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	count := 0
	for b.Loop() {
		records := NewRecords(content, 0)
		for records.Next() {
			count += int(records.Account().Pubkey[0]&1) | 1
		}
	}
	b.ReportMetric(float64(count)/b.Elapsed().Seconds(), "accounts/s")
}

func BenchmarkBlocks(b *testing.B) {
	content := benchmarkAccounts(0, 16<<20)
	reader := bytes.NewReader(nil)
	var blocks Blocks
	buf := make([]byte, BlockSize)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(content)
		blocks.Reset(reader, Member{Size: int64(len(content))})
		for {
			if _, err := blocks.Next(buf); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
