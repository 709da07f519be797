package manifest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"solsnap/snapshot"
)

func TestStatusCacheFixtures(t *testing.T) {
	for name, want := range map[string]StatusCache{
		"sig-v1/extracted/status_cache-1.bin": {Slots: []SlotDelta{
			{Slot: 0, Blockhashes: 1, Results: 6},
			{Slot: 1, Blockhashes: 1, Results: 6},
		}},
		"sig-v2/extracted/status_cache.bin": {Slots: []SlotDelta{
			{Slot: 100, Blockhashes: 1, Results: 2, Errors: 1},
			{Slot: 99, Blockhashes: 1, Results: 2, Errors: 1},
			{Slot: 0, Blockhashes: 1, Results: 2, Errors: 1},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := fixture(t, name)
			got, err := DecodeStatusCache(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			check(t, "Check", got.Check(100), nil)
		})
	}
}

// TestStatusCacheAgreesWithItsTwin holds the counts against the decoded twin of
// the fixture.
func TestStatusCacheAgreesWithItsTwin(t *testing.T) {
	var twin struct {
		StatusCache struct {
			SlotDeltas []struct {
				Slot    snapshot.Slot
				Buckets []struct {
					Entries []struct{ Result struct{ Type string } }
				}
			} `json:"slot_deltas"`
		} `json:"status_cache"`
	}
	if err := json.Unmarshal(fixture(t, twinV2), &twin); err != nil {
		t.Fatal(err)
	}
	want := new(StatusCache)
	for _, delta := range twin.StatusCache.SlotDeltas {
		d := SlotDelta{Slot: delta.Slot, Blockhashes: uint64(len(delta.Buckets))}
		for _, bucket := range delta.Buckets {
			d.Results += uint64(len(bucket.Entries))
			for _, entry := range bucket.Entries {
				if entry.Result.Type != "Ok" {
					d.Errors++
				}
			}
		}
		want.Slots = append(want.Slots, d)
	}
	b := fixture(t, "sig-v2/extracted/status_cache.bin")
	got, err := DecodeStatusCache(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// statusBytes makes a status cache of one blockhash in one slot.
type statusBytes struct {
	root      byte
	keyOffset uint64
	results   [][]byte
}

func (s statusBytes) encode() []byte {
	b := le64(nil, 1, 7)
	b = append(b, s.root)
	b = le64(b, 1)
	b = append(b, make([]byte, 32)...)
	b = le64(b, s.keyOffset, uint64(len(s.results)))
	for _, result := range s.results {
		b = append(append(b, make([]byte, keySlice)...), result...)
	}
	return b
}

func le64(b []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

func le32(numbers ...uint32) (b []byte) {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

func TestStatusCacheResults(t *testing.T) {
	instruction := append(le32(1, 8), 3) // Err, InstructionError, of instruction 3
	for name, tt := range map[string]struct {
		bytes []byte
		want  string // a part of the error; "" for none
	}{
		"success":                  {statusBytes{1, 44, [][]byte{le32(0)}}.encode(), ""},
		"account in use":           {statusBytes{1, 0, [][]byte{le32(1, 0)}}.encode(), ""},
		"last transaction error":   {statusBytes{1, 0, [][]byte{le32(1, 38)}}.encode(), ""},
		"duplicate instruction":    {statusBytes{1, 0, [][]byte{append(le32(1, 30), 9)}}.encode(), ""},
		"insufficient for rent":    {statusBytes{1, 0, [][]byte{append(le32(1, 31), 9)}}.encode(), ""},
		"restricted":               {statusBytes{1, 0, [][]byte{append(le32(1, 35), 9)}}.encode(), ""},
		"generic instruction":      {statusBytes{1, 0, [][]byte{append(instruction[:9:9], le32(0)...)}}.encode(), ""},
		"custom instruction":       {statusBytes{1, 0, [][]byte{append(instruction[:9:9], le32(25, 6000)...)}}.encode(), ""},
		"borsh instruction":        {statusBytes{1, 0, [][]byte{append(append(instruction[:9:9], le32(44, 2, 0)...), "no"...)}}.encode(), ""},
		"last instruction error":   {statusBytes{1, 0, [][]byte{append(instruction[:9:9], le32(53)...)}}.encode(), ""},
		"neither ok nor error":     {statusBytes{1, 0, [][]byte{le32(2)}}.encode(), "slot_deltas[0].blockhashes[0].results[0].result at offset 93: variant 2, want at most 1"},
		"unknown transaction":      {statusBytes{1, 0, [][]byte{le32(1, 39)}}.encode(), "transaction_error at offset 97: variant 39, want at most 38"},
		"unknown instruction":      {statusBytes{1, 0, [][]byte{append(instruction[:9:9], le32(54)...)}}.encode(), "instruction_error at offset 102: variant 54, want at most 53"},
		"borsh beyond the end":     {statusBytes{1, 0, [][]byte{append(instruction[:9:9], le32(44, 1, 0)...)}}.encode(), "borsh_io_error at offset 106"},
		"no root":                  {statusBytes{0, 0, nil}.encode(), "slot 7 is no root"},
		"root neither yes nor no":  {statusBytes{2, 0, nil}.encode(), "is_root at offset 16: tag 2, want 0 or 1"},
		"slice beyond a signature": {statusBytes{1, 45, nil}.encode(), "45, want at most 44"},
		"empty":                    {le64(nil, 0), ""},
		"nothing":                  {nil, "0 bytes left, want 8"},
		"huge count":               {append(le64(nil, 1<<60), 1), "1 bytes left"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := DecodeStatusCache(bytes.NewReader(tt.bytes), int64(len(tt.bytes)))
			checkError(t, err, tt.want)
			if err == nil {
				check(t, "trailing", s.Trailing, 0)
			}
		})
	}
}

// checkError checks for an error with a part, or for none when the part is "".
func checkError(t *testing.T, err error, part string) {
	t.Helper()
	switch {
	case part == "" && err != nil:
		t.Errorf("got error %q, want none", err)
	case part != "" && err == nil:
		t.Errorf("got no error, want one with %q", part)
	case part != "" && !strings.Contains(err.Error(), part):
		t.Errorf("got error %q, want one with %q", err, part)
	}
}

func TestStatusCacheIsBounded(t *testing.T) {
	many := func(n int) []byte {
		b := le64(nil, uint64(n))
		for i := range n {
			b = le64(append(le64(b, uint64(i)), 1), 0)
		}
		return b
	}
	for n, want := range map[int]string{maxSlotDeltas: "", maxSlotDeltas + 1: "slot_deltas[300].slot at offset 5108: slot delta 301, want at most 300"} {
		b := many(n)
		_, err := DecodeStatusCache(bytes.NewReader(b), int64(len(b)))
		checkError(t, err, want)
	}
	_, err := DecodeStatusCache(bytes.NewReader(nil), -1)
	checkError(t, err, "size -1")
}

func TestStatusCacheCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		slots []SlotDelta
		want  string
	}{
		"good":       {[]SlotDelta{{Slot: 9}, {Slot: 10}}, ""},
		"none":       {nil, ""},
		"above bank": {[]SlotDelta{{Slot: 11}}, "slot 11, above the bank's 10"},
		"twice":      {[]SlotDelta{{Slot: 9}, {Slot: 9}}, "slot 9 twice"},
	} {
		t.Run(name, func(t *testing.T) {
			s := StatusCache{Slots: tt.slots}
			checkError(t, s.Check(10), tt.want)
		})
	}
}

// TestStatusCacheCutAnywhere cuts a file short, once with its new size known
// and once not.
func TestStatusCacheCutAnywhere(t *testing.T) {
	whole := statusBytes{1, 2, [][]byte{le32(0), append(append(le32(1, 8), 3), le32(25, 9)...)}}.encode()
	for n := range whole {
		if _, err := DecodeStatusCache(bytes.NewReader(whole[:n]), int64(n)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the first %d bytes of %d: %v, want unexpected EOF", n, len(whole), err)
		}
		if _, err := DecodeStatusCache(bytes.NewReader(whole[:n]), int64(len(whole))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the first %d bytes as %d: %v, want unexpected EOF", n, len(whole), err)
		}
	}
	got, err := DecodeStatusCache(bytes.NewReader(append(whole, 1, 2, 3)), int64(len(whole))+3)
	if err != nil || got.Trailing != 3 {
		t.Errorf("with 3 bytes more: %v, %v, want 3 trailing", got, err)
	}
}

func FuzzDecodeStatusCache(f *testing.F) {
	f.Add(le64(nil, 0))
	f.Add(statusBytes{1, 2, [][]byte{le32(0), append(append(le32(1, 8), 3), le32(25, 9)...)}}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeStatusCache(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		var results uint64
		for _, delta := range s.Slots {
			results += delta.Results
		}
		if used := int64(len(b)) - s.Trailing; results*(keySlice+4) > uint64(used) {
			t.Errorf("%d results in %d bytes", results, used)
		}
	})
}
