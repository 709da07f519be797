package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeRefuses(t *testing.T) {
	isDelta := locate(t, func(m *Manifest) { m.Bank.IsDelta = false })
	lastHash := locate(t, func(m *Manifest) { m.Bank.BlockhashQueue.LastHash = nil })
	blockID := locate(t, func(m *Manifest) { m.Extra.BlockID = nil })
	storage := locate(t, func(m *Manifest) { m.AccountsDB.Storages[0].Slot = 99 })
	epoch := locate(t, func(m *Manifest) { m.Extra.EpochStakes[0].Epoch = 1 })
	for name, tt := range map[string]struct {
		bytes []byte
		want  string
	}{
		"bool":               {patched(t, isDelta, 2), fmt.Sprintf("field is_delta at offset %d: tag 2, want 0 or 1", isDelta)},
		"option":             {patched(t, lastHash, 0xff), fmt.Sprintf("field blockhash_queue.last_hash at offset %d: tag 255, want 0 or 1", lastHash)},
		"option in the tail": {patched(t, blockID, 2), "field block_id"},
		"variant":            {patched(t, epoch+8, 1), "field versioned_epoch_stakes[0].variant"},
		"no storage in slot": {patched(t, storage+8, 0), fmt.Sprintf("field storages[0].len at offset %d: 0, want 1", storage+8)},
		"two in slot":        {patched(t, storage+8, 2), "2, want 1"},
		"storage after bank": {patched(t, storage, 101), "field storages[0].slot"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, whole := range []bool{false, true} {
				_, err := Decoder{Whole: whole}.Decode(bytes.NewReader(tt.bytes), int64(len(tt.bytes)))
				checkError(t, err, tt.want)
				if at := new(DecodeError); !errors.As(err, &at) {
					t.Errorf("got %v, want a *DecodeError", err)
				}
			}
		})
	}
}

func decodeError(d Decoder, b []byte) error {
	_, err := d.Decode(bytes.NewReader(b), int64(len(b)))
	return err
}

func TestDecodeSizes(t *testing.T) {
	whole := encode(t, made())
	for name, tt := range map[string]struct {
		size int64
		want string
	}{
		"negative": {-1, "size -1"},
		"too much": {MaxSize + 1, "size 34359738369"},
		"nothing":  {0, "field blockhash_queue.last_hash_index at offset 0"},
		"a lie":    {MaxSize, ""}, // but trailing bytes are not read
		"exact":    {int64(len(whole)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Decode(bytes.NewReader(whole), tt.size)
			checkError(t, err, tt.want)
			if err == nil {
				check(t, "trailing", m.Trailing, tt.size-int64(len(whole)))
			}
		})
	}
}

// TestDecodeLeavesTheRest: in a tar stream other members follow.
func TestDecodeLeavesTheRest(t *testing.T) {
	m := made()
	m.AccountsDB.Storages = make([]Storage, 10_000) // more than a window
	whole := encode(t, m)
	stream := bytes.NewReader(append(whole, "next member"...))
	if _, err := Decode(stream, int64(len(whole))); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stream)
	check(t, "rest", string(rest), "next member")
}

func TestDecodeReportsTheReader(t *testing.T) {
	whole := encode(t, made())
	broken := errors.New("connection reset")
	r := io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), iotest.ErrReader(broken))
	if _, err := Decode(r, int64(len(whole))); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// TestDecodeFromAnyReader has readers that give little, or their error early.
func TestDecodeFromAnyReader(t *testing.T) {
	whole := encode(t, made())
	want := decodeWhole(t, whole)
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"one byte": iotest.OneByteReader, "half": iotest.HalfReader, "data and EOF": iotest.DataErrReader,
	} {
		got, err := Decoder{Whole: true}.Decode(wrap(bytes.NewReader(whole)), int64(len(whole)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func TestTrailingBytes(t *testing.T) {
	m := decode(t, append(encode(t, made()), 1, 2, 3))
	check(t, "trailing", m.Trailing, 3)
	check(t, "tail", m.Tail, TailBlockID)
	m = decodeWhole(t, append(encode(t, made()), 1, 2, 3))
	checkError(t, m.Encode(io.Discard), "3 bytes")
}

// TestLegacy has epoch stakes where Agave up to 2.1 had them, in bank field 31.
func TestLegacy(t *testing.T) {
	field31 := locate(t, func(m *Manifest) { m.Bank.IsDelta = false }) - 8
	whole := spliced(t, field31, 1, make([]byte, 72))
	m := decode(t, whole)
	check(t, "legacy", m.Legacy, true)
	check(t, "trailing", m.Trailing, int64(len(whole)-field31-8))
	check(t, "bank hash", m.Bank.Hash, made().Bank.Hash)
	check(t, "capitalization", m.Bank.Capitalization, made().Bank.Capitalization)
	check(t, "vote accounts", len(m.Bank.Stakes.VoteAccounts), 2)
	check(t, "storages", len(m.AccountsDB.Storages), 0)
	_, err := m.BankHash()
	check(t, "BankHash error", err, ErrNotVerifiable)
	checkError(t, m.Encode(io.Discard), "legacy")
	checkError(t, decodeError(Decoder{}, spliced(t, field31, 1<<40, nil)), "field unused_epoch_stakes")
	checkError(t, decodeError(Decoder{}, whole[:field31+8+72]), "")
	checkError(t, decodeError(Decoder{}, whole[:field31+8+71]), "field unused_epoch_stakes")
}

// TestObsoleteCollections are skipped, and then the manifest is not all there is.
func TestObsoleteCollections(t *testing.T) {
	accounts := locate(t, func(m *Manifest) { m.Bank.IsDelta = false }) - 32
	roots := locate(t, func(m *Manifest) { m.Extra.LamportsPerSignature = 1 }) - 16
	for name, tt := range map[string]struct{ at, element int }{
		"unused accounts 0": {accounts, 32}, "unused accounts 1": {accounts + 8, 32}, "unused accounts 2": {accounts + 16, 40},
		"historical roots": {roots, 8}, "historical roots with hash": {roots + 8, 40},
	} {
		t.Run(name, func(t *testing.T) {
			m := decodeWhole(t, spliced(t, tt.at, 3, make([]byte, 3*tt.element)))
			check(t, "partial", m.Partial, true)
			check(t, "tail", m.Tail, TailBlockID)
			check(t, "block id", *m.Extra.BlockID, *made().Extra.BlockID)
			checkError(t, decodeError(Decoder{}, spliced(t, tt.at, math.MaxUint64, nil)), "18446744073709551615 elements")
		})
	}
}

func TestDecodeErrorText(t *testing.T) {
	err := decodeError(Decoder{}, encode(t, made())[:4])
	want := "decode manifest: field blockhash_queue.last_hash_index at offset 0: unexpected EOF: 4 bytes left, want 8"
	if err == nil || strings.TrimSpace(err.Error()) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
