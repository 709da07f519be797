//go:build linux

package main

import (
	"archive/tar"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/lthash"
	"solsnap/snapshot/archive/manifest"
)

const (
	firstSlot    = 1000
	perStorage   = 10_000
	recordHeader = 136
	tokenAccount = 165
	recordSize   = (recordHeader + tokenAccount + 7) &^ 7
)

// archiveFile is what was generated.
type archiveFile struct {
	path             string
	packed, unpacked int64
	records          uint64
}

// generate writes a full archive whose accounts, manifest and name agree.
func generate(dir string, accounts, superseded uint64) (made archiveFile, err error) {
	temporary := filepath.Join(dir, "archive")
	file, err := os.Create(temporary)
	if err != nil {
		return made, err
	}
	defer file.Close()
	g := generator{accounts: accounts, superseded: accounts * superseded / 100}
	m := g.manifest()
	if err := g.write(file, m); err != nil {
		return made, err
	}
	info, err := file.Stat()
	if err != nil {
		return made, err
	}
	lattice := lthash.FromBytes(m.Extra.AccountsLtHash)
	name := snapshot.Name{Kind: snapshot.Full, Slot: m.Bank.Slot, Hash: lattice.Checksum()}
	made = archiveFile{path: filepath.Join(dir, name.String()), packed: info.Size(), records: g.records()}
	made.unpacked = int64(made.records) * recordSize
	return made, os.Rename(temporary, made.path)
}

// generator makes accounts by number, the same each time. Those below superseded
// have an older record in a storage before all others.
type generator struct{ accounts, superseded uint64 }

func (g generator) records() uint64 { return g.accounts + g.superseded }

// mints are the mints of the token accounts: many accounts share one, and so
// compress.
const mints = 1000

func (g generator) account(i uint64, old bool) (a lthash.Account) {
	random := rand.New(rand.NewPCG(i, 1))
	for at := 0; at < len(a.Pubkey); at += 8 {
		binary.LittleEndian.PutUint64(a.Pubkey[at:], random.Uint64())
	}
	mint := random.Uint64N(mints)
	a.Owner = [32]byte{6, 221, 246, 225} // begins as the token program's key
	a.Lamports = 2039280
	a.Data = make([]byte, tokenAccount)
	for at := 0; at < 32; at += 8 {
		binary.LittleEndian.PutUint64(a.Data[at:], mint*0x9E3779B97F4A7C15+uint64(at))
		binary.LittleEndian.PutUint64(a.Data[32+at:], random.Uint64())
	}
	binary.LittleEndian.PutUint64(a.Data[64:], random.Uint64N(1e9))
	a.Data[108] = 1 // initialized
	if old {
		a.Lamports++
	}
	return a
}

func (g generator) storages() (slots uint64) { return (g.records() + perStorage - 1) / perStorage }

func (g generator) manifest() *manifest.Manifest {
	var sum lthash.Sum
	m := &manifest.Manifest{Tail: manifest.TailBlockID}
	for i := range g.accounts {
		a := g.account(i, false)
		sum.Add(&a)
		m.Bank.Capitalization += a.Lamports
	}
	total := sum.Total()
	lattice := total.Bytes()
	b := &m.Bank
	b.Slot = snapshot.Slot(firstSlot + g.storages())
	b.ParentSlot = b.Slot - 1
	b.BlockhashQueue = manifest.BlockhashQueue{LastHash: &snapshot.Hash{1}, Hashes: []manifest.Blockhash{{Hash: snapshot.Hash{1}}}, MaxAge: 300}
	b.TicksPerSlot, b.NanosPerSlot = 64, manifest.Uint128{Lo: 400_000_000}
	b.EpochSchedule = manifest.EpochSchedule{SlotsPerEpoch: 432_000, LeaderScheduleSlotOffset: 432_000}
	m.AccountsDB.Slot = b.Slot
	m.Extra.LamportsPerSignature = 5000
	m.Extra.AccountsLtHash, m.Extra.BlockID = &lattice, &snapshot.Hash{2}
	b.Hash, _ = m.BankHash() // it has all that it takes
	return m
}

func (g generator) write(w io.Writer, m *manifest.Manifest) error {
	frame, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
	if err != nil {
		return err
	}
	stream := tar.NewWriter(frame)
	if err := g.members(stream, m); err != nil {
		return err
	}
	if err := stream.Close(); err != nil {
		return err
	}
	return frame.Close()
}

func (g generator) members(t *tar.Writer, m *manifest.Manifest) error {
	size, err := m.Size()
	if err != nil {
		return err
	}
	slot := m.Bank.Slot.String()
	for _, member := range []struct {
		name  string
		size  int64
		write func(io.Writer) error
	}{
		{"version", 5, func(w io.Writer) error { _, err := io.WriteString(w, "1.2.0"); return err }},
		{"snapshots/status_cache", 8, func(w io.Writer) error { _, err := w.Write(make([]byte, 8)); return err }},
		{"snapshots/" + slot + "/" + slot, size, m.Encode},
	} {
		if err := t.WriteHeader(&tar.Header{Name: member.name, Size: member.size, Mode: 0o644, Format: tar.FormatGNU}); err != nil {
			return err
		}
		if err := member.write(t); err != nil {
			return err
		}
	}
	return g.writeStorages(t)
}

// writeStorages begins with the older records.
func (g generator) writeStorages(t *tar.Writer) error {
	var content []byte
	slot := uint64(firstSlot)
	for i := range g.records() {
		a := g.account(i, true)
		if i >= g.superseded {
			a = g.account(i-g.superseded, false)
		}
		content = appendRecord(content, &a)
		if len(content) < perStorage*recordSize && i+1 < g.records() {
			continue
		}
		if err := t.WriteHeader(&tar.Header{Name: storageName(slot), Size: int64(len(content)), Format: tar.FormatGNU}); err != nil {
			return err
		}
		if _, err := t.Write(content); err != nil {
			return err
		}
		content, slot = content[:0], slot+1
	}
	return nil
}

func appendRecord(b []byte, a *lthash.Account) []byte {
	b = binary.LittleEndian.AppendUint64(b, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(a.Data)))
	b = append(b, a.Pubkey[:]...)
	b = binary.LittleEndian.AppendUint64(b, a.Lamports)
	b = binary.LittleEndian.AppendUint64(b, 1<<64-1)
	b = append(b, a.Owner[:]...)
	b = append(b, make([]byte, 8+32)...) // executable, padding, hash
	b = append(b, a.Data...)
	return append(b, make([]byte, -len(b)&7)...)
}
