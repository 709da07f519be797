package manifest

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"solsnap/snapshot"
)

// boundaries are the sizes at which made may end, by its Tail then.
func boundaries(t *testing.T, m *Manifest) map[int64]Tail {
	t.Helper()
	ends := make(map[int64]Tail)
	unset := []func(e *Extra){
		TailBlockID:                func(e *Extra) { e.BlockID = nil },
		TailAccountsLtHash:         func(e *Extra) { e.AccountsLtHash = nil },
		TailEpochStakes:            func(e *Extra) { e.EpochStakes = nil },
		TailEpochAccountsHash:      func(e *Extra) { e.EpochAccountsHash = nil },
		TailIncrementalPersistence: func(e *Extra) { e.IncrementalPersistence = nil },
		TailLamportsPerSignature:   func(e *Extra) { e.LamportsPerSignature = 0 },
	}
	cut := *m
	for ; cut.Tail >= TailNone; cut.Tail-- {
		if above := int(cut.Tail) + 1; above < len(unset) && unset[above] != nil {
			unset[above](&cut.Extra)
		}
		size, err := cut.Size()
		if err != nil {
			t.Fatal(err)
		}
		ends[size] = cut.Tail
	}
	return ends
}

// TestDecodeCutAnywhere cuts manifests short at every offset: only at the end of
// a field of the tail is there a manifest. A stream that breaks off never is.
func TestDecodeCutAnywhere(t *testing.T) {
	for name, whole := range map[string]func(*testing.T) []byte{
		"made": func(t *testing.T) []byte { return encode(t, made()) },
		fullV1: func(t *testing.T) []byte { return fixture(t, fullV1) },
		fullV2: func(t *testing.T) []byte { return fixture(t, fullV2) },
	} {
		t.Run(name, func(t *testing.T) {
			b := whole(t)
			ends := boundaries(t, decodeWhole(t, b))
			for n := range b {
				m, err := Decode(bytes.NewReader(b[:n]), int64(n))
				tail, ends := ends[int64(n)]
				switch {
				case ends && err != nil:
					t.Errorf("%d bytes, the end of tail field %d: %v", n, tail, err)
				case ends && (m.Tail != tail || m.Trailing != 0):
					t.Errorf("%d bytes end with field %d and %d trailing, want field %d", n, m.Tail, m.Trailing, tail)
				case !ends && !errors.Is(err, io.ErrUnexpectedEOF):
					t.Errorf("%d bytes: %v, want unexpected EOF", n, err)
				}
				if _, err := Decode(bytes.NewReader(b[:n]), int64(len(b))); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("stream of %d bytes: %v, want unexpected EOF", n, err)
				}
			}
		})
	}
}

// TestWorkedOffsets cuts the manifest of slot 1 before fields whose offsets are
// known from elsewhere. The error must say which field is missing and where.
func TestWorkedOffsets(t *testing.T) {
	b := fixture(t, fullV1)
	for offset, field := range map[int64]string{
		0: "blockhash_queue.last_hash_index", 8: "blockhash_queue.last_hash", 9: "blockhash_queue.last_hash",
		41: "blockhash_queue.hashes", 217: "blockhash_queue.max_age", 225: "ancestors",
		265: "hash", 297: "parent_hash", 329: "parent_slot", 337: "hard_forks", 361: "signature_count",
		369: "capitalization", 385: "hashes_per_tick", 394: "ns_per_slot", 434: "slot", 442: "epoch",
		450: "block_height", 458: "leader_id", 547: "rent_collector.epoch", 613: "epoch_schedule.slots_per_epoch",
		646: "inflation.initial", 694: "stakes.vote_accounts", 766: "is_delta", 767: "storages", 839: "write_version",
		919: "bank_hash_info.num_updated_accounts",
	} {
		at := new(DecodeError)
		if err := decodeError(Decoder{}, b[:offset]); !errors.As(err, &at) {
			t.Errorf("cut at %d: %v, want a *DecodeError", offset, err)
		} else if at.Field != field || at.Offset != offset {
			t.Errorf("cut at %d: %v, want field %s", offset, err, field)
		}
	}
	ends := boundaries(t, decode(t, b))
	check(t, "field that ends at 983", ends[983], TailLamportsPerSignature)
	check(t, "field that ends at 984", ends[984], TailIncrementalPersistence)
	check(t, "field that ends at 985", ends[985], TailEpochAccountsHash)
	check(t, "field that ends at 1145", ends[1145], TailEpochStakes)
}

// TestFlippedBytes flips each byte. What still decodes says so in the same bytes.
func TestFlippedBytes(t *testing.T) {
	whole := encode(t, made())
	for _, flip := range []byte{0x01, 0xff} {
		for i := range whole {
			whole[i] ^= flip
			checkCanonical(t, whole)
			whole[i] ^= flip
		}
	}
}

// checkCanonical decodes b in both ways. There is one encoding of each manifest,
// so where it decodes whole it must encode to the same bytes.
func checkCanonical(t *testing.T, b []byte) {
	t.Helper()
	m, err := Decoder{Whole: true}.Decode(bytes.NewReader(b), int64(len(b)))
	if lean := decodeError(Decoder{}, b); (err == nil) != (lean == nil) {
		t.Fatalf("whole: %v, but in part: %v", err, lean)
	}
	if err != nil {
		return
	}
	derivations(m)
	if m.Legacy || m.Partial {
		return
	}
	used := b[:int64(len(b))-m.Trailing]
	m.Trailing = 0
	if !bytes.Equal(encode(t, m), used) {
		t.Error("encoded again it is not the same")
	}
}

// derivations asks everything there is to ask, to see that nothing panics.
func derivations(m *Manifest) {
	m.Epoch()
	_, _ = m.SlotDuration()
	_, _ = m.BankHash()
	m.ShredVersion(snapshot.Hash{})
	_ = m.Bank.NanosPerSlot.String()
	_, _ = m.LeaderSchedule(m.Bank.EpochSchedule.LeaderScheduleEpoch(m.Bank.Slot))
	m.Bank.EpochSchedule.FirstSlot(m.Bank.Epoch)
	for i := range m.Bank.Stakes.VoteAccounts {
		_, _ = m.Bank.Stakes.VoteAccounts[i].State()
	}
}

func FuzzDecode(f *testing.F) {
	whole := encode(f, made())
	f.Add(whole)
	f.Add(encode(f, &Manifest{}))
	f.Add(encode(f, &Manifest{Tail: TailBlockID}))
	f.Add(whole[:len(whole)-33])
	f.Fuzz(func(t *testing.T, b []byte) { checkCanonical(t, b) })
}
