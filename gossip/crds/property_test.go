package crds

import (
	"cmp"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"solsnap/gossip/wire"
)

// pool is values of eight nodes, the first of them self: of each label several,
// among them such of the same wallclock.
var pool = sync.OnceValue(func() []wire.Verified {
	var all []wire.Verified
	add := func(key byte, data wire.Data) {
		v, err := wire.Sign(seeded(key), data)
		if err != nil {
			panic(err) // only this file can have broken it
		}
		all = append(all, v)
	}
	for key := range byte(8) {
		from := node(key)
		for i := range uint64(8) {
			wallclock := now + 10_000*(i/2)
			add(key, &wire.ContactInfo{Pubkey: from, Outset: i % 3, Wallclock: wallclock, ShredVersion: uint16(i)})
			add(key, &wire.SnapshotHashes{From: from, Full: wire.SlotHash{Slot: i}, Wallclock: wallclock})
			add(key, &wire.DuplicateShred{From: from, Index: 0, Slot: i, NumChunks: 1, Wallclock: wallclock})
			add(key, &wire.DuplicateShred{From: from, Index: 511, Slot: i, NumChunks: 1, Wallclock: wallclock})
			add(key, &wire.RestartHeaviestFork{From: from, LastSlot: i, Wallclock: wallclock})
		}
	}
	return all
})

// machine does the same to a table and to a model.
type machine struct {
	table *Table
	model *model
	now   uint64
	pool  []wire.Verified
}

func (m *machine) value(t *rapid.T) wire.Verified {
	return m.pool[rapid.IntRange(0, len(m.pool)-1).Draw(t, "value")]
}

func (m *machine) origin(t *rapid.T) wire.Pubkey {
	return node(rapid.ByteRange(0, 7).Draw(t, "origin"))
}

func (m *machine) insert(t *rapid.T) {
	v, route := m.value(t), Route(rapid.IntRange(0, 2).Draw(t, "route"))
	judged := m.table.Judge(v.Value(), v.Hash())
	got, want := m.table.Insert(v, route, m.now), m.model.insert(v, route, m.now)
	if got != want || judged != want {
		t.Fatalf("insert %v: judged %+v, then %+v, want %+v", v.Label(), judged, got, want)
	}
}

func (m *machine) refuse(t *rapid.T) {
	v := m.value(t)
	got, want := m.table.Refuse(v.Label(), v.Wallclock(), v.Hash(), m.now), m.model.refuse(v.Label(), v.Wallclock(), v.Hash(), m.now)
	if got != want {
		t.Fatalf("refuse %v: %+v, want %+v", v.Label(), got, want)
	}
}

func (m *machine) fail(t *rapid.T) {
	h := m.value(t).Hash()
	m.table.Fail(h, m.now)
	m.model.failed.add(h, m.now)
}

func (m *machine) touch(t *rapid.T) {
	origin := m.origin(t)
	m.table.Touch(origin, m.now)
	m.model.touch(origin, m.now)
}

// expire lets at least the time pass in which every origin is looked at.
func (m *machine) expire(t *rapid.T) {
	m.now += rapid.Uint64Range(lapTime, 30_000).Draw(t, "ms")
	timeout := rapid.SampledFrom([]uint64{5000, 15_000, 60_000}).Draw(t, "timeout")
	m.table.Expire(m.now, constant(timeout))
	m.model.expire(m.now, timeout)
}

func (m *machine) trim(t *rapid.T) {
	stake := constant(0)
	if rapid.Bool().Draw(t, "staked") {
		stake = func(k wire.Pubkey) uint64 { return uint64(k[0] % 3) }
	}
	m.table.now = m.now
	m.table.Trim(nobody, stake)
	if !m.model.trim(m.table, stake, m.now) {
		t.Fatal("the wrong origins were removed")
	}
}

func (m *machine) setStakes(t *rapid.T) {
	stakes := map[wire.Pubkey]uint64{}
	for key := range byte(8) {
		stakes[node(key)] = rapid.Uint64Range(0, 2).Draw(t, "stake")
	}
	m.table.SetStakes(stakes)
	m.model.stakes = stakes
}

// since reads a part of what came after some ordinal.
func (m *machine) since(t *rapid.T) {
	ordinal := rapid.Uint64Range(0, m.model.ordinal).Draw(t, "ordinal")
	room := rapid.IntRange(0, 5).Draw(t, "room")
	var want []uint64
	for _, v := range m.model.values {
		if v.ordinal > ordinal {
			want = append(want, v.ordinal)
		}
	}
	slices.Sort(want)
	want = want[:min(len(want), room+1)]
	var got []uint64
	for ordinal, v := range m.table.Since(ordinal) {
		got = append(got, ordinal)
		if held := m.model.values[v.Label()]; held.ordinal != ordinal || held.Hash() != v.Hash() {
			t.Fatalf("value of ordinal %d is %v, want that of %d", ordinal, v.Label(), held.ordinal)
		}
		if len(got) > room {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("ordinals since %d are %v, want %v", ordinal, got, want)
	}
}

// missing asks with a filter that has every value but the drawn.
func (m *machine) missing(t *rapid.T) {
	f := wire.CrdsFilter{Bloom: wire.NewBloom(100, 0.0001, 10_000, random())}
	f.MaskBits = rapid.SampledFrom([]uint32{0, 1, 2, 6, 12, 13, 20}).Draw(t, "mask bits")
	f.Mask = m.value(t).Hash().Prefix()
	lacking := m.value(t).Origin()
	var want []wire.Hash
	for label, v := range m.model.values {
		switch {
		case label.Origin != lacking:
			h := v.Hash()
			f.Bloom.Add(h[:])
		case f.Covers(v.Hash()) && !label.Kind.Deprecated() && v.Wallclock() <= m.now:
			want = append(want, v.Hash())
		}
	}
	want = slices.DeleteFunc(want, f.Contains)
	work := 1 << 20
	var got []wire.Hash
	for v := range m.table.Missing(&f, m.now, &work) {
		got = append(got, v.Hash())
	}
	byBytes := func(a, b wire.Hash) int { return cmp.Compare(a.String(), b.String()) }
	slices.SortFunc(got, byBytes)
	slices.SortFunc(want, byBytes)
	if !slices.Equal(got, want) {
		t.Fatalf("missing are %v, want %v", got, want)
	}
}

// agree checks that table and model have the same in them.
func (m *machine) agree(t *rapid.T) {
	for _, v := range m.pool {
		got, ok := m.table.Get(v.Label())
		want := m.model.values[v.Label()]
		if ok != (want != nil) || ok && got.Hash() != want.Hash() {
			t.Fatalf("table holds %v: %v, want %v", v.Label(), ok, want != nil)
		}
		if ok && m.table.values.at(m.table.find(v.Label())).local != want.local {
			t.Fatalf("%v was heard of at the wrong time", v.Label())
		}
	}
	m.agreeOnHashes(t)
	got := m.table.Stats()
	want := Stats{
		Values: got.Values, Pubkeys: len(m.model.origins()), Purged: len(m.model.purged.list), Failed: len(m.model.failed.list), Refused: len(m.model.refused),
		Evicted: got.Evicted, Expired: got.Expired, Trimmed: got.Trimmed,
	}
	if got != want || m.table.values.len() != len(m.model.values) {
		t.Fatalf("stats are %+v of %d, want %+v of %d", got, m.table.values.len(), want, len(m.model.values))
	}
	m.agreeOnDecoded(t)
}

func (m *machine) agreeOnHashes(t *rapid.T) {
	purged, failed := m.model.purged.set(), m.model.failed.set()
	for _, v := range m.pool {
		h := v.Hash()
		if got := m.table.purged.has(h); got != purged[h] {
			t.Fatalf("hash of %v of %d is purged: %v, want %v", v.Label(), v.Wallclock(), got, purged[h])
		}
		if got := m.table.failed.has(h); got != failed[h] {
			t.Fatalf("hash of %v of %d failed: %v, want %v", v.Label(), v.Wallclock(), got, failed[h])
		}
	}
}

func (m *machine) agreeOnDecoded(t *rapid.T) {
	nodes := 0
	for n := range m.table.Nodes() {
		nodes++
		held := m.model.values[wire.Label{Kind: wire.KindContactInfo, Origin: n.Info.Pubkey}]
		if held == nil || n.Info.ShredVersion != held.ContactInfo().ShredVersion || n.Received != held.local {
			t.Fatalf("node %v is not as it was inserted", n.Info.Pubkey)
		}
	}
	if nodes != m.table.Stats().Values[wire.KindContactInfo] {
		t.Fatalf("%d nodes, want %d", nodes, m.table.Stats().Values[wire.KindContactInfo])
	}
	for key := range byte(8) {
		s, ok := m.table.SnapshotHashes(node(key))
		held := m.model.values[wire.Label{Kind: wire.KindSnapshotHashes, Origin: node(key)}]
		if ok != (held != nil) || ok && s.Full != held.SnapshotHashes().Full {
			t.Fatalf("snapshot hashes of %d are not as they were inserted", key)
		}
	}
}

// TestTableIsLikeModel does at random whatever can be done to a table and to a
// model of it.
func TestTableIsLikeModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{
			Values:  rapid.SampledFrom([]int{5, 12, 1000}).Draw(t, "values"),
			Pubkeys: rapid.SampledFrom([]int{3, 6}).Draw(t, "pubkeys"),
			Refused: rapid.SampledFrom([]int{3, 1000}).Draw(t, "refused"),
		}
		m := &machine{NewTable(self, limits), newModel(limits), now, pool()}
		t.Repeat(map[string]func(*rapid.T){
			"insert":  m.insert,
			"insert2": m.insert, // more often than the rest
			"insert3": m.insert,
			"refuse":  m.refuse, "refuse2": m.refuse,
			"fail": m.fail, "touch": m.touch, "expire": m.expire, "trim": m.trim, "stakes": m.setStakes,
			"since": m.since, "missing": m.missing,
			"": m.agree,
		})
		verify(t, m.table)
	})
}
