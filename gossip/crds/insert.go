package crds

import (
	"math"

	"solsnap/gossip/wire"
)

// Judge tells what Insert would do with a value that has hash h, so that what is
// known or superseded need not be verified. It proves nothing about the value,
// but that a Duplicate is verified: it is the value held, byte for byte.
func (t *Table) Judge(v wire.Value, h wire.Hash) Outcome {
	label := v.Label()
	if label.Kind.Dead() {
		return Outcome{Verdict: Rejected}
	}
	place := t.find(label)
	if place == 0 {
		return t.judgeNew(label.Origin, h)
	}
	switch e := t.values.at(place); {
	case e.value.Hash() == h:
		return Outcome{Verdict: Duplicate, Pushes: int(e.pushes)}
	case overrides(v, h, &e.value):
		return Outcome{Verdict: Replaces}
	}
	return Outcome{Verdict: Stale, Known: t.known(h)}
}

func (t *Table) judgeNew(origin wire.Pubkey, h wire.Hash) Outcome {
	if !t.admits(origin) {
		return Outcome{Verdict: Rejected}
	}
	return Outcome{Verdict: New, Known: t.known(h)}
}

// known reports whether a value with that hash was purged or failed of late.
func (t *Table) known(h wire.Hash) bool { return t.purged.has(h) || t.failed.has(h) }

// Insert puts a value into the table if it wins, as Agave does (Crds::insert).
// The hash of whichever loses is remembered as purged, and that of a value
// rejected for want of room as failed. A Duplicate by push is counted. For values
// of pull responses there is InsertPulled.
func (t *Table) Insert(v wire.Verified, route Route, now uint64) Outcome {
	t.now = now
	outcome := t.Judge(v.Value(), v.Hash())
	switch outcome.Verdict {
	case New:
		t.add(v, route)
	case Replaces:
		t.replace(v, route)
	case Stale:
		t.purged.add(v.Hash(), now)
	case Duplicate:
		if route == Pushed {
			t.Duplicate(v.Label())
		}
	case Rejected:
		if !v.Kind().Dead() {
			t.failed.add(v.Hash(), now)
		}
	}
	return outcome
}

// InsertPulled is Insert for a value of a pull response, which may be old. The
// timeout is that of the origin, as for Expire. What is not older is news of the
// origin, see Touch; what is older is taken only while the origin's ContactInfo is
// in the table. The hash of what is not taken fails, whatever it is (Agave
// gossip/src/crds_gossip_pull.rs, filter_pull_responses).
func (t *Table) InsertPulled(v wire.Verified, timeout, now uint64) Outcome {
	outcome := t.Judge(v.Value(), v.Hash())
	old := now > v.Wallclock() && now-v.Wallclock() > timeout
	if outcome.Upserted() && old && t.find(wire.Label{Kind: wire.KindContactInfo, Origin: v.Origin()}) == 0 {
		outcome = Outcome{Verdict: Rejected}
	}
	if !outcome.Upserted() {
		t.Fail(v.Hash(), now)
		return outcome
	}
	t.Insert(v, Pulled, now)
	if !old {
		t.Touch(v.Origin(), now)
	}
	return outcome
}

func (t *Table) add(v wire.Verified, route Route) {
	t.makeRoom()
	o := t.welcome(v.Origin())
	place := t.values.push(t.entry(v, route, o))
	o.values.insert(short(v.Label()), place)
	t.shard(place)
	t.counts[v.Kind()]++
	t.changed(o, v.Kind())
}

func (t *Table) replace(v wire.Verified, route Route) {
	o := t.origin(v.Origin())
	place := o.values.find(short(v.Label()))
	e := t.values.at(place)
	if o.pubkey != t.self { // see Filters
		t.purged.add(e.value.Hash(), t.now)
	}
	t.unshard(place)
	t.values.renew(place)
	*e = t.entry(v, route, o)
	t.shard(place)
	t.changed(o, v.Kind())
}

// entry is a value that has just come.
func (t *Table) entry(v wire.Verified, route Route, o *origin) entry {
	t.ordinal++
	e := entry{value: v, local: t.now, ordinal: t.ordinal, origin: o.place}
	if route == Pushed {
		e.pushes = 1
	}
	return e
}

// remove takes a value out. Its hash is purged.
func (t *Table) remove(place uint32) {
	e := t.values.at(place)
	o, label := t.origins.at(e.origin), e.value.Label()
	t.purged.add(e.value.Hash(), t.now)
	t.unshard(place)
	t.leave(place)
	t.values.remove(place)
	o.values.remove(short(label))
	t.counts[label.Kind]--
	t.changed(o, label.Kind)
	if len(o.values) == 0 {
		t.forget(o)
	}
}

// Withdraw takes our own value of a kind out of the table, if there is one. Others
// keep what they have of it until it expires.
func (t *Table) Withdraw(kind wire.Kind, now uint64) {
	t.now = now
	if place := t.find(wire.Label{Kind: kind, Origin: t.self}); place != 0 {
		t.remove(place)
	}
}

// changed says that an origin has another value of a kind, or none.
func (t *Table) changed(o *origin, kind wire.Kind) {
	switch kind {
	case wire.KindContactInfo:
		o.info = nil
		t.revision++
	case wire.KindSnapshotHashes:
		o.snapshots = nil
		t.revision++
	}
}

// Duplicate counts one more reception by push of the value held, and returns how
// many there had been. It is for what Judge called a Duplicate, which need not be
// verified again.
func (t *Table) Duplicate(label wire.Label) int {
	place := t.find(label)
	if place == 0 {
		return 0
	}
	e := t.values.at(place)
	earlier := e.pushes
	e.pushes += min(1, math.MaxUint8-earlier)
	return int(earlier)
}

// Fail remembers for 20 s the hash of a value that was not inserted, so that it
// is not sent again.
func (t *Table) Fail(h wire.Hash, now uint64) { t.failed.add(h, now) }

// Touch says that an origin was heard of: its ContactInfo, or all its values if
// there is none, count as received now (Agave, Crds::update_record_timestamp).
func (t *Table) Touch(origin wire.Pubkey, now uint64) {
	o := t.origin(origin)
	if o == nil {
		return
	}
	if place := o.values.find(contactInfo); place != 0 {
		t.values.at(place).touch(now)
		return
	}
	for _, e := range o.values {
		t.values.at(e.place).touch(now)
	}
}

func (e *entry) touch(now uint64) { e.local = max(e.local, now) }
