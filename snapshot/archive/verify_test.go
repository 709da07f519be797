package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/lthash"
	"solsnap/snapshot/archive/manifest"
)

// fileSource is a Source that is a file.
func fileSource(t *testing.T, path string) Source {
	t.Helper()
	name, err := snapshot.ParseName(filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return Source{Name: name, Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// fixturePath is the path of a file of the collection that is kept beside the
// repository; the test is skipped where there is none.
func fixturePath(t *testing.T, name string) string {
	t.Helper()
	fixture(t, name)
	return filepath.Join("../../../shared/fixtures/snapshots", name)
}

const (
	sigFull        = "snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.zst"
	sigIncremental = "sig-v1/incremental-snapshot-1-4-43FT6mnmRW9XbxpCzqH3ogYexHXboG7d8vmf3gBLvLrR.tar.zst"
)

// TestVerifyFixtures proves real archives to the last tier.
func TestVerifyFixtures(t *testing.T) {
	for name, tt := range map[string]struct {
		path, base string
		want       Figures
	}{
		"full by Agave": {path: "sig-v1/" + sigFull, want: Figures{
			Storages: 2, Records: 21, Live: 21, Passes: 1, Lamports: 1000001217798168}},
		"pair by Agave": {path: sigIncremental, base: "sig-v1/" + sigFull, want: Figures{
			Storages: 3, Records: 27, Live: 21, Superseded: 6, Passes: 1, Lamports: 1000001217783168}},
		"every field set, a superseded record": {path: "sig-v2/snapshot-100-7G3gw9TmwzT24jhJQyrPnH2QaKUZ7MHWGG9KW8XaPbDb.tar.zst", want: Figures{
			Storages: 3, Records: 9, Live: 8, Superseded: 1, Passes: 3, Lamports: 92065762}},
		"layout of Firedancer": {path: "synthetic/firedancer-layout/" + sigFull, want: Figures{
			Storages: 3, Records: 21, Live: 21, Passes: 1, Lamports: 1000001217798168}},
		"many frames": {path: "synthetic/multi-frame/" + sigFull, want: Figures{
			Storages: 2, Records: 21, Live: 21, Passes: 1, Lamports: 1000001217798168}},
		"lz4": {path: "synthetic/lz4/snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar.lz4", want: Figures{
			Storages: 2, Records: 21, Live: 21, Passes: 1, Lamports: 1000001217798168}},
	} {
		t.Run(name, func(t *testing.T) {
			scratch := t.TempDir()
			c := VerifyConfig{Archive: fileSource(t, fixturePath(t, tt.path)), Tier: TierAccounts, ScratchDir: scratch}
			if tt.base != "" {
				base := fileSource(t, fixturePath(t, tt.base))
				c.Base = &base
			}
			report, err := Verify(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if report.Reached != TierAccounts || report.Failure != nil || len(report.Warnings) > 0 {
				t.Errorf("reached %s: %v; warnings %q", report.Reached, report.Failure, report.Warnings)
			}
			report.Figures.CompressedBytes, report.Figures.Bytes = 0, 0
			if diff := cmp.Diff(tt.want, report.Figures); diff != "" {
				t.Errorf("figures, -want +got:\n%s", diff)
			}
			assertEmptyDir(t, scratch)
		})
	}
}

// state is an archive to be made: storages by name, in order, and a manifest that
// fits them unless edit has its way.
type state struct {
	name     snapshot.Name // but for the hash
	storages []entry
	live     []account
	edit     func(*manifest.Manifest)
}

// source packs the archive under the name that its manifest deserves.
func (s state) source(t *testing.T) Source {
	t.Helper()
	m := s.manifest()
	if s.edit != nil {
		s.edit(m)
	}
	var encoded bytes.Buffer
	if err := m.Encode(&encoded); err != nil {
		t.Fatal(err)
	}
	slot := s.name.Slot.String()
	entries := append([]entry{
		versionEntry, statusEntry,
		{name: "snapshots/" + slot + "/" + slot, typeflag: '0', content: encoded.String()},
	}, s.storages...)
	hash := lthash.FromBytes(m.Extra.AccountsLtHash)
	s.name.Hash = hash.Checksum()
	return bytesSource(s.name, compress(t, buildTar(entries...)))
}

func bytesSource(name snapshot.Name, b []byte) Source {
	return Source{Name: name, Size: int64(len(b)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

func (s state) manifest() *manifest.Manifest {
	m := &manifest.Manifest{Tail: manifest.TailBlockID}
	var total lthash.Hash
	for _, a := range s.live {
		one := lthash.Of(&lthash.Account{Lamports: a.lamports, Data: a.data, Owner: a.owner, Pubkey: a.pubkey})
		total.Add(&one)
		m.Bank.Capitalization += a.lamports
	}
	lattice := total.Bytes()
	m.Extra.AccountsLtHash, m.Extra.BlockID = &lattice, &snapshot.Hash{1}
	m.Bank.Slot, m.AccountsDB.Slot = s.name.Slot, s.name.Slot
	m.Bank.BlockhashQueue.LastHash = &snapshot.Hash{2}
	m.Bank.EpochSchedule = manifest.EpochSchedule{SlotsPerEpoch: 432_000, LeaderScheduleSlotOffset: 432_000}
	m.Bank.Hash, _ = m.BankHash() // it has what that takes
	return m
}

// tombstone deletes an account.
func tombstone(a account) account {
	a.lamports, a.data = 0, nil
	return a
}

// richer is a newer version of an account.
func richer(a account) account {
	a.lamports += 1000
	return a
}

var (
	fullSeven       = snapshot.Name{Kind: snapshot.Full, Slot: 7}
	incrementalNine = snapshot.Name{Kind: snapshot.Incremental, Base: 7, Slot: 9}
)

// TestVerifyResolvesSupersededRecords: the newest record counts, wherever it is.
func TestVerifyResolvesSupersededRecords(t *testing.T) {
	one, two, three := pubkeyed(1, 10), pubkeyed(2, 165), pubkeyed(3, 2000)
	base := state{name: fullSeven, live: []account{one, two, three}, storages: []entry{storageEntry("5.0", one, two), storageEntry("7.1", three)}}
	for name, tt := range map[string]struct {
		archive state
		paired  bool
		want    Figures
	}{
		"nothing superseded": {archive: base, want: Figures{Storages: 2, Records: 3, Live: 3, Passes: 1}},
		"newer before older": {
			archive: state{name: fullSeven, live: []account{richer(one), two},
				storages: []entry{storageEntry("6.0", richer(one)), storageEntry("5.0", one, two)}},
			want: Figures{Storages: 2, Records: 3, Live: 2, Superseded: 1, Passes: 3},
		},
		"deleted": {
			archive: state{name: fullSeven, live: []account{two},
				storages: []entry{storageEntry("5.0", one, two), storageEntry("6.0", tombstone(one))}},
			want: Figures{Storages: 2, Records: 3, Tombstones: 1, Live: 1, Superseded: 1, Passes: 3},
		},
		"deleted and made again": {
			archive: state{name: fullSeven, live: []account{richer(one), two},
				storages: []entry{storageEntry("7.0", richer(one)), storageEntry("5.0", one, two), storageEntry("6.0", tombstone(one))}},
			want: Figures{Storages: 3, Records: 4, Tombstones: 1, Live: 2, Superseded: 2, Passes: 3},
		},
		"tombstone of nothing": {
			archive: state{name: fullSeven, live: []account{two}, storages: []entry{storageEntry("5.0", tombstone(one), two)}},
			want:    Figures{Storages: 1, Records: 2, Tombstones: 1, Live: 1, Passes: 1},
		},
		"twice in a slot": {
			archive: state{name: fullSeven, live: []account{richer(one)},
				storages: []entry{storageEntry("7.0", one), storageEntry("7.1", richer(one))}},
			want: Figures{Storages: 2, Records: 2, Live: 1, Superseded: 1, SameSlot: 1, Passes: 3},
		},
		"incremental changes, deletes and adds": {
			archive: state{name: incrementalNine, live: []account{richer(one), three, pubkeyed(4, 1)},
				storages: []entry{storageEntry("8.0", richer(one), tombstone(two)), storageEntry("9.0", pubkeyed(4, 1))}},
			paired: true,
			want:   Figures{Storages: 4, Records: 6, Tombstones: 1, Live: 3, Superseded: 2, Passes: 1},
		},
		"incremental with superseded records of its own": {
			archive: state{name: incrementalNine, live: []account{richer(richer(one)), two, three},
				storages: []entry{storageEntry("8.0", richer(one)), storageEntry("9.0", richer(richer(one)))}},
			paired: true,
			want:   Figures{Storages: 4, Records: 5, Live: 3, Superseded: 2, Passes: 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			scratch := t.TempDir()
			c := VerifyConfig{Archive: tt.archive.source(t), Tier: TierAccounts, ScratchDir: scratch, Workers: 3}
			if tt.paired {
				full := base.source(t)
				c.Base = &full
			}
			report, err := Verify(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if report.Reached != TierAccounts || report.Failure != nil {
				t.Fatalf("reached %s: %v", report.Reached, report.Failure)
			}
			if hasWarning := len(report.Warnings) > 0; hasWarning != (tt.want.SameSlot > 0) {
				t.Errorf("warnings %q", report.Warnings)
			}
			for _, a := range tt.archive.live {
				tt.want.Lamports += Lamports(a.lamports)
			}
			report.Figures.CompressedBytes, report.Figures.Bytes = 0, 0
			if diff := cmp.Diff(tt.want, report.Figures); diff != "" {
				t.Errorf("figures, -want +got:\n%s", diff)
			}
			assertEmptyDir(t, scratch)
		})
	}
}

// TestVerifyFailsAtTheTier: each fault is found at the tier that covers it, and
// said to be where it is.
func TestVerifyFailsAtTheTier(t *testing.T) {
	one, two := pubkeyed(1, 10), pubkeyed(2, 165)
	good := state{name: fullSeven, live: []account{one, two}, storages: []entry{storageEntry("5.0", one), storageEntry("7.1", two)}}
	with := func(edit func(*state)) Source {
		s := good
		edit(&s)
		return s.source(t)
	}
	edited := func(edit func(*manifest.Manifest)) Source { return with(func(s *state) { s.edit = edit }) }
	renamed := func(n snapshot.Name) Source {
		s := good.source(t)
		n.Hash = s.Name.Hash
		s.Name = n
		return s
	}
	for name, tt := range map[string]struct {
		source Source
		tier   Tier
		member string
		reason string
	}{
		"other compression": {renamed(snapshot.Name{Slot: 7, Format: snapshot.FormatLZ4}), TierName, "", "compression is zstd"},
		"slot in the name":  {renamed(snapshot.Name{Slot: 8}), TierStructure, "snapshots/7/7", "slot is 7, want the archive's 8"},
		"hash in the name": {func() Source { s := good.source(t); s.Name.Hash[0]++; return s }(),
			TierManifest, "snapshots/7/7", "checksum of the accounts lattice hash"},
		"storage above the slot": {with(func(s *state) { s.storages = append(s.storages, storageEntry("8.0", one)) }),
			TierStructure, "accounts/8.0", "slot 8 is above the archive's 7"},
		"broken record": {with(func(s *state) {
			broken := storageEntry("6.0", one)
			broken.content = broken.content[:recordHeaderSize+5]
			s.storages = append(s.storages, broken)
		}), TierStructure, "accounts/6.0", "runs past the end"},
		"bank hash": {edited(func(m *manifest.Manifest) { m.Bank.Hash[0]++ }), TierManifest, "snapshots/7/7", "bank hash is"},
		"signature count": {edited(func(m *manifest.Manifest) { m.Bank.SignatureCount++ }),
			TierManifest, "snapshots/7/7", "bank hash is"},
		"no lattice hash": {func() Source {
			s := edited(func(*manifest.Manifest) {})
			older := good
			m := older.manifest()
			m.Extra.AccountsLtHash, m.Extra.BlockID, m.Tail = nil, nil, manifest.TailEpochStakes
			var b bytes.Buffer
			if err := m.Encode(&b); err != nil {
				t.Fatal(err)
			}
			tape := buildTar(versionEntry, statusEntry, entry{name: "snapshots/7/7", typeflag: '0', content: b.String()}, storageEntry("5.0", one))
			return bytesSource(s.Name, compress(t, tape))
		}(), TierManifest, "snapshots/7/7", "no accounts lattice hash"},
		"capitalization":  {edited(func(m *manifest.Manifest) { m.Bank.Capitalization++ }), TierAccounts, "", "lamports, but the capitalization"},
		"account missing": {with(func(s *state) { s.storages = s.storages[:1] }), TierAccounts, "", "lamports, but the capitalization"},
		"data changed": {with(func(s *state) {
			other := pubkeyed(2, 165)
			other.data = bytes.Repeat([]byte{9}, 165)
			s.storages = []entry{storageEntry("5.0", one), storageEntry("7.1", other)}
		}), TierAccounts, "", "checksum of the live accounts' lattice hash"},
		"no manifest": {bytesSource(good.source(t).Name, compress(t, buildTar(versionEntry, statusEntry, storageEntry("5.0", one)))),
			TierStructure, "", "there is no manifest"},
		"no status cache": {bytesSource(good.source(t).Name, compress(t, buildTar(versionEntry, storageEntry("5.0", one),
			entry{name: "snapshots/7/7", typeflag: '0', content: encodedManifest(t, good.manifest())}))),
			TierStructure, "", "there is no status cache"},
		"broken manifest": {bytesSource(good.source(t).Name, compress(t, buildTar(agaveEntries()...))),
			TierManifest, "snapshots/7/7", "decode manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := Verify(t.Context(), VerifyConfig{Archive: tt.source, Tier: TierAccounts, ScratchDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			f := report.Failure
			if f == nil || f.Tier != tt.tier || f.Member != tt.member || !strings.Contains(f.Reason, tt.reason) || report.Reached >= tt.tier {
				t.Errorf("reached %s: %+v", report.Reached, f)
			}
		})
	}
}

func encodedManifest(t *testing.T, m *manifest.Manifest) string {
	t.Helper()
	var b bytes.Buffer
	if err := m.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestVerifyCatchesFlippedBits flips bits all over an archive. What is hashed must
// fail; what nothing covers (padding, times, statistics) may pass.
func TestVerifyCatchesFlippedBits(t *testing.T) {
	one, two := pubkeyed(1, 10), pubkeyed(2, 300)
	s := state{name: fullSeven, live: []account{one, two}, storages: []entry{storageEntry("5.0", one), storageEntry("7.1", two)}}
	source := s.source(t)
	packed, err := source.Open()
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := zstd.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	tape, err := io.ReadAll(decoder)
	if err != nil {
		t.Fatal(err)
	}
	covered := coveredBytes(t, tape)
	caught, missed := 0, 0
	const step = 5 // every byte takes a minute; this takes each bit in turn, too
	for at := 0; at < len(tape); at += step {
		flipped := bytes.Clone(tape)
		flipped[at] ^= 1 << (at % 8)
		report, err := Verify(t.Context(), VerifyConfig{
			Archive: bytesSource(source.Name, compress(t, flipped)), Tier: TierAccounts, Workers: 1, ScratchDir: t.TempDir(),
		})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case report.Failure != nil:
			caught++
		case covered[at]:
			t.Errorf("byte %d of the tar stream was flipped from %#x, and nobody noticed", at, tape[at])
		default:
			missed++
		}
	}
	t.Logf("%d caught, %d passed that nothing covers", caught, missed)
}

// coveredBytes are the bytes that a hash or a checksum covers: headers, and of a
// record the lamports, the data, whether it is executable, the owner and the key.
func coveredBytes(t *testing.T, tape []byte) []bool {
	t.Helper()
	covered := make([]bool, len(tape))
	mark := func(from, to int64) {
		for i := from; i < to; i++ {
			covered[i] = true
		}
	}
	reader, err := NewReader(t.Context(), bytes.NewReader(tape))
	if err != nil {
		t.Fatal(err)
	}
	var accounts Accounts
	for {
		m, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return covered
		}
		if err != nil {
			t.Fatal(err)
		}
		header := m.Offset - tarBlock // which has a checksum, at 148, that can be written in several ways
		mark(header, header+148)
		mark(header+156, m.Offset)
		if m.Kind == VersionMember {
			mark(m.Offset, m.Offset+m.Size)
		}
		if m.Kind != StorageMember {
			continue
		}
		for accounts.Reset(reader, m); accounts.Next(); {
			a := accounts.Account()
			record := m.Offset + a.Offset
			mark(record+8, record+56)  // data length, key, lamports
			mark(record+64, record+97) // owner, executable
			mark(record+recordHeaderSize, record+recordHeaderSize+int64(len(a.Data)))
		}
	}
}

// TestVerifyTellsTheDiskFromTheArchive: a read that fails is an error, and says
// nothing about the archive.
func TestVerifyTellsTheDiskFromTheArchive(t *testing.T) {
	one := pubkeyed(1, 10)
	good := state{name: fullSeven, live: []account{one}, storages: []entry{storageEntry("5.0", one)}}.source(t)
	broken := errors.New("the disk is broken")
	for name, tt := range map[string]struct {
		config VerifyConfig
		want   error
	}{
		"open": {VerifyConfig{Archive: Source{Name: good.Name, Open: func() (io.ReadCloser, error) { return nil, broken }}}, broken},
		"read": {VerifyConfig{Archive: Source{Name: good.Name, Open: func() (io.ReadCloser, error) {
			whole, err := good.Open()
			return io.NopCloser(io.MultiReader(io.LimitReader(whole, 200), iotest.ErrReader(broken))), err
		}}}, broken},
		"scratch directory": {VerifyConfig{
			Archive: state{name: fullSeven, live: []account{richer(one)},
				storages: []entry{storageEntry("5.0", one), storageEntry("6.0", richer(one))}}.source(t),
			ScratchDir: "/nowhere/to/be/found",
		}, fs.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			tt.config.Tier = TierAccounts
			if report, err := Verify(t.Context(), tt.config); !errors.Is(err, tt.want) {
				t.Errorf("got %+v, %v, want %v", report, err, tt.want)
			}
		})
	}
}

// TestVerifyNoticesAnArchiveThatChanges between two passes.
func TestVerifyNoticesAnArchiveThatChanges(t *testing.T) {
	one := pubkeyed(1, 10)
	first := state{name: fullSeven, live: []account{richer(one)},
		storages: []entry{storageEntry("5.0", one), storageEntry("6.0", richer(one))}}.source(t)
	second := state{name: fullSeven, live: []account{one}, storages: []entry{storageEntry("5.0", one)}}.source(t)
	opened := 0
	changing := Source{Name: first.Name, Open: func() (io.ReadCloser, error) {
		if opened++; opened == 1 {
			return first.Open()
		}
		return second.Open()
	}}
	report, err := Verify(t.Context(), VerifyConfig{Archive: changing, Tier: TierAccounts, ScratchDir: t.TempDir()})
	if !errors.Is(err, errOtherRecords) {
		t.Errorf("got %+v, %v", report, err)
	}
}

func TestVerifyEndsWithItsContext(t *testing.T) {
	one := pubkeyed(1, 10)
	good := state{name: fullSeven, live: []account{one}, storages: []entry{storageEntry("5.0", one)}}.source(t)
	ctx, cancel := context.WithCancel(t.Context())
	stopping := Source{Name: good.Name, Open: func() (io.ReadCloser, error) {
		whole, err := good.Open()
		head := io.LimitReader(whole, 100)
		return io.NopCloser(io.MultiReader(head, readFunc(func([]byte) (int, error) {
			cancel()
			return 0, io.EOF
		}))), err
	}}
	if report, err := Verify(ctx, VerifyConfig{Archive: stopping, Tier: TierAccounts}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v", report, err)
	}
}

// readFunc is a function that is a reader.
type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestVerifyNeedsTheRightBase(t *testing.T) {
	one := pubkeyed(1, 10)
	full := state{name: fullSeven, live: []account{one}, storages: []entry{storageEntry("5.0", one)}}.source(t)
	other := state{name: snapshot.Name{Slot: 6}, live: []account{one}, storages: []entry{storageEntry("5.0", one)}}.source(t)
	incremental := state{name: incrementalNine, live: []account{one, pubkeyed(2, 1)}, storages: []entry{storageEntry("8.0", pubkeyed(2, 1))}}.source(t)
	for name, c := range map[string]VerifyConfig{
		"none":            {Archive: incremental, Tier: TierAccounts},
		"of another slot": {Archive: incremental, Tier: TierAccounts, Base: &other},
		"for a full":      {Archive: full, Tier: TierAccounts, Base: &full},
		"no tier":         {Archive: full},
	} {
		if report, err := Verify(t.Context(), c); err == nil {
			t.Errorf("%s: %+v", name, report)
		}
	}
	if report, err := Verify(t.Context(), VerifyConfig{Archive: incremental, Tier: TierManifest}); err != nil || report.Reached != TierManifest {
		t.Errorf("an incremental alone: %+v, %v", report, err)
	}
}

func TestTiersAreInOrder(t *testing.T) {
	for i, name := range TierNames() {
		tier, err := ParseTier(name)
		if err != nil || tier.String() != name || tier != TierName+Tier(i) {
			t.Errorf("%s: %v, %v", name, tier, err)
		}
	}
	if _, err := ParseTier("none"); err == nil {
		t.Error("none is nothing to prove")
	}
}
