package archive

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/lthash"
	"solsnap/snapshot/archive/manifest"
)

// unpacked is what is in an archive, read by other means than this package's:
// archive/tar, and a walk over records that knows only where fields are.
type unpacked struct {
	name     snapshot.Name
	members  []string
	manifest *manifest.Manifest
	roots    []snapshot.Slot
	// storages has the records by the slot in the member's name.
	storages map[snapshot.Slot][]Account
	sizes    map[string]int64
}

// unpack reads an archive in dir to its last byte.
func unpack(t testing.TB, dir string, name snapshot.Name) *unpacked {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, name.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return unpackFrom(t, file, name)
}

// inMemory is the archive of that name, but for its hash, that never was a file.
func inMemory(t testing.TB, b *Bank, name snapshot.Name, p Packing) *unpacked {
	t.Helper()
	a, err := b.archive(name, p)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := a.pack(&archive); err != nil {
		t.Fatal(err)
	}
	return unpackFrom(t, &archive, a.name)
}

func fullName(slot snapshot.Slot) snapshot.Name {
	return snapshot.Name{Kind: snapshot.Full, Slot: slot}
}

func incrementalName(base, slot snapshot.Slot) snapshot.Name {
	return snapshot.Name{Kind: snapshot.Incremental, Base: base, Slot: slot}
}

func unpackFrom(t testing.TB, r io.Reader, name snapshot.Name) *unpacked {
	t.Helper()
	u := &unpacked{name: name, storages: map[snapshot.Slot][]Account{}, sizes: map[string]int64{}}
	stream := plainStream(t, r, name.Format)
	for members := tar.NewReader(stream); ; {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(members)
		if err != nil {
			t.Fatal(err)
		}
		u.add(t, header, content)
	}
	if rest, err := io.ReadAll(stream); err != nil || len(bytes.Trim(rest, "\x00")) > 0 {
		t.Errorf("after the members come %d bytes, %v, want zeros", len(rest), err)
	}
	return u
}

func plainStream(t testing.TB, r io.Reader, format snapshot.Format) io.Reader {
	t.Helper()
	if format == snapshot.FormatLZ4 {
		return lz4.NewReader(r)
	}
	frames, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(frames.Close)
	return frames
}

func (u *unpacked) add(t testing.TB, h *tar.Header, content []byte) {
	t.Helper()
	u.members = append(u.members, h.Name)
	u.sizes[h.Name] = h.Size
	var slot, id uint64
	switch _, err := fmt.Sscanf(h.Name, "accounts/%d.%d", &slot, &id); {
	case err == nil:
		u.storages[snapshot.Slot(slot)] = append(u.storages[snapshot.Slot(slot)], plainRecords(t, content)...)
	case h.Name == "version":
		if string(content) != "1.2.0" {
			t.Errorf("version is %q", content)
		}
	case h.Name == "snapshots/status_cache":
		u.roots = plainRoots(t, content)
	case h.Typeflag == tar.TypeReg && strings.HasPrefix(h.Name, "snapshots/"):
		u.decode(t, content)
	case h.Typeflag != tar.TypeDir:
		t.Errorf("unexpected member %q", h.Name)
	}
}

func (u *unpacked) decode(t testing.TB, content []byte) {
	t.Helper()
	var err error
	u.manifest, err = manifest.Decoder{Whole: true}.Decode(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if u.manifest.Trailing > 0 || u.manifest.Legacy {
		t.Errorf("the manifest has %d bytes that no field explains", u.manifest.Trailing)
	}
}

// plainRecords walks a storage by the rules of Agave's reader, and demands the
// zeros that a writer of today leaves.
func plainRecords(t testing.TB, b []byte) (accounts []Account) {
	t.Helper()
	for len(b) > 0 {
		if len(b) < 136 {
			t.Fatalf("%d bytes left over after the last record", len(b))
		}
		size := 136 + int(binary.LittleEndian.Uint64(b[8:]))
		aligned := (size + 7) / 8 * 8
		zeros := bytes.Join([][]byte{b[:8], b[97:136], b[size:aligned]}, nil)
		if len(bytes.Trim(zeros, "\x00")) > 0 || b[96] > 1 {
			t.Fatalf("bad record header %x", b[:136])
		}
		accounts = append(accounts, Account{manifest.Pubkey(b[16:48]), manifest.Account{
			Lamports:   binary.LittleEndian.Uint64(b[48:]),
			RentEpoch:  binary.LittleEndian.Uint64(b[56:]),
			Owner:      manifest.Pubkey(b[64:96]),
			Executable: b[96] == 1,
			Data:       bytes.Clone(b[136:size]),
		}})
		b = b[aligned:]
	}
	return accounts
}

// plainRoots reads a status cache without results.
func plainRoots(t testing.TB, b []byte) (roots []snapshot.Slot) {
	t.Helper()
	n := binary.LittleEndian.Uint64(b)
	if uint64(len(b)) != 8+17*n {
		t.Fatalf("status cache has %d bytes for %d roots", len(b), n)
	}
	for b = b[8:]; len(b) > 0; b = b[17:] {
		if b[8] != 1 || binary.LittleEndian.Uint64(b[9:]) != 0 {
			t.Fatalf("bad slot delta %x", b[:17])
		}
		roots = append(roots, snapshot.Slot(binary.LittleEndian.Uint64(b)))
	}
	return roots
}

// liveAccounts are those that exist after the archives, of which a later one's
// records hide an earlier one's.
func liveAccounts(archives ...*unpacked) map[manifest.Pubkey]Account {
	live, written := map[manifest.Pubkey]Account{}, map[manifest.Pubkey]snapshot.Slot{}
	for _, u := range archives {
		for slot, accounts := range u.storages {
			for _, a := range accounts {
				if before, ok := written[a.Pubkey]; ok && before > slot {
					continue
				}
				written[a.Pubkey], live[a.Pubkey] = slot, a
			}
		}
	}
	for key, a := range live {
		if a.Lamports == 0 {
			delete(live, key)
		}
	}
	return live
}

// checkProof recomputes what an archive says of its accounts, alone or over its
// full one, and what the manifest says of itself.
func checkProof(t testing.TB, live map[manifest.Pubkey]Account, u *unpacked) {
	t.Helper()
	var sum lthash.Hash
	var lamports, dataLen uint64
	for _, a := range live {
		of := lthash.Of(&lthash.Account{Lamports: a.Lamports, Data: a.Data, Executable: a.Executable, Owner: a.Owner, Pubkey: a.Pubkey})
		sum.Add(&of)
		lamports += a.Lamports
		dataLen += uint64(len(a.Data))
	}
	m := u.manifest
	if hash := snapshot.Hash(sum.Checksum()); hash != u.name.Hash || sum.Bytes() != *m.Extra.AccountsLtHash {
		t.Errorf("%s: checksum of the accounts is %s", u.name, hash)
	}
	if m.Bank.Capitalization != lamports || m.Bank.AccountsDataLen != dataLen {
		t.Errorf("%s: capitalization %d and data length %d, accounts have %d and %d",
			u.name, m.Bank.Capitalization, m.Bank.AccountsDataLen, lamports, dataLen)
	}
	if hash, err := m.BankHash(); err != nil || hash != m.Bank.Hash || hash.IsZero() {
		t.Errorf("%s: bank hash is %s, its fields make %s, %v", u.name, m.Bank.Hash, hash, err)
	}
	if m.Bank.Slot != u.name.Slot || m.AccountsDB.Slot != u.name.Slot {
		t.Errorf("%s: the manifest is of slot %d", u.name, m.Bank.Slot)
	}
}

// checkRows compares the manifest's storages with the members.
func checkRows(t testing.TB, u *unpacked) {
	t.Helper()
	members := 0
	for _, name := range u.members {
		if strings.HasPrefix(name, "accounts/") {
			members++
		}
	}
	if rows := u.manifest.AccountsDB.Storages; len(rows) != members {
		t.Errorf("%s: %d rows for %d storages", u.name, len(rows), members)
	}
	for _, row := range u.manifest.AccountsDB.Storages {
		if member := fmt.Sprintf("accounts/%d.%d", row.Slot, row.ID); u.sizes[member] != int64(row.Len) {
			t.Errorf("%s: row %s has %d bytes, the member %d", u.name, member, row.Len, u.sizes[member])
		}
	}
}
