package lthash

import (
	"archive/tar"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/mr-tron/base58"
)

const fixtures = "../../../../shared/fixtures/snapshots"

// fixture opens a file of the collection that is kept beside the repository,
// and skips the test where there is none.
func fixture(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(fixtures, name))
	if os.IsNotExist(err) {
		t.Skipf("no fixture %s beside the repository", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// vector is an entry of vectors/lthash.json.
type vector struct {
	Name       string
	Pubkey     string
	Owner      string
	Lamports   uint64
	Executable int
	DataLen    int    `json:"data_len"`
	DataHex    string `json:"data_hex"` // left out where long
	InputHex   string `json:"input_hex"`
	First32    string `json:"lthash_first32_hex"`
	Last32     string `json:"lthash_last32_hex"`
	Whole      string `json:"lthash_hex"` // for some
	Checksum   string `json:"checksum_hex"`
	From       string // the archive that has the account
}

func vectors(t *testing.T) []vector {
	t.Helper()
	var all []vector
	if err := json.NewDecoder(fixture(t, "vectors/lthash.json")).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// check compares a hash with all that the vector says of it.
func (v vector) check(t *testing.T, got Hash) {
	t.Helper()
	b, sum := got.Bytes(), got.Checksum()
	for what, pair := range map[string][2]string{
		"first 32 bytes": {hex.EncodeToString(b[:32]), v.First32},
		"last 32 bytes":  {hex.EncodeToString(b[Size-32:]), v.Last32},
		"checksum":       {hex.EncodeToString(sum[:]), v.Checksum},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s %s: %s is %s, want %s", v.Name, v.Pubkey, what, pair[0], pair[1])
		}
	}
	if v.Whole != "" && hex.EncodeToString(b[:]) != v.Whole {
		t.Errorf("%s %s: bytes differ between the first and the last 32", v.Name, v.Pubkey)
	}
}

// account is the vector's account, if its data is there.
func (v vector) account(t *testing.T) (Account, bool) {
	t.Helper()
	a := Account{Lamports: v.Lamports, Executable: v.Executable == 1, Data: unhex(t, v.DataHex)}
	if v.Name != "account" || len(a.Data) != v.DataLen {
		return Account{}, false
	}
	a.Owner, a.Pubkey = key(t, v.Owner), key(t, v.Pubkey)
	return a, true
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func key(t *testing.T, s string) [32]byte {
	t.Helper()
	b, err := base58.Decode(s)
	if err != nil || len(b) != 32 {
		t.Fatalf("%q is no key: %v", s, err)
	}
	return [32]byte(b)
}

// record is an account as a storage of a slot has it.
type record struct {
	slot uint64
	Account
}

// records reads the accounts of an archive, in its order, replaced ones too.
func records(t *testing.T, archive string) []record {
	t.Helper()
	z, err := zstd.NewReader(fixture(t, archive))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var all []record
	for members := tar.NewReader(z); ; {
		member, err := members.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		slot, _, ok := strings.Cut(path.Base(member.Name), ".")
		if path.Dir(path.Clean(member.Name)) != "accounts" || !ok {
			continue
		}
		storage, err := io.ReadAll(members)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, storageRecords(t, slot, storage)...)
	}
}

// storageRecords reads an account storage: 136-byte headers, data, padding to 8.
func storageRecords(t *testing.T, slot string, b []byte) []record {
	t.Helper()
	n, err := strconv.ParseUint(slot, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	var all []record
	for len(b) >= 136 {
		size := int(binary.LittleEndian.Uint64(b[8:]))
		r := record{slot: n, Account: Account{
			Pubkey:     [32]byte(b[16:]),
			Lamports:   binary.LittleEndian.Uint64(b[48:]),
			Owner:      [32]byte(b[64:]),
			Executable: b[96] == 1,
			Data:       b[136:][:size],
		}}
		all = append(all, r)
		b = b[min(len(b), (136+size+7)&^7):]
	}
	return all
}
