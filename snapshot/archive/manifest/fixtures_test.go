package manifest

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"solsnap/snapshot"
)

// fixture reads a file of the collection that is kept beside the repository,
// unpacked if its name ends in .gz, and skips the test where there is none.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../../shared/fixtures/snapshots", name))
	if os.IsNotExist(err) {
		t.Skipf("no fixture %s beside the repository", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(name) != ".gz" {
		return b
	}
	zip, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = io.ReadAll(zip); err != nil {
		t.Fatal(err)
	}
	return b
}

// The manifests of the collection, see its README.
const (
	fullV1        = "sig-v1/extracted/manifest-1.bin"
	incrementalV1 = "sig-v1/extracted/manifest-4-incremental.bin"
	fullV2        = "sig-v2/extracted/manifest-100.bin"
	twinV2        = "sig-v2/snapshot-100.decoded.json" // of fullV2, by another decoder
	testnet       = "testnet-417955321/manifest.bin.gz"
)

func decode(t testing.TB, b []byte) *Manifest {
	t.Helper()
	m, err := Decode(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func decodeWhole(t testing.TB, b []byte) *Manifest {
	t.Helper()
	m, err := Decoder{Whole: true}.Decode(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func encode(t testing.TB, m *Manifest) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func parseHash(t testing.TB, text string) snapshot.Hash {
	t.Helper()
	hash, err := snapshot.ParseHash(text)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// TestFixtures holds manifests of real writers against what their README says.
func TestFixtures(t *testing.T) {
	for name, want := range map[string]struct {
		slot, parent    snapshot.Slot
		hash            string
		capitalization  uint64
		height          uint64
		epoch           EpochInfo
		leaderEpoch     uint64
		forks, storages int
		stakesFor       []uint64
		tail            Tail
		blockID         string
	}{
		fullV1: {slot: 1, hash: "Dgs61Pmeu7XYD5122c2Gr3bYDsWi5zQHLm2jvofbW3GX", capitalization: 1000001217798168,
			height: 1, epoch: EpochInfo{0, 1, 32}, leaderEpoch: 1, storages: 2, stakesFor: []uint64{1, 0}, tail: TailAccountsLtHash},
		incrementalV1: {slot: 4, parent: 3, hash: "38vRrXEmH3BX3duTo1ZqZngeq4Q7UVheJF9ngYZVy9wN", capitalization: 1000001217783168,
			height: 4, epoch: EpochInfo{0, 4, 32}, leaderEpoch: 1, storages: 1, stakesFor: []uint64{1, 0}, tail: TailAccountsLtHash},
		fullV2: {slot: 100, parent: 99, hash: "FF2m56Z7VbuL5fhNTfNzzH41ZP45CYzxZGocL9RqmRck", capitalization: 92065762,
			height: 100, epoch: EpochInfo{2, 4, 128}, leaderEpoch: 3, forks: 2, storages: 3, stakesFor: []uint64{2, 3}, tail: TailBlockID,
			blockID: "4Ss5JMkXAD9Z7cktFEdrqeMuT6jGMF1pVozTyPHZ6zT4"},
		testnet: {slot: 417955321, parent: 417955320, hash: "FNXFoVCF57hQsQkGZUL8qBEAvpiyRKFAoSECpWgaaqfp", capitalization: 2099552913167985785,
			height: 370066200, epoch: EpochInfo{980, 119065, 432000}, leaderEpoch: 981, forks: 45, storages: 93638, stakesFor: []uint64{980, 981}, tail: TailBlockID},
	} {
		t.Run(name, func(t *testing.T) {
			m := decode(t, fixture(t, name))
			check(t, "slot", m.Bank.Slot, want.slot)
			check(t, "accounts-db slot", m.AccountsDB.Slot, want.slot)
			check(t, "parent slot", m.Bank.ParentSlot, want.parent)
			check(t, "bank hash", m.Bank.Hash, parseHash(t, want.hash))
			check(t, "capitalization", m.Bank.Capitalization, want.capitalization)
			check(t, "block height", m.Bank.BlockHeight, want.height)
			check(t, "epoch", m.Epoch(), want.epoch)
			check(t, "leader schedule epoch", m.Bank.EpochSchedule.LeaderScheduleEpoch(m.Bank.Slot), want.leaderEpoch)
			check(t, "hard forks", len(m.Bank.HardForks), want.forks)
			check(t, "storages", len(m.AccountsDB.Storages), want.storages)
			check(t, "tail", m.Tail, want.tail)
			check(t, "trailing bytes", m.Trailing, 0)
			check(t, "legacy", m.Legacy, false)
			check(t, "has lattice hash", m.Extra.AccountsLtHash != nil, true)
			checkEpochStakes(t, m, want.stakesFor)
			recomputed, err := m.BankHash()
			check(t, "BankHash error", err, nil)
			check(t, "BankHash", recomputed, m.Bank.Hash)
			if want.blockID != "" {
				check(t, "block id", *m.Extra.BlockID, parseHash(t, want.blockID))
			}
		})
	}
}

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func checkEpochStakes(t *testing.T, m *Manifest, epochs []uint64) {
	t.Helper()
	check(t, "epoch stakes", len(m.Extra.EpochStakes), len(epochs))
	for _, epoch := range epochs {
		stakes, err := m.EpochStakes(epoch)
		if err != nil {
			t.Error(err)
			continue
		}
		check(t, "total stake", stakes.Stakes.TotalStake(), stakes.TotalStake)
	}
}

// TestFixturesAreTheirOwnEncoding shows that nothing of a real manifest is lost
// or moved: not the order, not a bit.
func TestFixturesAreTheirOwnEncoding(t *testing.T) {
	for _, name := range []string{fullV1, incrementalV1, fullV2, testnet} {
		t.Run(name, func(t *testing.T) {
			original := fixture(t, name)
			m := decodeWhole(t, original)
			if got := encode(t, m); !bytes.Equal(got, original) {
				t.Errorf("encoded %d bytes, want the %d that were decoded", len(got), len(original))
			}
			size, err := m.Size()
			check(t, "Size error", err, nil)
			check(t, "Size", size, int64(len(original)))
		})
	}
}
