package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

func newLedger(t *testing.T, seed uint64) (*Ledger, string) {
	t.Helper()
	dir := t.TempDir()
	return NewLedger(LedgerConfig{Dir: dir, CreatedAt: time.Unix(1_700_000_000, 0), Seed: seed, FullBytes: 1 << 18, IncrementalBytes: 1 << 16}), dir
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
	if hash, _ := genesis.Hash(); hash != ledger.Bank(0).Blockhashes[0] {
		t.Errorf("genesis hash is %s, the first blockhash %s", hash, ledger.Bank(0).Blockhashes[0])
	}
	if err := ledger.WriteGenesis(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second WriteGenesis: %v, want fs.ErrExist", err)
	}
}

// Whatever the slots, a full archive proves itself, an incremental proves itself
// over the full one, and the two together are the full archive of the later slot.
func TestLedgerArchivesAgree(t *testing.T) {
	ledger := NewLedger(LedgerConfig{CreatedAt: time.Unix(1_700_000_000, 0), FullBytes: 1 << 17, IncrementalBytes: 1 << 15})
	for _, slots := range [][2]snapshot.Slot{
		{0, 1}, {0, 60}, {3, 5}, {7, 8}, {8, 9}, {8, 16}, {9, 11}, {31, 33}, // the cold accounts are written up to slot 8
		{100_000, 100_003}, {100_000, 100_050}, {524_255, 524_257}, {1_048_570, 1_048_580},
	} {
		base, slot := slots[0], slots[1]
		t.Run(fmt.Sprintf("%d on %d", slot, base), func(t *testing.T) {
			full := inMemory(t, ledger.Bank(base), fullName(base), Packing{})
			incremental := inMemory(t, ledger.Bank(slot), incrementalName(base, slot), Packing{})
			later := inMemory(t, ledger.Bank(slot), fullName(slot), Packing{})
			checkProof(t, liveAccounts(full), full)
			checkProof(t, liveAccounts(full, incremental), incremental)
			if later.name.Hash != incremental.name.Hash || later.manifest.Bank.Hash != incremental.manifest.Bank.Hash {
				t.Errorf("hash is %s in a full archive, %s in one on %d", later.name.Hash, incremental.name.Hash, base)
			}
			for _, u := range []*unpacked{full, incremental, later} {
				checkRows(t, u)
			}
			for written := range incremental.storages {
				if written <= base || written > slot {
					t.Errorf("%s has a storage of slot %d", incremental.name, written)
				}
			}
		})
	}
}

func TestLedgerSizes(t *testing.T) {
	ledger, dir := newLedger(t, 0)
	size := func(name snapshot.Name, err error) (bytes int) {
		if err != nil {
			t.Fatal(err)
		}
		for _, accounts := range unpack(t, dir, name).storages {
			for i := range accounts {
				bytes += len(accounts[i].Data)
			}
		}
		return bytes
	}
	const fixed = 200 << 10 // sysvars and the like
	if full := size(ledger.WriteFull(1000)); full < 1<<18 || full > 1<<18+fixed {
		t.Errorf("full archive has %d bytes of data, want about %d", full, 1<<18)
	}
	if incremental := size(ledger.WriteIncremental(1000, 1008)); incremental < 1<<15 || incremental > 1<<16+fixed {
		t.Errorf("incremental archive has %d bytes of data, want about %d", incremental, 1<<16)
	}
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

// What Agave asks of a snapshot before it starts from one, besides the sums and
// hashes: runtime/src/bank.rs new_from_snapshot, stakes.rs
// load_from_deserialized_delegations, snapshot_bank_utils.rs verify_slot_deltas
// and verify_epoch_stakes.
func TestLedgerMeetsWhatAgaveAsks(t *testing.T) {
	for _, slot := range []snapshot.Slot{0, 1, 31, 32, 33, 300, 301, 100_050, 524_256, 1_048_575, 1_048_576, 3_000_000} {
		t.Run(slot.String(), func(t *testing.T) {
			ledger, dir := newLedger(t, 0)
			name, err := ledger.WriteFull(slot)
			if err != nil {
				t.Fatal(err)
			}
			u := unpack(t, dir, name)
			live := liveAccounts(u)
			checkGenesisFacts(t, ledger.cluster.GenesisBin(), u.manifest)
			checkStakes(t, live, u.manifest)
			checkLeader(t, u.manifest)
			checkHistory(t, live, u)
		})
	}
}

// checkGenesisFacts reads from genesis.bin, which ends with them, what the
// manifest repeats. For the seconds of a year see Agave's years_as_slots.
func checkGenesisFacts(t *testing.T, bin []byte, m *manifest.Manifest) {
	t.Helper()
	const fromEnd = 8 + 8 + 12 + 1 + 1 + 8 + 33 + 17 + 48 + 33 + 4 // ticks per slot to cluster type
	facts := bin[len(bin)-fromEnd:]
	ticks, nanos := binary.LittleEndian.Uint64(facts), binary.LittleEndian.Uint32(facts[24:])
	switch b := &m.Bank; {
	case b.GenesisCreationTime != int64(binary.LittleEndian.Uint64(bin)):
		t.Errorf("genesis creation time is %d", b.GenesisCreationTime)
	case b.TicksPerSlot != ticks || b.MaxTickHeight != ticks*(uint64(b.Slot)+1) || b.TickHeight != b.MaxTickHeight:
		t.Errorf("%d ticks per slot, tick heights %d and %d", b.TicksPerSlot, b.TickHeight, b.MaxTickHeight)
	case b.NanosPerSlot != manifest.Uint128{Lo: ticks * uint64(nanos)} || b.NanosPerSlot.Lo != 400_000_000:
		t.Errorf("%s ns per slot", b.NanosPerSlot)
	case b.SlotsPerYear != 78892314.984:
		t.Errorf("%v slots per year", b.SlotsPerYear)
	case !bytes.Equal(appendEpochSchedule(nil, b.EpochSchedule), bin[len(bin)-4-33:len(bin)-4]):
		t.Errorf("epoch schedule is %+v", b.EpochSchedule)
	case m.Extra.BlockID == nil || m.Extra.BlockID.IsZero():
		t.Error("no block id")
	}
}

// checkStakes compares the stakes cache with the accounts.
func checkStakes(t *testing.T, live map[manifest.Pubkey]Account, m *manifest.Manifest) {
	t.Helper()
	stakes := &m.Bank.Stakes
	if len(stakes.VoteAccounts) != 1 || len(stakes.Delegations.All) != 1 || stakes.Epoch != m.Epoch().Epoch {
		t.Fatalf("stakes are %+v, want one vote account and one delegation", stakes)
	}
	cached := stakes.VoteAccounts[0]
	stored := live[cached.Pubkey].Account
	if stored.Lamports != cached.Account.Lamports || !bytes.Equal(stored.Data, cached.Account.Data) || len(stored.Data) != 3762 ||
		stored.Owner != cached.Account.Owner || stored.RentEpoch != cached.Account.RentEpoch || stored.Owner.String() != "Vote111111111111111111111111111111111111111" {
		t.Errorf("the vote account is not the one in the cache:\n%+v\n%+v", stored, cached.Account)
	}
	one := stakes.Delegations.All[0]
	account := live[one.StakeAccount]
	data := account.Data
	if len(data) != 200 || binary.LittleEndian.Uint32(data) != 2 || account.Owner.String() != "Stake11111111111111111111111111111111111111" {
		t.Fatalf("stake account is %+v", account)
	}
	written := manifest.Delegation{
		StakeAccount: one.StakeAccount, Voter: manifest.Pubkey(data[124:156]),
		Stake:             binary.LittleEndian.Uint64(data[156:]),
		ActivationEpoch:   binary.LittleEndian.Uint64(data[164:]),
		DeactivationEpoch: binary.LittleEndian.Uint64(data[172:]),
	}
	if written != one || one.Voter != cached.Pubkey || one.Stake != cached.Stake || binary.LittleEndian.Uint64(data[4:])+one.Stake != account.Lamports {
		t.Errorf("delegation is %+v, the account says %+v", one, written)
	}
}

// checkLeader draws the leader from the epoch stakes, and looks at the others.
func checkLeader(t *testing.T, m *manifest.Manifest) {
	t.Helper()
	at := m.Epoch()
	last := m.Bank.EpochSchedule.LeaderScheduleEpoch(m.Bank.Slot)
	if n := uint64(len(m.Extra.EpochStakes)); n != last-at.Epoch+1 {
		t.Errorf("epoch stakes of %d epochs, want %d to %d", n, at.Epoch, last)
	}
	for epoch := at.Epoch; epoch <= last; epoch++ {
		stakes, err := m.EpochStakes(epoch)
		if err != nil {
			t.Fatal(err)
		}
		if len(stakes.Nodes) != 1 || stakes.Nodes[0].Node != m.Bank.LeaderID || stakes.TotalStake == 0 || len(stakes.AuthorizedVoters) != 1 {
			t.Errorf("epoch stakes of %d are %+v", epoch, stakes)
		}
	}
	schedule, err := m.LeaderSchedule(at.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	if leader, ok := schedule.Leader(at.SlotIndex); !ok || leader != m.Bank.LeaderID {
		t.Errorf("slot %d is led by %s, the manifest says %s", m.Bank.Slot, leader, m.Bank.LeaderID)
	}
	state, err := m.Bank.Stakes.VoteAccounts[0].State()
	if err != nil {
		t.Fatal(err)
	}
	if voter, ok := state.AuthorizedVoter(at.Epoch); !ok || voter != m.Bank.LeaderID || state.Node != m.Bank.LeaderID {
		t.Errorf("the vote account is of node %s and voter %s", state.Node, voter)
	}
	if m.Bank.Slot > 0 && (state.LastVote == nil || *state.LastVote != m.Bank.ParentSlot) {
		t.Errorf("last vote is %v, want the parent slot", state.LastVote)
	}
}

// checkHistory compares the status cache with the SlotHistory sysvar.
func checkHistory(t *testing.T, live map[manifest.Pubkey]Account, u *unpacked) {
	t.Helper()
	data := live[historySysvar].Data
	if len(data) != 131_097 || data[0] != 1 || binary.LittleEndian.Uint64(data[1:]) != 16_384 || binary.LittleEndian.Uint64(data[131_081:]) != 1<<20 {
		t.Fatalf("SlotHistory has %d bytes: %x…", len(data), data[:16])
	}
	next := binary.LittleEndian.Uint64(data[131_089:])
	if next != uint64(u.name.Slot)+1 {
		t.Errorf("SlotHistory ends before slot %d", next)
	}
	has := func(slot uint64) bool { return data[9+slot%(1<<20)/8]&(1<<(slot%8)) != 0 }
	var newest []snapshot.Slot
	for slot := next; slot > 0 && len(newest) < 300; slot-- {
		if has(slot - 1) {
			newest = append(newest, snapshot.Slot(slot-1))
		}
	}
	slices.Reverse(newest)
	if !slices.Equal(newest, u.roots) {
		t.Errorf("status cache has %d roots, SlotHistory %d", len(u.roots), len(newest))
	}
	if next < 1<<20 && has(next) {
		t.Errorf("SlotHistory has slot %d, of the future", next)
	}
}

// The sizes are those of a real cluster's, whose archive is in the fixtures.
func TestLedgerSysvars(t *testing.T) {
	ledger, dir := newLedger(t, 0)
	name, err := ledger.WriteFull(100_050)
	if err != nil {
		t.Fatal(err)
	}
	live := liveAccounts(unpack(t, dir, name))
	for address, want := range map[string]struct {
		size int
		head []uint64
	}{
		"SysvarC1ock11111111111111111111111111111111": {40, []uint64{100_050, 1_700_000_000 + 65_504*2/5, 11, 12, 1_700_000_000 + 100_050*2/5}},
		"SysvarEpochSchedu1e111111111111111111111111": {33, []uint64{432_000, 432_000}},
		"SysvarRent111111111111111111111111111111111": {17, []uint64{3480}},
		"SysvarRecentB1ockHashes11111111111111111111": {6008, []uint64{150}},
		"SysvarS1otHashes111111111111111111111111111": {20_488, []uint64{512, 100_049}},
		"SysvarS1otHistory11111111111111111111111111": {131_097, nil},
		"SysvarStakeHistory1111111111111111111111111": {16_392, []uint64{11, 10, 500_000_000_000_000, 0, 0, 9}},
	} {
		account := live[wellKnown(address)]
		if len(account.Data) != want.size || account.Owner.String() != "Sysvar1111111111111111111111111111111111111" || account.Lamports != uint64(128+want.size)*6960 {
			t.Errorf("%s has %d bytes and %d lamports, owner %s", address, len(account.Data), account.Lamports, account.Owner)
		}
		if head := appendUint64s(nil, want.head...); !bytes.HasPrefix(account.Data, head) {
			t.Errorf("%s begins %x, want %x", address, account.Data[:min(64, len(account.Data))], head)
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
	if want := []string{"version", "snapshots/", "snapshots/7", "snapshots/7/7", "snapshots/status_cache", "accounts/0.0"}; !slices.Equal(members[:6], want) {
		t.Errorf("members begin %q, want %q", members, want)
	}
}

func BenchmarkLedger(b *testing.B) {
	ledger := NewLedger(LedgerConfig{Dir: b.TempDir(), CreatedAt: time.Unix(1_700_000_000, 0)})
	b.SetBytes(8 << 20)
	for slot := snapshot.Slot(100_000); b.Loop(); slot++ {
		name, err := ledger.WriteFull(slot)
		if err != nil {
			b.Fatal(err)
		}
		if err := os.Remove(filepath.Join(ledger.config.Dir, name.String())); err != nil {
			b.Fatal(err)
		}
	}
}
