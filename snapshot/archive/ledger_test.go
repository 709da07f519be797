package archive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"solsnap/snapshot"
)

// A genesis.bin that Agave itself wrote, made again from its three variables.
func TestGenesisConfigEncodesAsAgaveDoes(t *testing.T) {
	want := fixture(t, "sig-v1/genesis.bin")
	got := genesisConfig{
		createdAt:      time.Unix(int64(binary.LittleEndian.Uint64(want)), 0),
		faucet:         [32]byte(want[16:48]),
		faucetLamports: binary.LittleEndian.Uint64(want[48:]),
	}.encode()
	if !bytes.Equal(got, want) {
		t.Errorf("encoded\n%x, want\n%x", got, want)
	}
}

// A storage of one account that another project wrote for Agave, made again.
func TestAppendRecordAsInARealArchive(t *testing.T) {
	want := fixture(t, "sig-v2/extracted/99.2")
	a := account{lamports: 500_000, data: []byte("another account")}
	copy(a.pubkey[:], bytes.Repeat([]byte{0x22}, 32))
	got := a.appendRecord(nil)
	binary.LittleEndian.PutUint64(got[56:], 200) // its rent epoch; ours is always exempt
	if !bytes.Equal(got, want) {
		t.Errorf("record is\n%x, want\n%x", got, want)
	}
}

func newLedger(t *testing.T, seed uint64) (*Ledger, string) {
	t.Helper()
	dir := t.TempDir()
	return NewLedger(LedgerConfig{Dir: dir, CreatedAt: time.Unix(1_700_000_000, 0), Seed: seed, FullBytes: 1 << 20, IncrementalBytes: 1}), dir
}

func TestLedgerGenesis(t *testing.T) {
	ledger, dir := newLedger(t, 0)
	if err := ledger.WriteGenesis(); err != nil {
		t.Fatal(err)
	}
	genesis := NewGenesis(GenesisConfig{LedgerDir: dir, StateDir: t.TempDir()})
	if err := genesis.Load(); err != nil {
		t.Fatal(err)
	}
	if _, ok := genesis.Hash(); !ok {
		t.Error("the ledger has no genesis")
	}
	if err := ledger.WriteGenesis(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second WriteGenesis: %v, want fs.ErrExist", err)
	}
}

func TestLedgerArchives(t *testing.T) {
	ledger, dir := newLedger(t, 0)
	full, err := ledger.WriteFull(1000)
	if err != nil {
		t.Fatal(err)
	}
	incremental, err := ledger.WriteIncremental(1000, 1003)
	if err != nil {
		t.Fatal(err)
	}
	if full.Kind != snapshot.Full || full.Slot != 1000 || incremental.Base != 1000 || incremental.Slot != 1003 {
		t.Errorf("names are %s and %s", full, incremental)
	}
	checkArchive(t, dir, full, 993)
	checkArchive(t, dir, incremental, 1001)
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("directory has %v, want two archives", entries)
	}
}

func TestLedgerIsDeterministic(t *testing.T) {
	content := func(seed uint64) []byte {
		ledger, dir := newLedger(t, seed)
		name, err := ledger.WriteFull(1000)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, name.String()))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(content(1), content(1)) {
		t.Error("equal seeds gave different archives")
	}
	if bytes.Equal(content(1), content(2)) {
		t.Error("different seeds gave equal archives")
	}
}

func TestLedgerRefusesAnIncrementalNotAboveItsBase(t *testing.T) {
	ledger, dir := newLedger(t, 0)
	if _, err := ledger.WriteIncremental(5, 5); err == nil {
		t.Error("accepted slot 5 on base 5")
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("left %v", entries)
	}
}

func TestStoragesStayWithinTheirSlots(t *testing.T) {
	for _, test := range []struct {
		first, last snapshot.Slot
		want        int
	}{{0, 0, 1}, {0, 3, 4}, {0, 1000, 8}, {1001, 1001, 1}, {1001, 1008, 8}, {1001, 1009, 8}} {
		made := storages(test.first, test.last, 0, 1)
		if len(made) != test.want {
			t.Errorf("slots %d to %d: %d storages, want %d", test.first, test.last, len(made), test.want)
		}
		for _, s := range made {
			if s.slot < test.first || s.slot > test.last || s.accounts < 1 {
				t.Errorf("slots %d to %d: %s with %d accounts", test.first, test.last, s.name(), s.accounts)
			}
		}
	}
}

func TestRealToolsUnpackOurSnapshot(t *testing.T) {
	for _, tool := range []string{"tar", "zstd"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	ledger, dir := newLedger(t, 0)
	name, err := ledger.WriteFull(7)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("tar", "--zstd", "-tf", filepath.Join(dir, name.String())).CombinedOutput()
	if err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	members := strings.Fields(string(out))
	if want := []string{"version", "snapshots/", "snapshots/7/", "snapshots/status_cache", "accounts/0.0"}; !slices.Equal(members[:5], want) {
		t.Errorf("members begin %q, want %q", members, want)
	}
}

// checkArchive reads an archive as a validator does, but for the manifest:
// members, storages of one slot each from lowest on, records to their last
// byte, and the hash in the name.
func checkArchive(t *testing.T, dir string, name snapshot.Name, lowest snapshot.Slot) {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, name.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	frames, err := zstd.NewReader(file, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer frames.Close()
	members := tar.NewReader(frames)
	for _, want := range []string{"version", "snapshots/", fmt.Sprintf("snapshots/%d/", name.Slot), "snapshots/status_cache"} {
		if header, err := members.Next(); err != nil || header.Name != want {
			t.Fatalf("member %v, %v, want %s", header, err, want)
		}
	}
	hash := sha256.New()
	for slot := lowest; ; slot++ {
		header, err := members.Next()
		if errors.Is(err, io.EOF) && slot == name.Slot+1 {
			break
		}
		if err != nil || !strings.HasPrefix(header.Name, fmt.Sprintf("accounts/%d.", slot)) {
			t.Fatalf("member %v, %v, want the storage of slot %d", header, err, slot)
		}
		content, err := io.ReadAll(io.TeeReader(members, hash))
		if err != nil {
			t.Fatal(err)
		}
		checkRecords(t, content)
	}
	if snapshot.Hash(hash.Sum(nil)) != name.Hash {
		t.Errorf("the hash in %s is not that of its storages", name)
	}
}

// checkRecords walks a storage by the rules of Agave's reader.
func checkRecords(t *testing.T, b []byte) {
	t.Helper()
	pubkeys := map[[32]byte]bool{}
	for len(b) > 0 {
		if len(b) < recordHeaderSize {
			t.Fatalf("%d bytes left over after the last record", len(b))
		}
		size := recordHeaderSize + binary.LittleEndian.Uint64(b[8:])
		size = (size + recordAlign - 1) / recordAlign * recordAlign
		if pubkeys[[32]byte(b[16:])] || binary.LittleEndian.Uint64(b[48:]) == 0 || b[96] != 0 {
			t.Fatalf("bad record header %x", b[:recordHeaderSize])
		}
		pubkeys[[32]byte(b[16:])] = true
		b = b[size:]
	}
	if len(pubkeys) == 0 {
		t.Error("empty storage")
	}
}

func BenchmarkWriteSnapshot(b *testing.B) {
	accounts := storages(0, 100, 0, 8<<20)
	b.SetBytes(8 << 20)
	for b.Loop() {
		if err := writeSnapshot(io.Discard, 100, accounts); err != nil {
			b.Fatal(err)
		}
	}
}
