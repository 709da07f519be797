package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/lthash"
	"solsnap/snapshot/archive/manifest"
)

// bankAt is a manifest of the slot that holds together, after some change, and
// the checksum of its lattice hash.
func bankAt(t testing.TB, slot snapshot.Slot, change func(*manifest.Manifest)) (*manifest.Manifest, snapshot.Hash) {
	t.Helper()
	m := &manifest.Manifest{Tail: manifest.TailBlockID}
	m.Bank.Slot, m.Bank.BlockHeight = slot, uint64(slot)
	m.Bank.BlockhashQueue.LastHash = &snapshot.Hash{1}
	m.Extra.AccountsLtHash = &[2048]byte{byte(slot)}
	hash, err := m.BankHash()
	if err != nil {
		t.Fatal(err)
	}
	m.Bank.Hash = hash
	if change != nil {
		change(m)
	}
	return m, lthash.FromBytes(&[2048]byte{byte(slot)}).Checksum()
}

func bankEntry(t testing.TB, path string, m *manifest.Manifest) entry {
	t.Helper()
	var b bytes.Buffer
	if err := m.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return entry{name: path, typeflag: '0', content: b.String()}
}

// putBank writes an archive that counts as complete at once.
func putBank(t *testing.T, dir string, name snapshot.Name, change func(*manifest.Manifest)) {
	t.Helper()
	m, hash := bankAt(t, name.Slot, change)
	name.Hash = hash
	path := filepath.Join(dir, name.String())
	slot := name.Slot.String()
	content := compress(t, buildTar(versionEntry, bankEntry(t, "snapshots/"+slot+"/"+slot, m)))
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := errors.Join(os.Chtimes(path+".new", old, old), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

// warnings hands over each line of a log from level warn up.
type warnings chan string

func (w warnings) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

// follow runs a store over dir and a Follower until the test ends.
func follow(t *testing.T, dir string) (manifests <-chan *manifest.Manifest, log <-chan string) {
	t.Helper()
	store, err := snapshot.NewStore(snapshot.Config{FullDir: dir, SettleTime: time.Millisecond, RescanInterval: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	used, said := make(chan *manifest.Manifest, 10), make(warnings, 10)
	f := NewFollower(FollowerConfig{
		Store:  store,
		Use:    func(m *manifest.Manifest) { used <- m },
		Logger: slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, run := range []func(context.Context) error{store.Run, f.Run} {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	t.Cleanup(func() { cancel(); running.Wait() })
	return used, said
}

func next[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

// TestFollower goes through the life of a directory: each new pair gives a new
// manifest, what is broken gives one line and nothing else, and in the end there
// is none.
func TestFollower(t *testing.T) {
	dir := t.TempDir()
	manifests, log := follow(t, dir)
	expect := func(slot snapshot.Slot) {
		t.Helper()
		if m := next(t, "manifest", manifests); m == nil || m.Bank.Slot != slot {
			t.Fatalf("got %v, want the manifest of slot %d", m, slot)
		}
	}
	incremental := func(slot snapshot.Slot) snapshot.Name {
		return snapshot.Name{Kind: snapshot.Incremental, Base: 100, Slot: slot}
	}
	spoil := func(m *manifest.Manifest) { m.Bank.SignatureCount++ }
	putBank(t, dir, snapshot.Name{Slot: 100}, nil)
	expect(100)
	putBank(t, dir, incremental(150), nil)
	expect(150)
	putBank(t, dir, incremental(160), spoil)
	line := next(t, "warning", log)
	if !strings.Contains(line, "bank manifest not decoded") || !strings.Contains(line, "incremental-snapshot-100-160-") || !strings.Contains(line, "bank hash is") {
		t.Errorf("logged %s", line)
	}
	putBank(t, dir, incremental(170), nil)
	expect(170)
	putBank(t, dir, incremental(180), spoil)
	if line := next(t, "warning", log); !strings.Contains(line, "100-180-") {
		t.Errorf("logged %s", line)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	// As they go one by one, an older pair may be served for a moment.
	for m := next(t, "end", manifests); m != nil; {
		m = next(t, "end", manifests)
	}
}

// TestFollowerReadsFromTheFirstByte although a descriptor comes to it from a
// reader that stopped elsewhere.
func TestFollowerReadsFromTheFirstByte(t *testing.T) {
	dir := t.TempDir()
	putBank(t, dir, snapshot.Name{Slot: 100}, nil)
	store, err := snapshot.NewStore(snapshot.Config{FullDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	scanned := store.Changed()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = store.Run(ctx) })
	defer running.Wait()
	defer cancel()
	next(t, "scan", scanned)
	name := store.Archives()[0].Name
	file, err := store.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	file.Close()
	m, err := NewFollower(FollowerConfig{Store: store}).read(t.Context(), name)
	if err != nil || m.Bank.Slot != 100 {
		t.Errorf("got %v, %v", m, err)
	}
}

// TestFollowerRepeatsNothing: of a writer whose archives are all broken one line
// is enough.
func TestFollowerRepeatsNothing(t *testing.T) {
	var log bytes.Buffer
	f := NewFollower(FollowerConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	f.tell(t.Context(), snapshot.Archive{Path: "first"}, os.ErrNotExist)
	f.tell(t.Context(), snapshot.Archive{Path: "second"}, snapshot.ErrChanged)
	f.tell(t.Context(), snapshot.Archive{Path: "third"}, errors.New("broken"))
	f.tell(t.Context(), snapshot.Archive{Path: "fourth"}, errors.New("broken"))
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "path=third err=broken") {
		t.Errorf("logged %s", got)
	}
}

// TestFindManifest: a manifest is taken only for what the archive's name says.
func TestFindManifest(t *testing.T) {
	good, hash := bankAt(t, 100, nil)
	other, _ := bankAt(t, 101, nil)
	wrong, _ := bankAt(t, 100, func(m *manifest.Manifest) { m.Bank.ParentHash[0]++ })
	none, _ := bankAt(t, 100, func(m *manifest.Manifest) { m.Extra.AccountsLtHash, m.Tail = nil, manifest.TailEpochStakes })
	inside := func(m *manifest.Manifest) []byte {
		return buildTar(versionEntry, bankEntry(t, "snapshots/100/100", m), statusEntry)
	}
	for name, c := range map[string]struct {
		archive []byte
		hash    snapshot.Hash
		want    string // in the error; "" for none
	}{
		"good":                {inside(good), hash, ""},
		"good, compressed":    {compress(t, inside(good)), hash, ""},
		"before lattice hash": {inside(none), snapshot.Hash{}, ""},
		"status cache first":  {buildTar(statusEntry, versionEntry, bankEntry(t, "snapshots/100/100", good)), hash, ""},
		"another state":       {inside(good), snapshot.Hash{}, "checksum of the accounts lattice hash is"},
		"bank hash":           {inside(wrong), hash, "bank hash is"},
		"slot of the path":    {buildTar(bankEntry(t, "snapshots/101/101", other)), hash, "slot is 101, but the name says 100"},
		"slot of the bank":    {inside(other), hash, `member "snapshots/100/100"`},
		"no manifest":         {buildTar(versionEntry), hash, "no manifest"},
		"no bank":             {buildTar(versionEntry, entry{name: "snapshots/100/100", typeflag: '0', content: "x"}), hash, "decode manifest"},
		"cut short":           {inside(good)[:2000], hash, "unexpected EOF"},
		"no archive":          {[]byte("<html></html>"), hash, "open archive"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := findManifest(t.Context(), bytes.NewReader(c.archive), snapshot.Name{Slot: 100, Hash: c.hash})
			if c.want == "" && (err != nil || m.Bank.BlockHeight != 100) {
				t.Errorf("got %v, %v", m, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error is %v, want %q in it", err, c.want)
			}
		})
	}
}

// TestFindManifestReadsNoFurther than to the end of the manifest and of a
// buffer: the rest of a real archive is a hundred gigabytes.
func TestFindManifestReadsNoFurther(t *testing.T) {
	m, hash := bankAt(t, 100, nil)
	archive := buildTar(versionEntry, bankEntry(t, "snapshots/100/100", m), storageEntry("5.0", pubkeyed(1, 8<<20)))
	r := bytes.NewReader(archive)
	if _, err := findManifest(t.Context(), r, snapshot.Name{Slot: 100, Hash: hash}); err != nil {
		t.Fatal(err)
	}
	if read := len(archive) - r.Len(); read > 2*sourceBuffer {
		t.Errorf("%d bytes were read", read)
	}
}

// TestFindManifestStops in the middle when the context ends.
func TestFindManifestStops(t *testing.T) {
	m, hash := bankAt(t, 100, func(m *manifest.Manifest) { m.AccountsDB.Storages = make([]manifest.Storage, 100_000) })
	ctx, cancel := context.WithCancel(t.Context())
	r := &cancels{bytes.NewReader(buildTar(bankEntry(t, "snapshots/100/100", m))), cancel}
	if _, err := findManifest(ctx, r, snapshot.Name{Slot: 100, Hash: hash}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if r.r.Len() == 0 {
		t.Error("all was read")
	}
}

// cancels cancels when it is read.
type cancels struct {
	r      *bytes.Reader
	cancel context.CancelFunc
}

func (c *cancels) Read(p []byte) (int, error) {
	defer c.cancel()
	return c.r.Read(p)
}

// TestManifestsOfFixtures: the archives of every writer there is give theirs.
func TestManifestsOfFixtures(t *testing.T) {
	const full = "snapshot-1-5pgMpQj4MZYWauD1VnoNfmGAdUQCe6VVCSCQMNbDoxf7.tar"
	for path, capitalization := range map[string]uint64{
		"sig-v1/" + full + ".zst": 1000001217798168,
		"sig-v1/incremental-snapshot-1-4-43FT6mnmRW9XbxpCzqH3ogYexHXboG7d8vmf3gBLvLrR.tar.zst": 1000001217783168,
		"sig-v2/snapshot-100-7G3gw9TmwzT24jhJQyrPnH2QaKUZ7MHWGG9KW8XaPbDb.tar.zst":             92065762,
		"synthetic/firedancer-layout/" + full + ".zst":                                         1000001217798168,
		"synthetic/multi-frame/" + full + ".zst":                                               1000001217798168,
		"synthetic/lz4/" + full + ".lz4":                                                       1000001217798168,
	} {
		t.Run(path, func(t *testing.T) {
			name, err := snapshot.ParseName(filepath.Base(path))
			if err != nil {
				t.Fatal(err)
			}
			m, err := findManifest(t.Context(), bytes.NewReader(fixture(t, path)), name)
			if err != nil {
				t.Fatal(err)
			}
			if m.Bank.Capitalization != capitalization {
				t.Errorf("capitalization is %d, want %d", m.Bank.Capitalization, capitalization)
			}
		})
	}
}
