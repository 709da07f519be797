package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/archive/lthash"
	"solsnap/snapshot/archive/manifest"
)

// facts is what `solsnap inspect --json` prints. Scripts read it: the member names
// must not change. Amounts are in lamports, as decimal strings.
type facts struct {
	Source string `json:"source"`
	// Kind, BaseSlot and NameHash are of the name; null where it is no archive's.
	Kind     *string        `json:"kind"`
	BaseSlot *snapshot.Slot `json:"baseSlot"`
	NameHash *snapshot.Hash `json:"nameHash"`

	Slot             snapshot.Slot  `json:"slot"`
	Epoch            uint64         `json:"epoch"`
	SlotIndex        uint64         `json:"slotIndex"`
	SlotsInEpoch     uint64         `json:"slotsInEpoch"`
	BlockHeight      uint64         `json:"blockHeight"`
	LatticeChecksum  *snapshot.Hash `json:"latticeChecksum"` // what the name's hash should be
	BankHash         snapshot.Hash  `json:"bankHash"`
	ParentSlot       snapshot.Slot  `json:"parentSlot"`
	ParentBankHash   snapshot.Hash  `json:"parentBankHash"`
	BlockID          *snapshot.Hash `json:"blockId"`
	LastBlockhash    *snapshot.Hash `json:"lastBlockhash"`
	TransactionCount uint64         `json:"transactionCount"`

	Capitalization archive.Lamports `json:"capitalization"`
	AccountsData   uint64           `json:"accountsDataLen"`
	FeeLamports    uint64           `json:"lamportsPerSignature"`
	Inflation      inflationFacts   `json:"inflation"`

	Cluster             string             `json:"cluster"` // "unknown" unless a public one
	GenesisCreationTime time.Time          `json:"genesisCreationTime"`
	GenesisHash         *snapshot.Hash     `json:"genesisHash"`  // where it can be told
	ShredVersion        *uint16            `json:"shredVersion"` // with the genesis hash
	HardForks           []hardFork         `json:"hardForks"`
	SlotMilliseconds    float64            `json:"slotMilliseconds"`
	EpochSchedule       epochScheduleFacts `json:"epochSchedule"`

	TotalStake      archive.Lamports  `json:"totalStake"`
	VoteAccounts    int               `json:"voteAccounts"`
	Delegations     uint64            `json:"delegations"`
	TopVoteAccounts []voteAccountFact `json:"topVoteAccounts"`
	EpochStakes     []uint64          `json:"epochStakes"` // the epochs

	Producer         archive.Producer `json:"producer"`
	Compression      string           `json:"compression"`
	Size             int64            `json:"size"` // of the archive; -1 unknown
	ManifestSize     int64            `json:"manifestSize"`
	StatusCacheSize  int64            `json:"statusCacheSize"`
	StoragesInMap    int              `json:"storagesInManifest"`
	BytesRead        int64            `json:"bytesRead"`
	Fetched          *int64           `json:"bytesFetched"` // over the network
	ManifestTrailing int64            `json:"manifestTrailingBytes"`
	Frames           *frameFacts      `json:"frames"` // with --frames
	Legacy           bool             `json:"legacy"` // of Agave before 2.2: less is known of it
}

type inflationFacts struct {
	Initial        float64 `json:"initial"`
	Terminal       float64 `json:"terminal"`
	Taper          float64 `json:"taper"`
	Foundation     float64 `json:"foundation"`
	FoundationTerm float64 `json:"foundationTerm"`
}

type epochScheduleFacts struct {
	SlotsPerEpoch            uint64        `json:"slotsPerEpoch"`
	LeaderScheduleSlotOffset uint64        `json:"leaderScheduleSlotOffset"`
	Warmup                   bool          `json:"warmup"`
	FirstNormalEpoch         uint64        `json:"firstNormalEpoch"`
	FirstNormalSlot          snapshot.Slot `json:"firstNormalSlot"`
}

// frameFacts is an archive.FrameSummary.
type frameFacts struct {
	Frames        int    `json:"frames"`
	Skippable     int    `json:"skippable"`
	SkippableSize int64  `json:"skippableBytes"`
	Content       int64  `json:"statedContentBytes"`
	Sized         int    `json:"framesWithContentSize"`
	Checksums     int    `json:"framesWithChecksum"`
	TarHeaders    int    `json:"framesOfATarHeader"`
	Blocks        int64  `json:"blocks"`
	Window        uint64 `json:"largestWindow"`
	Marker        bool   `json:"firedancerMarker"`
}

type hardFork struct {
	Slot  snapshot.Slot `json:"slot"`
	Count uint64        `json:"count"`
}

type voteAccountFact struct {
	VoteAccount manifest.Pubkey  `json:"voteAccount"`
	Node        manifest.Pubkey  `json:"node"`
	Stake       archive.Lamports `json:"stake"`
	Commission  *uint8           `json:"commission"` // per cent; null where the state is not known
	LastVote    *snapshot.Slot   `json:"lastVote"`
}

// topVoteAccounts is how many of the vote accounts are named.
const topVoteAccounts = 10

// publicClusters are told by the time of their genesis.
var publicClusters = map[int64]struct{ name, genesis string }{
	1584368940: {"mainnet-beta", "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"},
	1580834132: {"testnet", "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY"},
	1597081016: {"devnet", "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"},
}

func newFacts(source, name string, size int64, i *archive.Inspection) *facts {
	m := i.Manifest
	b, epoch := &m.Bank, m.Epoch()
	f := &facts{
		Source: source, Slot: b.Slot, Epoch: epoch.Epoch, SlotIndex: epoch.SlotIndex, SlotsInEpoch: epoch.SlotsInEpoch,
		BlockHeight: b.BlockHeight, BankHash: b.Hash, ParentSlot: b.ParentSlot, ParentBankHash: b.ParentHash,
		BlockID: m.Extra.BlockID, LastBlockhash: b.BlockhashQueue.LastHash, TransactionCount: b.TransactionCount,
		Capitalization: archive.Lamports(b.Capitalization), AccountsData: b.AccountsDataLen, FeeLamports: m.Extra.LamportsPerSignature,
		Inflation:           inflationFacts{b.Inflation.Initial, b.Inflation.Terminal, b.Inflation.Taper, b.Inflation.Foundation, b.Inflation.FoundationTerm},
		GenesisCreationTime: time.Unix(b.GenesisCreationTime, 0).UTC(), HardForks: []hardFork{}, EpochSchedule: epochScheduleFacts(b.EpochSchedule),
		TotalStake: archive.Lamports(b.Stakes.TotalStake()), VoteAccounts: len(b.Stakes.VoteAccounts), Delegations: b.Stakes.Delegations.Count,
		EpochStakes: []uint64{}, Producer: i.Container.Producer(), Compression: i.Container.Compression.String(), Size: size,
		ManifestSize: i.ManifestSize, StatusCacheSize: i.StatusCacheSize, StoragesInMap: len(m.AccountsDB.Storages), BytesRead: i.Consumed,
		ManifestTrailing: m.Trailing, Legacy: m.Legacy,
	}
	f.setName(name)
	f.setCluster(m)
	f.setStakes(m)
	if lattice := m.Extra.AccountsLtHash; lattice != nil {
		hash := lthash.FromBytes(lattice)
		checksum := snapshot.Hash(hash.Checksum())
		f.LatticeChecksum = &checksum
	}
	if duration, ok := m.SlotDuration(); ok {
		f.SlotMilliseconds = float64(duration) / float64(time.Millisecond)
	}
	return f
}

func (f *facts) setName(name string) {
	parsed, err := snapshot.ParseName(name)
	if err != nil {
		return
	}
	kind := parsed.Kind.String()
	f.Kind, f.NameHash = &kind, &parsed.Hash
	if parsed.Kind == snapshot.Incremental {
		f.BaseSlot = &parsed.Base
	}
}

// setCluster knows the genesis hash of public clusters, and of those that are so
// young that it is still among their blockhashes.
func (f *facts) setCluster(m *manifest.Manifest) {
	f.Cluster = "unknown"
	for _, fork := range m.Bank.HardForks {
		f.HardForks = append(f.HardForks, hardFork(fork))
	}
	if known, ok := publicClusters[m.Bank.GenesisCreationTime]; ok {
		f.Cluster = known.name
		hash, _ := snapshot.ParseHash(known.genesis) // a constant
		f.GenesisHash = &hash
	}
	for _, b := range m.Bank.BlockhashQueue.Hashes {
		if b.HashIndex == 0 && f.GenesisHash == nil {
			f.GenesisHash = &b.Hash
		}
	}
	if f.GenesisHash != nil {
		version := m.ShredVersion(*f.GenesisHash)
		f.ShredVersion = &version
	}
}

func (f *facts) setStakes(m *manifest.Manifest) {
	for _, stakes := range m.Extra.EpochStakes {
		f.EpochStakes = append(f.EpochStakes, stakes.Epoch)
	}
	slices.Sort(f.EpochStakes)
	accounts := slices.SortedFunc(slices.Values(m.Bank.Stakes.VoteAccounts), func(a, b manifest.VoteAccount) int {
		return cmp.Or(cmp.Compare(b.Stake, a.Stake), slices.Compare(a.Pubkey[:], b.Pubkey[:]))
	})
	f.TopVoteAccounts = []voteAccountFact{}
	for _, v := range accounts[:min(len(accounts), topVoteAccounts)] {
		fact := voteAccountFact{VoteAccount: v.Pubkey, Node: v.Node, Stake: archive.Lamports(v.Stake)}
		if state, err := v.State(); err == nil {
			commission := state.Commission()
			fact.Commission, fact.LastVote = &commission, state.LastVote
		}
		f.TopVoteAccounts = append(f.TopVoteAccounts, fact)
	}
}

// text is the facts for people.
func (f *facts) text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	_, _ = fmt.Fprintln(w, f.Source)
	f.identity(row)
	row("transactions", "%s", comma(f.TransactionCount))
	row("capitalization", "%s SOL", sol(uint64(f.Capitalization)))
	row("account data", "%s", humanize.IBytes(f.AccountsData))
	row("fee", "%d lamports a signature", f.FeeLamports)
	row("inflation", "initial %g, terminal %g, taper %g", f.Inflation.Initial, f.Inflation.Terminal, f.Inflation.Taper)
	f.cluster(row)
	row("stake", "%s SOL, %s vote accounts, %s delegations", sol(uint64(f.TotalStake)), comma(uint64(f.VoteAccounts)), comma(f.Delegations))
	row("epoch stakes", "%v", f.EpochStakes)
	row("written by", "%s, %s", f.Producer, f.Compression)
	row("sizes", "archive %s, manifest %s, status cache %s; %s read", sizeOf(f.Size), sizeOf(f.ManifestSize), sizeOf(f.StatusCacheSize), sizeOf(f.BytesRead))
	if n := f.Frames; n != nil {
		row("zstd frames", "%s of %s blocks, window %s; %s with a checksum, %s skippable", comma(uint64(n.Frames)), comma(uint64(n.Blocks)),
			humanize.IBytes(n.Window), comma(uint64(n.Checksums)), comma(uint64(n.Skippable)))
	}
	if f.Fetched != nil {
		row("fetched", "%s", sizeOf(*f.Fetched))
	}
	_ = w.Flush() // to memory
	f.votes(&b)
	return b.String()
}

func (f *facts) identity(row func(string, string, ...any)) {
	switch {
	case f.BaseSlot != nil:
		row("incremental", "slot %d on base %d", f.Slot, *f.BaseSlot)
	case f.Kind != nil:
		row("full", "slot %d", f.Slot)
	default:
		row("slot", "%d; the file's name is not an archive's", f.Slot)
	}
	row("epoch", "%d, slot %s of %s; block height %s", f.Epoch, comma(f.SlotIndex), comma(f.SlotsInEpoch), comma(f.BlockHeight))
	switch {
	case f.LatticeChecksum == nil:
		row("hash", "no accounts lattice hash: written before Agave 2.2")
	case f.NameHash != nil && *f.NameHash != *f.LatticeChecksum:
		row("hash", "%s, but the name says %s", f.LatticeChecksum, f.NameHash)
	default:
		row("hash", "%s", f.LatticeChecksum)
	}
	row("bank hash", "%s", f.BankHash)
	row("parent", "slot %d, %s", f.ParentSlot, f.ParentBankHash)
	if f.BlockID != nil {
		row("block id", "%s", f.BlockID)
	}
	if f.LastBlockhash != nil {
		row("blockhash", "%s", f.LastBlockhash)
	}
}

func (f *facts) cluster(row func(string, string, ...any)) {
	row("cluster", "%s, born %s, %g ms a slot", f.Cluster, f.GenesisCreationTime.Format(time.RFC3339), f.SlotMilliseconds)
	if f.GenesisHash != nil {
		row("genesis hash", "%s", f.GenesisHash)
		row("shred version", "%d", *f.ShredVersion)
	}
	row("hard forks", "%d", len(f.HardForks))
}

func (f *facts) votes(b *strings.Builder) {
	if len(f.TopVoteAccounts) == 0 {
		return
	}
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "  vote account\tnode\tSOL staked\tcommission\tlast vote")
	for _, v := range f.TopVoteAccounts {
		commission, vote := "?", "none"
		if v.Commission != nil {
			commission = fmt.Sprintf("%d %%", *v.Commission)
		}
		if v.LastVote != nil {
			vote = v.LastVote.String()
		}
		_, _ = fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", v.VoteAccount, v.Node, sol(uint64(v.Stake)), commission, vote)
	}
	_ = w.Flush() // to memory
}

// sizeOf prints a size, which may be unknown.
func sizeOf(n int64) string {
	if n < 0 {
		return "of unknown size"
	}
	return humanize.IBytes(uint64(n))
}
