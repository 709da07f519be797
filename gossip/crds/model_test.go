package crds

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"solsnap/gossip/wire"
)

// model is a table over plain maps, in which everything is looked for by looking
// at everything.
type model struct {
	limits  Limits
	values  map[wire.Label]*modelValue
	refused map[wire.Label]*modelRefusal
	stakes  map[wire.Pubkey]uint64
	ordinal uint64
	turn    int // of refusals
	purged  modelRecent
	failed  modelRecent
}

type modelValue struct {
	wire.Verified
	local, ordinal uint64
	pushes         int
}

type modelRefusal struct {
	hash      wire.Hash
	wallclock uint64
	turn      int
}

// modelRecent is a list of hashes with the times they came.
type modelRecent struct {
	keep  uint64
	limit int
	list  []modelStamped
}

type modelStamped struct {
	hash wire.Hash
	at   uint64
}

func newModel(limits Limits) *model {
	limits = limits.withDefaults()
	return &model{
		limits: limits, values: map[wire.Label]*modelValue{}, refused: map[wire.Label]*modelRefusal{},
		purged: modelRecent{keep: 75_000, limit: limits.Purged}, failed: modelRecent{keep: 20_000, limit: limits.Failed},
	}
}

func (r *modelRecent) add(h wire.Hash, now uint64) bool {
	known := false
	for _, s := range r.list {
		if s.hash != h {
			continue
		}
		known = true
		if now-s.at < r.keep/2 {
			return true
		}
	}
	if len(r.list) == r.limit {
		r.list = r.list[1:]
	}
	r.list = append(r.list, modelStamped{h, now})
	return known
}

func (r *modelRecent) has(h wire.Hash) bool {
	return slices.ContainsFunc(r.list, func(s modelStamped) bool { return s.hash == h })
}

func (r *modelRecent) set() map[wire.Hash]bool {
	all := make(map[wire.Hash]bool, len(r.list))
	for _, s := range r.list {
		all[s.hash] = true
	}
	return all
}

func (r *modelRecent) expire(now uint64) {
	r.list = slices.DeleteFunc(r.list, func(s modelStamped) bool { return now-s.at > r.keep })
}

func (m *model) known(h wire.Hash) bool { return m.purged.has(h) || m.failed.has(h) }

func (m *model) of(origin wire.Pubkey) (values []*modelValue) {
	for label, v := range m.values {
		if label.Origin == origin {
			values = append(values, v)
		}
	}
	return values
}

func (m *model) origins() []wire.Pubkey {
	all := map[wire.Pubkey]bool{}
	for label := range m.values {
		all[label.Origin] = true
	}
	return slices.Collect(maps.Keys(all))
}

// victim is what is to go first, nil if nothing may.
func (m *model) victim() *modelValue {
	var victim *modelValue
	for label, v := range m.values {
		if label.Origin == self {
			continue
		}
		if victim == nil || cmp.Or(cmp.Compare(m.stakes[label.Origin], m.stakes[victim.Origin()]), cmp.Compare(v.ordinal, victim.ordinal)) < 0 {
			victim = v
		}
	}
	return victim
}

func (m *model) admits(origin wire.Pubkey) bool {
	if origin == self {
		return true
	}
	if len(m.of(origin)) == 0 && len(m.origins()) >= 2*m.limits.Pubkeys {
		return false
	}
	victim := m.victim()
	return len(m.values) < m.limits.Values || victim != nil && m.stakes[victim.Origin()] <= m.stakes[origin]
}

func (m *model) judge(v wire.Verified) Outcome {
	held := m.values[v.Label()]
	switch {
	case held == nil && !m.admits(v.Origin()):
		return Outcome{Verdict: Rejected}
	case held == nil:
		return Outcome{Verdict: New, Known: m.known(v.Hash())}
	case held.Hash() == v.Hash():
		return Outcome{Verdict: Duplicate, Pushes: held.pushes}
	case newer(v, held.Verified):
		return Outcome{Verdict: Replaces}
	}
	return Outcome{Verdict: Stale, Known: m.known(v.Hash())}
}

// newer is the rule of the reference, read anew.
func newer(v, s wire.Verified) bool {
	if v.Kind() == wire.KindContactInfo && v.Outset() != s.Outset() {
		return v.Outset() > s.Outset()
	}
	if v.Wallclock() != s.Wallclock() {
		return v.Wallclock() > s.Wallclock()
	}
	x, y := v.Hash(), s.Hash()
	return bytes.Compare(x[:], y[:]) > 0
}

func (m *model) insert(v wire.Verified, route Route, now uint64) Outcome {
	outcome := m.judge(v)
	switch outcome.Verdict {
	case New:
		for len(m.values) >= m.limits.Values && m.victim() != nil {
			m.remove(m.victim(), now)
		}
		m.put(v, route, now)
	case Replaces:
		if v.Origin() != self { // see Table.Filters
			m.purged.add(m.values[v.Label()].Hash(), now)
		}
		m.put(v, route, now)
	case Stale:
		m.purged.add(v.Hash(), now)
	case Rejected:
		m.failed.add(v.Hash(), now)
	case Duplicate:
		if route == Pushed {
			m.values[v.Label()].pushes++
		}
	}
	return outcome
}

func (m *model) put(v wire.Verified, route Route, now uint64) {
	m.ordinal++
	m.values[v.Label()] = &modelValue{Verified: v, local: now, ordinal: m.ordinal}
	if route == Pushed {
		m.values[v.Label()].pushes = 1
	}
}

func (m *model) remove(v *modelValue, now uint64) {
	m.purged.add(v.Hash(), now)
	delete(m.values, v.Label())
	if len(m.of(v.Origin())) == 0 {
		maps.DeleteFunc(m.refused, func(l wire.Label, _ *modelRefusal) bool { return l.Origin == v.Origin() })
	}
}

func (m *model) refuse(label wire.Label, wallclock uint64, h wire.Hash, now uint64) Outcome {
	if len(m.of(label.Origin)) == 0 {
		return Outcome{Verdict: Rejected}
	}
	m.turn++
	fresh := &modelRefusal{h, wallclock, m.turn}
	r := m.refused[label]
	switch {
	case r == nil:
		if len(m.refused) == m.limits.Refused {
			m.dropFirstRefusal()
		}
		m.refused[label] = fresh
		return Outcome{Verdict: New}
	case r.hash == h:
		return Outcome{Verdict: Duplicate}
	case wallclock < r.wallclock, wallclock == r.wallclock && bytes.Compare(h[:], r.hash[:]) < 0:
		return Outcome{Verdict: Stale, Known: m.failed.add(h, now)}
	}
	m.failed.add(r.hash, now)
	m.refused[label] = fresh
	return Outcome{Verdict: Replaces}
}

func (m *model) dropFirstRefusal() {
	first := slices.MinFunc(slices.Collect(maps.Keys(m.refused)), func(a, b wire.Label) int {
		return m.refused[a].turn - m.refused[b].turn
	})
	delete(m.refused, first)
}

func (m *model) touch(origin wire.Pubkey, now uint64) {
	for _, v := range m.of(origin) {
		_, known := m.values[wire.Label{Kind: wire.KindContactInfo, Origin: origin}]
		if v.Kind() == wire.KindContactInfo || !known {
			v.local = max(v.local, now)
		}
	}
}

// expire is the rule of the reference, read anew.
func (m *model) expire(now, timeout uint64) {
	m.purged.expire(now)
	m.failed.expire(now)
	fresh := func(v *modelValue) bool { return v != nil && min(v.Wallclock(), v.local)+timeout > now }
	var old []*modelValue
	for label, v := range m.values {
		info := m.values[wire.Label{Kind: wire.KindContactInfo, Origin: label.Origin}]
		if label.Origin != self && !fresh(info) && !fresh(v) {
			old = append(old, v)
		}
	}
	for _, v := range old {
		m.remove(v, now)
	}
}

// trim removes the origins that a table has removed, after having said whether
// those were the right ones.
func (m *model) trim(table *Table, stake func(wire.Pubkey) uint64, now uint64) bool {
	all := m.origins()
	surplus := len(all) - m.limits.Pubkeys
	if 10*len(all) <= 11*m.limits.Pubkeys {
		surplus = 0
	}
	slices.SortFunc(all, func(a, b wire.Pubkey) int {
		return cmp.Or(cmp.Compare(stake(a), stake(b)), bytes.Compare(a[:], b[:]))
	})
	known := slices.ContainsFunc(all, func(k wire.Pubkey) bool { return stake(k) > 0 })
	right, gone := true, 0
	for i, origin := range all {
		if table.Has(origin) {
			right = right && (!known || i >= surplus || origin == self)
			continue
		}
		gone++
		right = right && (!known || i < surplus)
		for _, v := range m.of(origin) {
			m.remove(v, now)
		}
	}
	return right && (gone == surplus || gone == surplus-1 && table.Has(self))
}
