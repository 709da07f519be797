package rpc

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// testVote is what a test says of a vote account. Its address is 32 times key,
// its node's 32 times key+100.
type testVote struct {
	key        byte
	stake      uint64
	commission byte
	last, root snapshot.Slot // 0 for none
	credits    int           // epochs of them
}

func testKey(b byte) (k manifest.Pubkey) {
	for i := range k {
		k[i] = b
	}
	return k
}

// data is the vote account's data, of the version without extras (V3).
func (v testVote) data() []byte {
	node, withdrawer := testKey(v.key+100), testKey(v.key)
	b := binary.LittleEndian.AppendUint32(nil, 2)
	b = append(append(append(b, node[:]...), withdrawer[:]...), v.commission)
	b = binary.LittleEndian.AppendUint64(b, uint64(min(v.last, 1)))
	if v.last > 0 {
		b = binary.LittleEndian.AppendUint64(append(b, 0), uint64(v.last))
		b = binary.LittleEndian.AppendUint32(b, 1)
	}
	b = append(b, byte(min(v.root, 1)))
	if v.root > 0 {
		b = binary.LittleEndian.AppendUint64(b, uint64(v.root))
	}
	b = binary.LittleEndian.AppendUint64(b, 0)     // authorized voters
	b = append(b, make([]byte, 32*(32+16)+8+1)...) // prior voters
	b = binary.LittleEndian.AppendUint64(b, uint64(v.credits))
	for i := range uint64(v.credits) {
		for _, n := range []uint64{i, 1<<53 + 1 + i, i} {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
	}
	return append(b, make([]byte, 16)...) // last timestamp
}

func (v testVote) account() manifest.VoteAccount {
	return manifest.VoteAccount{
		Pubkey: testKey(v.key), Stake: v.stake, Node: testKey(v.key + 100), Account: manifest.Account{Data: v.data()},
	}
}

func accounts(votes ...testVote) []manifest.VoteAccount {
	list := make([]manifest.VoteAccount, len(votes))
	for i, v := range votes {
		list[i] = v.account()
	}
	return list
}

// testManifest is a bank at slot 1000, in epoch 31 of 32 slots: the sixth vote
// account was made this epoch, the fourth has no stake.
func testManifest() *manifest.Manifest {
	members := []testVote{
		{key: 1, stake: 1<<53 + 1, commission: 7, last: 999, root: 968, credits: 7},
		{key: 2, stake: 10, last: 872, root: 841, credits: 1},
		{key: 3, stake: 20, commission: 100, last: 873},
		{key: 4, commission: 1},
	}
	last := snapshot.Hash(testKey(200))
	m := &manifest.Manifest{Tail: manifest.TailBlockID}
	m.Bank = manifest.Bank{
		BlockhashQueue: manifest.BlockhashQueue{LastHashIndex: 900, LastHash: &last, MaxAge: 300, Hashes: []manifest.Blockhash{
			{Hash: last, HashIndex: 900}, {Hash: snapshot.Hash(testKey(201)), HashIndex: 750}, {Hash: snapshot.Hash(testKey(202)), HashIndex: 749},
		}},
		Slot: 1000, BlockHeight: 1<<53 + 1, TransactionCount: 1<<64 - 1, Capitalization: 123000000001,
		SlotsPerYear: 1000, LeaderID: testKey(101),
		EpochSchedule: manifest.EpochSchedule{SlotsPerEpoch: 32, LeaderScheduleSlotOffset: 32},
		Inflation:     manifest.Inflation{Initial: 0.08, Terminal: 0.015, Taper: 1, Foundation: 0.05, FoundationTerm: 7},
		Stakes:        manifest.Stakes{VoteAccounts: accounts(append(members, testVote{key: 6, stake: 5, last: 1000})...)},
	}
	m.Extra.EpochStakes = []manifest.EpochStakes{
		{Epoch: 31, TotalStake: 1<<53 + 31, Stakes: manifest.Stakes{VoteAccounts: accounts(members...)}},
		{Epoch: 32, TotalStake: 10, Stakes: manifest.Stakes{VoteAccounts: accounts(members[1])}},
	}
	return m
}

// testBank is the bank of testManifest after some change.
func testBank(change func(*manifest.Manifest)) *Bank {
	m := testManifest()
	if change != nil {
		change(m)
	}
	return NewBank(m, nil)
}

// bankMethods answer from one bank.
func bankMethods(bank *Bank) BankMethods {
	return BankMethods{Version: "4.1.0", Bank: func() *Bank { return bank }}
}

// fixtureManifest decodes a manifest of the collection that is kept beside the
// repository, and skips the test where there is none.
func fixtureManifest(t testing.TB, name string) *manifest.Manifest {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../shared/fixtures/snapshots", name))
	if os.IsNotExist(err) {
		t.Skipf("no fixture %s beside the repository", name)
	}
	if err == nil && filepath.Ext(name) == ".gz" {
		b, err = gunzip(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Decode(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func gunzip(b []byte) ([]byte, error) {
	zip, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(zip)
}
