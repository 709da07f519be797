package crds

import (
	"bytes"

	"solsnap/gossip/wire"
)

// refusal is the hash of a value that was not wanted. With its links and its part
// of a directory it takes about 70 bytes.
type refusal struct {
	hash      wire.Hash
	wallclock uint64
	origin    uint32
	index     uint16
	kind      uint8
}

// Refuse remembers the hash of a value that is not wanted, so that it is not sent
// again: of each label the one that would win, for as long as the table has a
// value of the origin. The hash of whichever loses fails, see Fail. Nothing here is
// verified, and nothing need be: a liar can only change how much is sent to us of
// what we do not want.
func (t *Table) Refuse(label wire.Label, wallclock uint64, h wire.Hash, now uint64) Outcome {
	o := t.origin(label.Origin)
	if o == nil || label.Kind.Dead() {
		return Outcome{Verdict: Rejected}
	}
	fresh := refusal{hash: h, wallclock: wallclock, origin: o.place, index: label.Index, kind: uint8(label.Kind)}
	place := o.refused.find(short(label))
	if place == 0 {
		t.refuseNew(o, fresh)
		return Outcome{Verdict: New}
	}
	r := t.refused.at(place)
	switch {
	case r.hash == h:
		return Outcome{Verdict: Duplicate}
	case wallclock < r.wallclock || wallclock == r.wallclock && bytes.Compare(h[:], r.hash[:]) < 0:
		return Outcome{Verdict: Stale, Known: t.failed.add(h, now)}
	}
	t.failed.add(r.hash, now)
	*r = fresh
	t.refused.renew(place)
	return Outcome{Verdict: Replaces}
}

func (t *Table) refuseNew(o *origin, r refusal) {
	if t.refused.len() >= t.limits.Refused {
		t.unrefuse(t.refused.next(0))
	}
	o.refused.insert(r.short(), t.refused.push(r))
}

func (t *Table) unrefuse(place uint32) {
	r := t.refused.at(place)
	t.origins.at(r.origin).refused.remove(r.short())
	t.refused.remove(place)
}

func (r *refusal) short() uint32 {
	return short(wire.Label{Kind: wire.Kind(r.kind), Index: r.index})
}
