//go:build linux

package main

import (
	"encoding/binary"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/archive/manifest"
)

const (
	firstSlot    = 1000
	perStorage   = 10_000
	tokenAccount = 165 // bytes of data
	recordSize   = 136 + tokenAccount + 3
)

// archiveFile is what was generated.
type archiveFile struct {
	Path             string
	Packed, Unpacked int64 // bytes
	Records          uint64
}

// generate writes a full archive of so many accounts, of which some per cent have
// an older record, too.
func generate(dir string, accounts, superseded uint64) (made archiveFile, err error) {
	g := generator{accounts: accounts, superseded: accounts * superseded / 100}
	cluster := archive.DevelopmentCluster(time.Unix(1_700_000_000, 0))
	bank := archive.Bank{
		Cluster: &cluster, Distinct: g.superseded == 0, Blockhashes: []snapshot.Hash{{1}}, LamportsPerSignature: 5000, BlockID: &snapshot.Hash{2},
	}
	for begin := uint64(0); begin < g.records(); begin += perStorage {
		bank.Slot = snapshot.Slot(firstSlot + begin/perStorage)
		bank.Accounts = append(bank.Accounts, archive.SlotAccounts{Slot: bank.Slot, Accounts: g.storage(begin, min(begin+perStorage, g.records()))})
	}
	bank.ParentSlot = bank.Slot - 1
	name, err := bank.WriteFull(dir, archive.Packing{})
	if err != nil {
		return made, err
	}
	made.Path = filepath.Join(dir, name.String())
	info, err := os.Stat(made.Path)
	if err != nil {
		return made, err
	}
	made.Packed, made.Records = info.Size(), g.records()
	made.Unpacked = int64(made.Records) * recordSize
	return made, nil
}

// generator makes accounts by number, the same each time. The first superseded
// records are older ones of the accounts after them.
type generator struct{ accounts, superseded uint64 }

func (g generator) records() uint64 { return g.accounts + g.superseded }

func (g generator) storage(begin, end uint64) iter.Seq[*archive.Account] {
	return func(yield func(*archive.Account) bool) {
		account := archive.Account{Account: manifest.Account{
			Data: make([]byte, tokenAccount), Owner: manifest.Pubkey{6, 221, 246, 225}, RentEpoch: 1<<64 - 1,
		}}
		for i := begin; i < end; i++ {
			g.fill(&account, i)
			if !yield(&account) {
				return
			}
		}
	}
}

// mints are those of the token accounts: many accounts share one, and so compress.
const mints = 1000

func (g generator) fill(a *archive.Account, record uint64) {
	a.Lamports = 2_039_280
	if record >= g.superseded { // no older one
		a.Lamports, record = a.Lamports+1, record-g.superseded
	}
	random := rand.New(rand.NewPCG(record, 1))
	mint := random.Uint64N(mints)
	for at := 0; at < 32; at += 8 {
		binary.LittleEndian.PutUint64(a.Pubkey[at:], random.Uint64())
		binary.LittleEndian.PutUint64(a.Data[at:], mint*0x9E3779B97F4A7C15+uint64(at))
		binary.LittleEndian.PutUint64(a.Data[32+at:], random.Uint64())
	}
	binary.LittleEndian.PutUint64(a.Data[64:], random.Uint64N(1e9)) // amount
	a.Data[108] = 1                                                 // initialized
}
