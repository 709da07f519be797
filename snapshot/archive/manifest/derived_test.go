package manifest

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"solsnap/snapshot"
)

func TestSlotDuration(t *testing.T) {
	for name, tt := range map[string]struct {
		ns   Uint128
		want time.Duration
		ok   bool
		text string
	}{
		"400 ms":         {Uint128{0, 400_000_000}, 400 * time.Millisecond, true, "400000000"},
		"300 ms":         {Uint128{0, 300_000_000}, 300 * time.Millisecond, true, "300000000"},
		"zero":           {Uint128{}, 0, false, "0"},
		"longest":        {Uint128{0, math.MaxInt64}, math.MaxInt64, true, "9223372036854775807"},
		"longer":         {Uint128{0, 1 << 63}, 0, false, "9223372036854775808"},
		"beyond 64 bits": {Uint128{1, 400_000_000}, 0, false, "18446744074109551616"},
		"largest":        {Uint128{math.MaxUint64, math.MaxUint64}, 0, false, "340282366920938463463374607431768211455"},
	} {
		t.Run(name, func(t *testing.T) {
			m := Manifest{Bank: Bank{NanosPerSlot: tt.ns}}
			got, ok := m.SlotDuration()
			check(t, "ok", ok, tt.ok)
			check(t, "duration", got, tt.want)
			check(t, "text", tt.ns.String(), tt.text)
		})
	}
}

// TestBlockhashAge has a young chain, whose genesis hash is still in the queue.
func TestBlockhashAge(t *testing.T) {
	q := &decode(t, fixture(t, fullV1)).Bank.BlockhashQueue
	for name, tt := range map[string]struct {
		hash snapshot.Hash
		age  uint64
		ok   bool
	}{
		"last":    {parseHash(t, "9cfBkPsoQ2NPHYPi7b69bcQG8FKfNc33k2UfRxiPFyd9"), 0, true},
		"genesis": {parseHash(t, "8e8HsAXGpV5fNBf1c3AancsRjt1F7GKFZGziNMhiQoBR"), 2, true},
		"unknown": {snapshot.Hash{1}, 0, false},
	} {
		age, ok := q.Age(tt.hash)
		check(t, name+" is known", ok, tt.ok)
		check(t, "age of "+name, age, tt.age)
	}
	future := BlockhashQueue{LastHashIndex: 5, Hashes: []Blockhash{{HashIndex: 6}}}
	_, ok := future.Age(snapshot.Hash{})
	check(t, "one from the future is known", ok, false)
}

func TestTotalStake(t *testing.T) {
	s := stakesOf(1, 5, 7)
	check(t, "sum", s.Stakes.TotalStake(), 12)
	s = stakesOf(1, math.MaxUint64, 1)
	check(t, "largest", s.Stakes.TotalStake(), math.MaxUint64)
}

func TestVoteAccountOf(t *testing.T) {
	s := stakesOf(1, 5, 7)
	found, ok := s.Stakes.VoteAccount(Pubkey{2})
	check(t, "found", ok && found.Stake == 7, true)
	_, ok = s.Stakes.VoteAccount(Pubkey{3})
	check(t, "found another", ok, false)
}

// TestPubkeyText: a key is printed as a hash is, in JSON too.
func TestPubkeyText(t *testing.T) {
	const text = `"Vote111111111111111111111111111111111111111"`
	var key Pubkey
	if err := json.Unmarshal([]byte(text), &key); err != nil {
		t.Fatal(err)
	}
	printed, err := json.Marshal(key)
	check(t, "error", err, nil)
	check(t, "text", string(printed), text)
	check(t, "zero", key.IsZero(), false)
	check(t, "system program", Pubkey{}.String(), "11111111111111111111111111111111")
	if err := json.Unmarshal([]byte(`"Vote"`), &key); err == nil {
		t.Error("took a key that is too short")
	}
}
