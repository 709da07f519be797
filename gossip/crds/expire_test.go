package crds

import (
	"math"
	"testing"

	"solsnap/gossip/wire"
)

// TestExpire has the rules of expiry, of values inserted at now with a timeout of
// 15 s.
func TestExpire(t *testing.T) {
	const timeout = 15_000
	for name, tt := range map[string]struct {
		key   byte
		info  uint64 // wallclock of a ContactInfo; 0 for none
		touch uint64
		value uint64 // wallclock
		at    uint64
		want  bool // that the value stays
	}{
		"in time":                                   {key: 1, value: now, at: now + timeout - 1, want: true},
		"in time no more":                           {key: 1, value: now, at: now + timeout},
		"old when it came":                          {key: 1, value: now - 1000, at: now + timeout - 1000},
		"from the future, by when it came":          {key: 1, value: now + 10_000, at: now + timeout},
		"old, of fresh contact info":                {key: 1, info: now, value: now - 100_000, at: now + timeout - 1, want: true},
		"old, of old contact info":                  {key: 1, info: now, value: now - 100_000, at: now + timeout},
		"young, of older contact info":              {key: 1, info: now - 10_000, value: now, at: now + timeout - 1, want: true},
		"touched, without contact info":             {key: 1, value: now + 5000, touch: now + 5000, at: now + timeout, want: true},
		"touched, by contact info from the future":  {key: 1, info: now + 5000, value: now, touch: now + 5000, at: now + timeout, want: true},
		"touched, but contact info is no younger":   {key: 1, info: now, value: now, touch: now + 5000, at: now + timeout},
		"of self, ever":                             {key: 0, value: 1, at: now + 1_000_000_000, want: true},
		"before the clock has run for as long, yet": {key: 1, value: 1, at: timeout - 1, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			table, v := NewTable(self, Limits{}), snapshots(t, tt.key, tt.value)
			if tt.info != 0 {
				table.Insert(contact(t, tt.key, 1, tt.info), Pushed, now)
			}
			table.Insert(v, Pushed, now)
			table.Touch(node(tt.key), tt.touch)
			table.Expire(tt.at, constant(timeout))
			holds(t, table, v, tt.want)
			check(t, "purged", table.known(v.Hash()), !tt.want)
			check(t, "has origin", table.Has(node(tt.key)), tt.want)
		})
	}
}

// TestExpireAsksForEachOrigin, and knows that forever is long.
func TestExpireAsksForEachOrigin(t *testing.T) {
	table, staked, other := NewTable(self, Limits{}), snapshots(t, 1, now), snapshots(t, 2, now)
	table.Insert(staked, Pushed, now)
	table.Insert(other, Pushed, now)
	table.Expire(now+1_000_000, func(origin wire.Pubkey) uint64 {
		if origin == node(1) {
			return math.MaxUint64
		}
		return 15_000
	})
	holds(t, table, staked, true)
	holds(t, table, other, false)
	check(t, "expired", table.Stats().Expired, 1)
}

// TestPurgedStays75Seconds, and TestFailedStays20Seconds: to the millisecond.
func TestPurgedStays75Seconds(t *testing.T) {
	table, old := NewTable(self, Limits{}), snapshots(t, 1, now)
	table.Insert(snapshots(t, 1, now+1), Pushed, now)
	table.Insert(old, Pushed, now)
	table.Expire(now+75_000, constant(math.MaxUint64))
	check(t, "known after 75 s", table.known(old.Hash()), true)
	table.Expire(now+75_001, constant(math.MaxUint64))
	check(t, "known later", table.known(old.Hash()), false)
}

// TestFailedStays20Seconds is of the other list.
func TestFailedStays20Seconds(t *testing.T) {
	table := NewTable(self, Limits{})
	table.Fail(numbered(1), now)
	table.Expire(now+20_000, constant(0))
	check(t, "known after 20 s", table.known(numbered(1)), true)
	table.Expire(now+20_001, constant(0))
	check(t, "known later", table.known(numbered(1)), false)
}

// TestExpireLooksAtEachOriginWithinASecond, in rounds of 100 ms, at a tenth of
// them each, and also when many leave and come meanwhile.
func TestExpireLooksAtEachOriginWithinASecond(t *testing.T) {
	table := NewTable(self, Limits{})
	for key := range byte(100) {
		table.Insert(snapshots(t, key+1, now), Pushed, now)
	}
	looked := map[wire.Pubkey]int{}
	timeout := func(origin wire.Pubkey) uint64 {
		looked[origin]++
		return 15_000
	}
	table.Expire(now, timeout)
	check(t, "looked at, at first", len(looked), 100)
	clear(looked)
	for round := range uint64(10) {
		table.Expire(now+100*(round+1), timeout)
		check(t, "looked at", len(looked), int(10*(round+1)))
	}
	table.Expire(now+14_999, timeout)
	for round := range uint64(10) { // in each, a tenth of those there were at first
		table.Expire(now+15_099+100*round, timeout)
		check(t, "values left", table.values.len(), int(100-10*(round+1)))
	}
	check(t, "origins left", table.Stats().Pubkeys, 0)
}

// TestExpireAfterAStepBack still looks at everything in time.
func TestExpireAfterAStepBack(t *testing.T) {
	table := NewTable(self, Limits{})
	table.Expire(now+1_000_000_000, constant(15_000))
	v := snapshots(t, 1, now)
	table.Insert(v, Pushed, now)
	table.Expire(now+1000, constant(15_000))
	holds(t, table, v, true)
	table.Expire(now+15_000, constant(15_000))
	holds(t, table, v, false)
}

// TestRefusalsGoWithTheirOrigin, and nothing is left of it.
func TestRefusalsGoWithTheirOrigin(t *testing.T) {
	table := NewTable(self, Limits{})
	table.Insert(contact(t, 1, 1, now), Pushed, now)
	table.Insert(contact(t, 2, 1, now+60_000), Pushed, now+60_000)
	for i := range uint16(10) {
		table.Refuse(wire.Label{Kind: wire.KindVote, Index: i, Origin: node(1)}, now, numbered(int(i)), now)
		table.Refuse(wire.Label{Kind: wire.KindVote, Index: i, Origin: node(2)}, now, numbered(int(i)), now)
	}
	table.Expire(now+60_000, constant(15_000))
	check(t, "refused", table.Stats().Refused, 10)
	check(t, "pubkeys", table.Stats().Pubkeys, 1)
	check(t, "refusal of who left", table.Refuse(wire.Label{Kind: wire.KindVote, Origin: node(1)}, now, numbered(0), now).Verdict, Rejected)
	verify(t, table)
}
