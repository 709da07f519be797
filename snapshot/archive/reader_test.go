package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"solsnap/snapshot"
)

// walked is what a walk found. A member is "name size", or "name size records"
// if it is a storage.
type walked struct {
	members   []string
	accounts  map[[32]byte]uint64 // lamports of the record with the highest slot
	container Container
	consumed  int64
	err       error // nil for io.EOF
}

func walk(r io.Reader) walked {
	reader, err := NewReader(context.Background(), r)
	if err != nil {
		return walked{err: err}
	}
	return walkReader(reader)
}

func walkReader(reader *Reader) walked {
	w := walked{accounts: map[[32]byte]uint64{}}
	slots := map[[32]byte]snapshot.Slot{}
	var accounts Accounts
	for {
		m, err := reader.Next()
		w.container, w.consumed = reader.Container(), reader.Consumed()
		if errors.Is(err, io.EOF) {
			return w
		}
		if err != nil {
			w.err = err
			return w
		}
		line := fmt.Sprintf("%s %d", m.Name, m.Size)
		if m.Kind == StorageMember {
			records := 0
			for accounts.Reset(reader, m); accounts.Next(); records++ {
				if a := accounts.Account(); m.Slot >= slots[*a.Pubkey] {
					slots[*a.Pubkey], w.accounts[*a.Pubkey] = m.Slot, a.Lamports
				}
			}
			if w.err = accounts.Err(); w.err != nil {
				return w
			}
			line += fmt.Sprintf(" %d", records)
		}
		w.members = append(w.members, line)
	}
}

func (w walked) capitalization() (sum uint64) {
	for _, lamports := range w.accounts {
		sum += lamports
	}
	return sum
}

// The archives of the collection, with what its README says of them.
func TestReaderOfRealArchives(t *testing.T) {
	const name = "snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar."
	agave := []string{"version 5", "snapshots/1/1 3194", "snapshots/status_cache 426", "accounts/0.1 18392 13", "accounts/1.0 158728 8"}
	for file, want := range map[string]struct {
		members        []string
		live           int
		capitalization uint64 // 0 where the archive holds a part of the accounts
		container      Container
		producer       Producer
	}{
		"sig-v1/" + name + "zst": {agave, 21, 1000001217798168, Container{
			Compression: Zstd, Headers: HeadersGNU, Entries: 7, Directories: 2, Version: 1, Manifest: 4, StatusCache: 5,
			Storages: 2, FirstStorage: 6, LastStorage: 7, HighestSlot: 1, ManifestSlot: 1, NULTypes: 2,
			Size: 180745, Stored: 180745,
		}, Agave},
		"sig-v1/incremental-snapshot-1-4-43FT6mnmRW9XbxpCzqH3ogYexHXboG7d8vmf3gBLvLrR.tar.zst": {
			[]string{"version 5", "snapshots/4/4 3362", "snapshots/status_cache 765", "accounts/4.2 158456 6"}, 6, 0, Container{
				Compression: Zstd, Headers: HeadersGNU, Entries: 6, Directories: 2, Version: 1, Manifest: 4, StatusCache: 5,
				Storages: 1, FirstStorage: 6, LastStorage: 6, LowestSlot: 4, HighestSlot: 4, ManifestSlot: 4, NULTypes: 1,
				Size: 162588, Stored: 162588,
			}, Agave},
		"sig-v2/snapshot-100-7G3gw9TmwzT24jhJQyrPnH2QaKUZ7MHWGG9KW8XaPbDb.tar.zst": {
			[]string{"version 5", "snapshots/status_cache 386", "snapshots/100/100 6397", "accounts/98.1 152 1", "accounts/99.2 152 1", "accounts/100.3 133056 7"},
			8, 92065762, Container{
				Compression: Zstd, Headers: HeadersUSTAR, Entries: 9, Directories: 3, Version: 1, Manifest: 5, StatusCache: 3,
				Storages: 3, FirstStorage: 7, LastStorage: 9, LowestSlot: 98, HighestSlot: 100, ManifestSlot: 100,
				Size: 140148, Stored: 140148,
			}, OtherProducer},
		"synthetic/multi-frame/" + name + "zst": {agave, 21, 1000001217798168, Container{
			Compression: Zstd, Headers: HeadersGNU, Entries: 7, Directories: 2, Version: 1, Manifest: 4, StatusCache: 5,
			Storages: 2, FirstStorage: 6, LastStorage: 7, HighestSlot: 1, ManifestSlot: 1, NULTypes: 2,
			Size: 180745, Stored: 180745,
		}, Agave},
		"synthetic/lz4/" + name + "lz4": {agave, 21, 1000001217798168, Container{
			Compression: LZ4, Headers: HeadersGNU, Entries: 7, Directories: 2, Version: 1, Manifest: 4, StatusCache: 5,
			Storages: 2, FirstStorage: 6, LastStorage: 7, HighestSlot: 1, ManifestSlot: 1, NULTypes: 2,
			Size: 180745, Stored: 180745,
		}, Agave},
		"synthetic/firedancer-layout/" + name + "zst": {
			[]string{"version 5", "snapshots/1/1 3130", "accounts/1.0 17424 7", "accounts/1.6 1144 7", "accounts/1.12 158552 7", "snapshots/status_cache 426"},
			21, 1000001217798168, Container{
				Compression: Zstd, Headers: HeadersGNU, Entries: 8, Directories: 2, Version: 1, Manifest: 4, StatusCache: 8,
				Storages: 3, FirstStorage: 5, LastStorage: 7, LowestSlot: 1, HighestSlot: 1, ManifestSlot: 1,
				Size: 180681, Stored: 180681,
			}, FiredancerLike},
	} {
		t.Run(file, func(t *testing.T) {
			b := fixture(t, file)
			got := walk(bytes.NewReader(b))
			if got.err != nil {
				t.Fatal(got.err)
			}
			if !slices.Equal(got.members, want.members) {
				t.Errorf("members\n%q, want\n%q", got.members, want.members)
			}
			if sum := got.capitalization(); len(got.accounts) != want.live || want.capitalization > 0 && sum != want.capitalization {
				t.Errorf("%d accounts with %d lamports, want %d with %d", len(got.accounts), sum, want.live, want.capitalization)
			}
			if got.container != want.container || got.container.Producer() != want.producer {
				t.Errorf("container\n%+v by %s, want\n%+v by %s", got.container, got.container.Producer(), want.container, want.producer)
			}
			if got.consumed != int64(len(b)) {
				t.Errorf("consumed %d bytes of %d", got.consumed, len(b))
			}
		})
	}
}

// The real pair together has the capitalization that the manifest of the
// incremental states.
func TestReaderOfARealPair(t *testing.T) {
	pair := walk(bytes.NewReader(fixture(t, "sig-v1/snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.zst")))
	incremental := walk(bytes.NewReader(fixture(t, "sig-v1/incremental-snapshot-1-4-43FT6mnmRW9XbxpCzqH3ogYexHXboG7d8vmf3gBLvLrR.tar.zst")))
	maps.Copy(pair.accounts, incremental.accounts)
	if got := pair.capitalization(); len(pair.accounts) != 21 || got != 1000001217783168 {
		t.Errorf("%d accounts with %d lamports, want 21 with 1000001217783168", len(pair.accounts), got)
	}
}

// The members' contents are those that the collection also has as files.
func TestReaderGivesTheContents(t *testing.T) {
	r, err := NewReader(t.Context(), bytes.NewReader(fixture(t, "sig-v1/snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.zst")))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"snapshots/1/1": "manifest-1.bin", "snapshots/status_cache": "status_cache-1.bin", "accounts/0.1": "0.1"}
	for {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		file, ok := files[m.Name]
		if !ok {
			continue // skipped by the next Next
		}
		delete(files, m.Name)
		got, err := io.ReadAll(iotest.OneByteReader(r))
		if err != nil || !bytes.Equal(got, fixture(t, "sig-v1/extracted/"+file)) {
			t.Errorf("%s: %v, or it differs from %s", m.Name, err, file)
		}
	}
	if len(files) > 0 {
		t.Errorf("not seen: %v", files)
	}
}

// The same archive in every wrapping, read in pieces of every kind.
func TestReaderOfEveryCompression(t *testing.T) {
	tape := buildTar(agaveEntries()...)
	skippable := []byte("\x5e\x2a\x4d\x18\x03\x00\x00\x00abc\x50\x2a\x4d\x18\x00\x00\x00\x00")
	half := len(tape) / 2
	want := walk(bytes.NewReader(tape))
	if want.err != nil || len(want.members) != 5 {
		t.Fatalf("plain tar: %v, %q", want.err, want.members)
	}
	for name, tt := range map[string]struct {
		archive     []byte
		compression Compression
	}{
		"plain":                  {tape, Uncompressed},
		"zstd":                   {compress(t, tape), Zstd},
		"zstd with a checksum":   {compress(t, tape, zstd.WithEncoderCRC(true)), Zstd},
		"two zstd frames":        {slices.Concat(compress(t, tape[:half]), compress(t, tape[half:])), Zstd},
		"skippable frames first": {slices.Concat(skippable, compress(t, tape)), Zstd},
		"skippable frames last":  {slices.Concat(compress(t, tape), skippable), Zstd},
		"skippable in between":   {slices.Concat(compress(t, tape[:half]), skippable, compress(t, tape[half:])), Zstd},
		"lz4":                    {lz4Frame(t, tape), LZ4},
		"lz4 after skippable":    {slices.Concat(skippable, lz4Frame(t, tape)), LZ4},
	} {
		for reading, r := range map[string]io.Reader{
			"whole":           bytes.NewReader(tt.archive),
			"buffer":          bytes.NewBuffer(tt.archive), // the zstd library has a way of its own for these
			"byte by byte":    iotest.OneByteReader(bytes.NewReader(tt.archive)),
			"error with data": iotest.DataErrReader(bytes.NewReader(tt.archive)),
		} {
			got := walk(r)
			if got.err != nil || !slices.Equal(got.members, want.members) || got.container.Compression != tt.compression {
				t.Errorf("%s, %s: %v, %q in %s", name, reading, got.err, got.members, got.container.Compression)
			}
			if got.consumed != int64(len(tt.archive)) {
				t.Errorf("%s, %s: consumed %d of %d bytes", name, reading, got.consumed, len(tt.archive))
			}
		}
	}
}

func TestReaderRefusesOtherFiles(t *testing.T) {
	for name, content := range map[string]string{
		"empty":                "",
		"three bytes":          "\x28\xb5\x2f",
		"bzip2":                "BZh91AY&SY",
		"gzip":                 "\x1f\x8b\x08\x00",
		"legacy lz4":           "\x02\x21\x4c\x18....",
		"old tar":              string(entry{name: "version", magic: v7Magic}.bytes()),
		"half a tar header":    string(versionEntry.bytes()[:300]),
		"only skippable":       "\x50\x2a\x4d\x18\x01\x00\x00\x00.",
		"skippable, cut short": "\x50\x2a\x4d\x18\xff\xff\xff\xff.",
	} {
		if _, err := NewReader(t.Context(), strings.NewReader(content)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func hugeSparse(b []byte) {
	copy(b[sparseMap:], "00000000000\x0000000000000\x00")
	copy(b[sparseSize:], "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff")
}

func TestReaderRefusesEntries(t *testing.T) {
	regular := func(name string) entry { return entry{name: name, typeflag: '0', content: "x"} }
	dir := func(name string) entry { return entry{name: name, typeflag: '5'} }
	typed := func(typeflag byte) entry {
		e := storageEntry("9.9", pubkeyed(1, 0))
		e.typeflag = typeflag
		return e
	}
	for name, tt := range map[string]struct {
		entry   entry
		wantErr string
	}{
		"absolute":                      {regular("/version"), "absolute path"},
		"parent":                        {regular("accounts/../accounts/9.9"), `path component ".."`},
		"parent first":                  {regular("../accounts/9.9"), `path component ".."`},
		"parent last":                   {dir("snapshots/.."), `path component ".."`},
		"dot first":                     {regular("./accounts/9.9"), `path component "."`},
		"only a dot":                    {dir("."), `path component "."`},
		"only dots and slashes":         {dir("./"), `path component "."`},
		"empty name":                    {regular(""), "no such member"},
		"backslash":                     {regular(`accounts\9.9`), "no such member"},
		"unknown":                       {regular("fastboot_version"), "no such member"},
		"unknown directory":             {dir("rocksdb"), "no such member"},
		"below version":                 {regular("version/1"), "no such member"},
		"too deep":                      {regular("accounts/9.9/9.9"), "no such member"},
		"far too deep":                  {regular("snapshots/9/9/9"), "no such member"},
		"storage without a dot":         {regular("accounts/99"), "no such member"},
		"storage with two dots":         {regular("accounts/9.9.9"), "no such member"},
		"storage without a slot":        {regular("accounts/.9"), "no such member"},
		"storage without an id":         {regular("accounts/9."), "no such member"},
		"storage with a sign":           {regular("accounts/+9.9"), "no such member"},
		"storage in other digits":       {regular("accounts/٩.9"), "no such member"},
		"storage with a space":          {regular("accounts/9.9 "), "no such member"},
		"slot above 64 bits":            {regular("accounts/18446744073709551616.0"), "above 2^64-1"},
		"id above 64 bits":              {regular("accounts/0.18446744073709551616"), "above 2^64-1"},
		"manifest of no slot":           {regular("snapshots/x/x"), "no such member"},
		"manifest of two slots":         {regular("snapshots/9/8"), "manifest of slot 8 in the directory of slot 9"},
		"directory of no slot":          {dir("snapshots/x"), "no such member"},
		"directory in accounts":         {dir("accounts/9.9"), "no such member"},
		"directory in a slot's":         {dir("snapshots/9/9"), "no such member"},
		"directory with content":        {entry{name: "accounts", typeflag: '5', content: "x"}, "directory of 1 bytes"},
		"version is a directory":        {dir("version"), "no such member"},
		"accounts is a file":            {regular("accounts"), "no such member"},
		"trailing slash on a file":      {regular("accounts/9.9/"), "directory's name"},
		"old directory":                 {entry{name: "accounts/9.9/", magic: v7Magic, content: "x"}, "directory's name"},
		"hard link":                     {typed('1'), "type is '1'"},
		"symbolic link":                 {typed('2'), "type is '2'"},
		"character device":              {typed('3'), "type is '3'"},
		"fifo":                          {typed('6'), "type is '6'"},
		"contiguous file":               {typed('7'), "type is '7'"},
		"pax header on a member":        {typed('x'), "type is 'x'"},
		"pax header":                    {entry{name: "././@PaxHeader", typeflag: 'x', content: "13 path=version\n"}, "path component"},
		"pax header, ours by name":      {entry{name: "PaxHeaders/9.9", typeflag: 'x', content: "x"}, "no such member"},
		"global pax header":             {entry{name: "pax_global_header", typeflag: 'g', content: "x"}, "no such member"},
		"GNU long name":                 {entry{name: "././@LongLink", typeflag: 'L', content: "accounts/9.9\x00"}, "path component"},
		"GNU long link":                 {typed('K'), "type is 'K'"},
		"empty storage":                 {entry{name: "accounts/9.9"}, "empty storage"},
		"storage above 16 GiB":          {entry{name: "accounts/9.9", size: "200000000001"}, "size is 17179869185 bytes, want at most 17179869184"},
		"manifest above 32 GiB":         {entry{name: "snapshots/9/9", size: "\x80\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01"}, "want at most 34359738368"},
		"size of 2^63":                  {entry{name: "accounts/9.9", size: "\x80\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00"}, "size: not a number"},
		"size of 2^95":                  {entry{name: "accounts/9.9", size: "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}, "size: not a number"},
		"negative size":                 {entry{name: "accounts/9.9", size: strings.Repeat("\xff", 12)}, "size: not a number"},
		"size in decimal":               {entry{name: "accounts/9.9", size: "00000000189\x00"}, "size: not a number"},
		"no size":                       {entry{name: "accounts/9.9", size: strings.Repeat("\x00", 12)}, "size: not a number"},
		"wrong checksum":                {entry{name: "accounts/9.9", sum: "000000\x00 "}, "header checksum is"},
		"no checksum":                   {entry{name: "accounts/9.9", sum: strings.Repeat(" ", 8)}, "header checksum: not a number"},
		"second version":                {versionEntry, "second version"},
		"second status cache":           {statusEntry, "second status cache"},
		"second manifest":               {manifestEntry, "second manifest"},
		"manifest of another slot":      {regular("snapshots/8/8"), "second manifest"},
		"second storage":                {storageEntry("7.1", pubkeyed(1, 0)), "second storage"},
		"second storage, leading zeros": {storageEntry("07.01", pubkeyed(1, 0)), "second storage"},
		"second storage, inner dot":     {storageEntry("./7.1", pubkeyed(1, 0)), "second storage"},
		"sparse version":                {entry{name: "version", typeflag: 'S', content: "1.2.0", edit: func(b []byte) { putSparse(b, sparseMap, 5, run{0, 5}) }}, "type is 'S'"},
		"sparse in POSIX":               {entry{name: "accounts/9.9", typeflag: 'S', magic: ustarMagic}, "sparse member in a ustar header"},
		"sparse of 2^63 bytes":          {entry{name: "accounts/9.9", typeflag: 'S', edit: hugeSparse}, "sparse map is broken"},
		"prefix makes it too deep":      {entry{name: "9.9", prefix: "tmp/accounts", magic: ustarMagic, content: "x"}, "no such member"},
	} {
		t.Run(name, func(t *testing.T) {
			before := agaveEntries()
			got := walk(bytes.NewReader(buildTar(append(before, tt.entry)...)))
			failed := (*MemberError)(nil)
			if !errors.As(got.err, &failed) || !strings.Contains(failed.Err.Error(), tt.wantErr) {
				t.Fatalf("error %v, want a *MemberError with %q", got.err, tt.wantErr)
			}
			if want := int64(len(buildTar(before...)) - endOfTar); failed.Offset != want {
				t.Errorf("offset is %d, want that of the entry's header, %d", failed.Offset, want)
			}
		})
	}
}

func TestReaderAcceptsEntries(t *testing.T) {
	long := storageEntry("18446744073709551615.18446744073709551615", pubkeyed(1, 0))
	octal, binary := storageEntry("9.9", pubkeyed(1, 0)), storageEntry("9.9", pubkeyed(1, 0))
	octal.size, binary.size = "        210 ", "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x88"
	regular, posix := storageEntry("9.9", pubkeyed(1, 0)), storageEntry("9.9", pubkeyed(1, 0))
	regular.typeflag = '0'
	posix.name, posix.prefix, posix.magic = "9.9", "accounts", ustarMagic
	odd := storageEntry("/.//9.9", pubkeyed(1, 0))
	times := storageEntry("9.9", pubkeyed(1, 0))
	times.prefix = "00000000000\x00" // where POSIX has the first part of the name
	old := storageEntry("9.9", pubkeyed(1, 0))
	old.magic = v7Magic
	for name, e := range map[string]entry{
		"largest numbers":        long,
		"size in loose octal":    octal,
		"size in base 256":       binary,
		"regular type":           regular,
		"name in two parts":      posix,
		"old header":             old,
		"access time, as in GNU": times,
		"more slashes and dots":  odd,
		"accounts directory":     {name: "accounts/", typeflag: '5'},
		"directory, no slash":    {name: "accounts", typeflag: '5'},
		"same slot, other id":    storageEntry("7.2", pubkeyed(1, 0)),
		"same id, other slot":    storageEntry("8.1", pubkeyed(1, 0)),
	} {
		if got := walk(bytes.NewReader(buildTar(append(agaveEntries(), e)...))); got.err != nil {
			t.Errorf("%s: %v", name, got.err)
		}
	}
}

func TestReaderHeaderStyles(t *testing.T) {
	restyle := func(entries []entry, magic string) []entry {
		for i := range entries {
			entries[i].magic = magic
		}
		return entries
	}
	for want, entries := range map[HeaderStyle][]entry{
		HeadersGNU:   restyle(agaveEntries(), gnuMagic),
		HeadersUSTAR: restyle(agaveEntries(), ustarMagic),
		HeadersMixed: append(restyle(agaveEntries(), ustarMagic), storageEntry("8.8", pubkeyed(1, 0))),
		HeadersV7:    restyle(agaveEntries(), v7Magic),
	} {
		if got := walk(bytes.NewReader(compress(t, buildTar(entries...)))); got.err != nil || got.container.Headers != want {
			t.Errorf("%v, headers are %s, want %s", got.err, got.container.Headers, want)
		}
	}
}

func TestReaderVersion(t *testing.T) {
	for content, ok := range map[string]bool{
		"1.2.0": true, "1.2.0\n": true, " 1.2.0\t": true, "v1.2.0": true, "V1.2.0": true, " v1.2.0 ": true,
		"": false, "v": false, "1.2": false, "1.2.1": false, "2.0.0": false, "vv1.2.0": false, "v 1.2.0": false, "1.2.0\x00": false, "1.2.0 1": false,
	} {
		got := walk(bytes.NewReader(buildTar(entry{name: "version", content: content})))
		if ok != (got.err == nil) {
			t.Errorf("version %q: %v", content, got.err)
		}
	}
	got := walk(bytes.NewReader(buildTar(entry{name: "version", content: "1.2.0    "})))
	if got.err == nil || !strings.Contains(got.err.Error(), "size is 9 bytes, want at most 8") {
		t.Errorf("version of 9 bytes: %v", got.err)
	}
	got = walk(bytes.NewReader(buildTar(agaveEntries()[1:]...)))
	if got.err == nil || !strings.Contains(got.err.Error(), "no version") {
		t.Errorf("without version: %v", got.err)
	}
}

func TestReaderLimits(t *testing.T) {
	sparse := sparseEntry("8.8")
	sizes, stored := int64(sparseContentSize), int64(len(sparse.content))
	for _, e := range agaveEntries() {
		sizes, stored = sizes+int64(len(e.content)), stored+int64(len(e.content))
	}
	for name, tt := range map[string]struct {
		limits  readerLimits
		wantErr string
	}{
		"all met":         {readerLimits{entries: 8, size: sizes, stored: stored}, ""},
		"an entry more":   {readerLimits{entries: 7, size: sizes, stored: stored}, "more than 7 entries"},
		"a byte more":     {readerLimits{entries: 8, size: sizes - 1, stored: stored}, "sizes add up to more than"},
		"a byte stored":   {readerLimits{entries: 8, size: sizes, stored: stored - 1}, "stored sizes add up to more than"},
		"nothing allowed": {readerLimits{}, "more than 0 entries"},
	} {
		r, err := NewReader(t.Context(), bytes.NewReader(buildTar(append(agaveEntries(), sparse)...)))
		if err != nil {
			t.Fatal(err)
		}
		r.limits = tt.limits
		got := walkReader(r)
		if tt.wantErr == "" && got.err != nil || tt.wantErr != "" && (got.err == nil || !strings.Contains(got.err.Error(), tt.wantErr)) {
			t.Errorf("%s: %v, want %q", name, got.err, tt.wantErr)
		}
	}
}

// What comes after the end is told, and judged by whoever asked.
func TestReaderTrailing(t *testing.T) {
	tape := buildTar(agaveEntries()...)
	for name, tt := range map[string]struct {
		after    []byte
		garbage  bool
		trailing int64
		wantErr  string
	}{
		"nothing":         {},
		"zeros":           {after: make([]byte, 9216), trailing: 9216},
		"garbage":         {after: append(make([]byte, 512), "junk"...), trailing: 516, garbage: true},
		"another archive": {after: tape, trailing: int64(len(tape)), garbage: true},
		"too much":        {after: make([]byte, 65537), trailing: 65537, wantErr: "more than 65536 bytes after the end"},
	} {
		for _, archive := range [][]byte{slices.Concat(tape, tt.after), compress(t, slices.Concat(tape, tt.after))} {
			r, err := NewReader(t.Context(), bytes.NewReader(archive))
			if err != nil {
				t.Fatal(err)
			}
			r.limits.trailing = 65536
			got := walkReader(r)
			if tt.wantErr == "" && got.err != nil || tt.wantErr != "" && (got.err == nil || !strings.Contains(got.err.Error(), tt.wantErr)) {
				t.Errorf("%s: %v, want %q", name, got.err, tt.wantErr)
			}
			if got.container.Trailing != tt.trailing || got.container.Garbage != tt.garbage {
				t.Errorf("%s: %d bytes, garbage %t", name, got.container.Trailing, got.container.Garbage)
			}
		}
	}
}

func TestReaderRefusesTrailingCompressed(t *testing.T) {
	archive := compress(t, buildTar(agaveEntries()...))
	for name, after := range map[string][]byte{
		"garbage":            []byte("junk"),
		"a byte":             {0},
		"zeros":              make([]byte, 4096),
		"half a frame":       archive[:len(archive)/2],
		"half skippable":     []byte("\x50\x2a\x4d\x18\x08\x00\x00\x00...."),
		"skippable's header": []byte("\x50\x2a\x4d\x18\x08"),
	} {
		if got := walk(bytes.NewReader(slices.Concat(archive, after))); got.err == nil {
			t.Errorf("%s after the last frame: accepted", name)
		}
	}
}

// A bit that flips is found by the frame's checksum, even in the last frame's
// last bytes, which no member needs.
func TestReaderChecksChecksums(t *testing.T) {
	archive := compress(t, buildTar(agaveEntries()...), zstd.WithEncoderCRC(true))
	archive[len(archive)-1] ^= 1
	if got := walk(bytes.NewReader(archive)); !errors.Is(got.err, zstd.ErrCRCMismatch) {
		t.Errorf("error %v, want zstd.ErrCRCMismatch", got.err)
	}
}

func TestReaderOfATruncatedArchive(t *testing.T) {
	tape := buildTar(agaveEntries()...)
	for n := 2 * tarBlock; n < len(tape); n += tarBlock {
		for _, short := range [][]byte{tape[:n], tape[:n-100], compress(t, tape[:n])} {
			checkTruncated(t, fmt.Sprintf("tar cut at %d of %d", n, len(tape)), walk(bytes.NewReader(short)))
		}
	}
	for compression, archive := range map[string][]byte{"zstd": compress(t, tape), "zstd with checksum": compress(t, tape, zstd.WithEncoderCRC(true)), "lz4": lz4Frame(t, tape)} {
		for n := range archive {
			checkTruncated(t, fmt.Sprintf("%s cut at %d of %d", compression, n, len(archive)), walk(bytes.NewReader(archive[:n])))
		}
	}
}

func checkTruncated(t *testing.T, name string, got walked) {
	t.Helper()
	if !errors.Is(got.err, io.ErrUnexpectedEOF) && !errors.Is(got.err, errTarNumber) {
		t.Errorf("%s: %v, want io.ErrUnexpectedEOF", name, got.err)
	}
}

// A connection that breaks where a frame ends looks like a good end to the
// decompressor.
func TestReaderReportsWhyTheSourceEnded(t *testing.T) {
	broken := errors.New("connection reset")
	tape := buildTar(agaveEntries()...)
	for name, archive := range map[string][]byte{"zstd": compress(t, tape), "plain": tape} {
		for _, err := range []error{broken, io.ErrUnexpectedEOF} {
			got := walk(io.MultiReader(bytes.NewReader(archive), iotest.ErrReader(err)))
			if !errors.Is(got.err, err) {
				t.Errorf("%s: error %v, want %v", name, got.err, err)
			}
		}
	}
}

func TestReaderStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r, err := NewReader(ctx, bytes.NewReader(compress(t, buildTar(agaveEntries()...))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	cancel(enough)
	for range 2 {
		if _, err := r.Next(); !errors.Is(err, enough) {
			t.Errorf("Next: %v, want the context's cause", err)
		}
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, enough) {
		t.Errorf("Read: %v, want the context's cause", err)
	}
}

func TestNewReaderStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewReader(ctx, bytes.NewReader(buildTar(agaveEntries()...))); !errors.Is(err, context.Canceled) {
		t.Errorf("NewReader: %v, want context.Canceled", err)
	}
}

// A frame may ask for a window, which the decoder must then keep.
func TestReaderLimitsTheWindow(t *testing.T) {
	tape := buildTar(versionEntry)
	block := binary.LittleEndian.AppendUint32(nil, uint32(len(tape))<<3|1)[:3] // raw, the last
	for descriptor, ok := range map[byte]bool{(26 - 10) << 3: true, (26-10)<<3 | 1: false, (31 - 10) << 3: false, 0xff: false} {
		frame := slices.Concat([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, descriptor}, block, tape)
		got := walk(bytes.NewReader(frame))
		if ok != (got.err == nil) || !ok && !errors.Is(got.err, zstd.ErrWindowSizeExceeded) {
			t.Errorf("window descriptor %#x: %v", descriptor, got.err)
		}
	}
}

// A zero block amid the members is a hole in the file, not its end.
func TestReaderRefusesALoneZeroBlock(t *testing.T) {
	tape := slices.Concat(versionEntry.bytes(), make([]byte, tarBlock), buildTar(manifestEntry))
	if got := walk(bytes.NewReader(tape)); got.err == nil || !strings.Contains(got.err.Error(), "one zero block") {
		t.Errorf("error %v, want one of the zero block", got.err)
	}
}

func TestReaderErrorNamesTheMember(t *testing.T) {
	entries := agaveEntries()
	tape := buildTar(entries...)
	cut := len(tape) - endOfTar - tarBlock
	r, err := NewReader(t.Context(), bytes.NewReader(tape[:cut]))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = r.Next() // without reading anything
	}
	failed := (*MemberError)(nil)
	if !errors.As(err, &failed) || failed.Member != "accounts/7.1" || failed.Offset != int64(cut) {
		t.Errorf("error %v, want one of accounts/7.1 at %d", err, cut)
	}
}

func TestProducer(t *testing.T) {
	storages := func(flag byte, names ...string) (entries []entry) {
		for i, name := range names {
			e := storageEntry(name, pubkeyed(byte(i+1), 0))
			e.typeflag = flag
			entries = append(entries, e)
		}
		return entries
	}
	head := []entry{versionEntry, manifestEntry}
	for name, tt := range map[string]struct {
		entries []entry
		want    Producer
	}{
		"status cache in between":    {slices.Concat(head, storages('0', "7.0"), []entry{statusEntry}, storages('0', "7.1")), OtherProducer},
		"agave":                      {slices.Concat(head, []entry{statusEntry}, storages(0, "5.1", "7.2")), Agave},
		"firedancer":                 {slices.Concat(head, storages('0', "7.0", "7.6"), []entry{statusEntry}), FiredancerLike},
		"no storages":                {append(head, statusEntry), OtherProducer},
		"storages with types":        {slices.Concat(head, []entry{statusEntry}, storages('0', "5.1")), OtherProducer},
		"status cache last, slots":   {slices.Concat(head, storages('0', "5.0", "7.6"), []entry{statusEntry}), OtherProducer},
		"status cache last, NUL":     {slices.Concat(head, storages(0, "7.0"), []entry{statusEntry}), OtherProducer},
		"version not first":          {slices.Concat([]entry{manifestEntry, statusEntry, versionEntry}, storages(0, "5.1")), OtherProducer},
		"manifest after the storage": {slices.Concat([]entry{versionEntry}, storages('0', "7.0"), []entry{manifestEntry, statusEntry}), OtherProducer},
	} {
		got := walk(bytes.NewReader(buildTar(tt.entries...)))
		if got.err != nil || got.container.Producer() != tt.want {
			t.Errorf("%s: %v, %q, want %q", name, got.err, got.container.Producer(), tt.want)
		}
	}
}

func TestMemberBelongs(t *testing.T) {
	full := snapshot.Name{Kind: snapshot.Full, Slot: 9}
	incremental := snapshot.Name{Kind: snapshot.Incremental, Base: 5, Slot: 9}
	for name, tt := range map[string]struct {
		member Member
		in     snapshot.Name
		ok     bool
	}{
		"manifest":                     {Member{Kind: ManifestMember, Slot: 9}, full, true},
		"manifest of another slot":     {Member{Kind: ManifestMember, Slot: 8}, full, false},
		"manifest of the base":         {Member{Kind: ManifestMember, Slot: 5}, incremental, false},
		"storage of the first slot":    {Member{Kind: StorageMember}, full, true},
		"storage of the slot":          {Member{Kind: StorageMember, Slot: 9}, full, true},
		"storage above the slot":       {Member{Kind: StorageMember, Slot: 10}, full, false},
		"storage above the base":       {Member{Kind: StorageMember, Slot: 6}, incremental, true},
		"storage of the base":          {Member{Kind: StorageMember, Slot: 5}, incremental, false},
		"storage above incremental":    {Member{Kind: StorageMember, Slot: math.MaxUint64}, incremental, false},
		"status cache, without a slot": {Member{Kind: StatusCacheMember}, incremental, true},
	} {
		if err := tt.member.Belongs(tt.in); tt.ok != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A header may promise 16 GiB: that alone must not cost memory.
func TestReaderMemoryIsBounded(t *testing.T) {
	head := buildTar(agaveEntries()...)
	promise := entry{name: "accounts/8.8", size: "200000000000"}.bytes()
	record := pubkeyed(1, maxAccountData).appendRecord(nil)
	tape := slices.Concat(head[:len(head)-endOfTar], promise)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := walk(&repeatReader{head: tape, body: record, left: 16})
	runtime.ReadMemStats(&after)
	if !errors.Is(got.err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v, want io.ErrUnexpectedEOF", got.err)
	}
	if bytes, most := after.TotalAlloc-before.TotalAlloc, uint64(40<<20); bytes > most {
		t.Errorf("%d bytes allocated for 160 MiB of records in one storage, want at most %d", bytes, most)
	}
}

// repeatReader gives head and then body, left times.
type repeatReader struct {
	head, body []byte
	pos, left  int
}

func (r *repeatReader) Read(p []byte) (int, error) {
	if r.pos < len(r.head) {
		n := copy(p, r.head[r.pos:])
		r.pos += n
		return n, nil
	}
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.body[r.pos-len(r.head):])
	if r.pos += n; r.pos == len(r.head)+len(r.body) {
		r.pos, r.left = len(r.head), r.left-1
	}
	return n, nil
}

func FuzzReader(f *testing.F) {
	tape := buildTar(append(agaveEntries(), sparseEntry("8.8"))...)
	f.Add(tape)
	f.Add(compress(f, tape))
	f.Add(compress(f, tape, zstd.WithEncoderCRC(true)))
	f.Add(slices.Concat([]byte("\x50\x2a\x4d\x18\x01\x00\x00\x00x"), compress(f, tape)))
	f.Add(tape[:len(tape)-tarBlock])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(t.Context(), bytes.NewReader(withTarSums(b)))
		if err != nil {
			return
		}
		r.limits.size, r.limits.stored, r.limits.trailing = 1<<24, 1<<24, 1<<20
		got := walkReader(r)
		if got.err != nil && !errors.As(got.err, new(*MemberError)) {
			t.Errorf("error %v is no *MemberError", got.err)
		}
		if got.container.Stored > r.limits.stored || got.container.Size > r.limits.size {
			t.Errorf("limits were exceeded: %+v", got.container)
		}
		if _, err := r.Next(); err == nil {
			t.Error("the end was not final")
		}
	})
}

// withTarSums corrects the checksums of what looks like headers, which a fuzzer
// would hardly hit.
func withTarSums(b []byte) []byte {
	b = slices.Clone(b)
	for at := 0; at+tarBlock <= len(b); at += tarBlock {
		if block := b[at:][:tarBlock]; string(block[tarMagicOffset:][:len(tarMagic)]) == tarMagic {
			putTarSum(block)
		}
	}
	return b
}

// FuzzTarHeader never reads a header differently from what it says.
func FuzzTarHeader(f *testing.F) {
	for _, e := range append(agaveEntries(), sparseEntry("8.8")) {
		f.Add(e.bytes()[:tarBlock])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < tarBlock {
			return
		}
		h, err := parseTarHeader((*[tarBlock]byte)(withTarSums(b)))
		if err != nil {
			return
		}
		if h.stored < 0 || strings.ContainsRune(h.name, 0) {
			t.Errorf("header %+v", h)
		}
		if m, err := parseMember(h); err == nil && (m.Size < 0 || m.Size > m.Kind.maxSize()) {
			t.Errorf("member %+v", m)
		}
	})
}

// benchmarkAccounts is one storage of small accounts, like tokens.
func benchmarkAccounts(seed byte, size int) []byte {
	random := rand.NewChaCha8([32]byte{seed})
	b := make([]byte, 0, size+400)
	for len(b) < size {
		a := account{lamports: 2_039_280, data: make([]byte, 165)}
		_, _ = random.Read(a.pubkey[:])
		_, _ = random.Read(a.data[:72])
		b = a.appendRecord(b)
	}
	return b
}

func BenchmarkReader(b *testing.B) {
	const storages, size = 64, 1 << 20
	entries := []entry{versionEntry, manifestEntry, statusEntry}
	for i := range storages {
		entries = append(entries, entry{name: fmt.Sprintf("accounts/%d.%d", i, i), content: string(benchmarkAccounts(byte(i), size))})
	}
	tape := buildTar(entries...)
	for name, archive := range map[string][]byte{"zstd": compress(b, tape, zstd.WithEncoderLevel(zstd.SpeedFastest)), "tar": tape} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(tape)))
			b.ReportAllocs()
			count := 0
			for b.Loop() {
				count += benchmarkWalk(b, archive)
			}
			b.ReportMetric(float64(count)/b.Elapsed().Seconds(), "accounts/s")
			b.ReportMetric(float64(len(tape))/float64(len(archive)), "ratio")
		})
	}
}

func benchmarkWalk(b *testing.B, archive []byte) (count int) {
	r, err := NewReader(b.Context(), bytes.NewReader(archive))
	if err != nil {
		b.Fatal(err)
	}
	var accounts Accounts
	for {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return count
		}
		if err != nil {
			b.Fatal(err)
		}
		if m.Kind != StorageMember {
			continue
		}
		for accounts.Reset(r, m); accounts.Next(); {
			count += int(accounts.Account().Lamports&1) ^ 1
		}
		if err := accounts.Err(); err != nil {
			b.Fatal(err)
		}
	}
}
