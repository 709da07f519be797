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
	ended     bool  // by the Reader; false if err is of a storage's records
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
		w.container, w.consumed, w.ended = reader.Container(), reader.Consumed(), err != nil
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
