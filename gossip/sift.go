package gossip

import (
	"solsnap/gossip/crds"
	"solsnap/gossip/wire"
)

// sift decides what to do with a value of a push or a pull response, as far as
// that can be told without its signature: Accepted if there is something to do,
// and else why not (gossip/src/cluster_info.rs, handle_batch_push_messages and
// handle_batch_pull_responses; §6.1 and §8.1 order the checks). What is refused
// for good is remembered by its hash, so that nobody sends it again.
func (e *engine) sift(b *inbox, v wire.Value, push bool, now uint64) (incoming, Verdict) {
	in := incoming{value: v, hash: v.Hash(), check: -1}
	switch {
	case v.Origin() == e.self:
		return e.siftOwn(b, in)
	case push && !within(v.Wallclock(), now, millis(e.limits.PushWindow)):
		return in, WrongTime
	case !e.stakes.takes(v.Kind(), v.Origin()):
		e.table.Fail(in.hash, now)
		return in, Unstaked
	case e.mode == Light && !keptByLight(v.Kind()):
		return in, e.unwanted(in, now)
	}
	outcome := e.table.Judge(v, in.hash)
	switch {
	case outcome.Upserted() && e.pressed(push):
		e.shed = true
		return in, Limited
	case outcome.Upserted():
		return e.siftNew(b, in, now)
	case !push:
		return in, e.leave(in, outcome, now)
	case outcome.Verdict == crds.Duplicate || outcome.Known:
		in.fate = recount
		return in, Accepted
	}
	return in, e.leave(in, outcome, now)
}

// pressed reports whether there is no time for a new value.
func (e *engine) pressed(push bool) bool {
	if push {
		return e.pressure > pushPressure
	}
	return e.pressure > pullPressure
}

// leave drops a value that the table has, or has something newer than.
func (e *engine) leave(in incoming, outcome crds.Outcome, now uint64) Verdict {
	if outcome.Verdict == crds.Duplicate {
		return Duplicate
	}
	if !outcome.Known {
		e.table.Fail(in.hash, now)
	}
	return Stale
}

// siftNew lets in who is of our cluster and has shown to be where it says, and
// what else comes from those.
func (e *engine) siftNew(b *inbox, in incoming, now uint64) (incoming, Verdict) {
	if _, seen := b.twins[in.hash]; seen {
		in.check = b.value(in.value, in.hash)
		return in, Accepted
	}
	if verdict := e.vouch(in.value, now); verdict != Accepted {
		if verdict == WrongShredVersion {
			e.table.Fail(in.hash, now)
		}
		return in, verdict
	}
	in.check = b.value(in.value, in.hash)
	return in, Accepted
}

// vouch is what the value's origin must have shown. Anything but a contact info
// needs one before it (§6.1, 5: not even one in the same packet will do).
func (e *engine) vouch(v wire.Value, now uint64) Verdict {
	info := v.ContactInfo()
	if info == nil {
		if !e.table.Has(v.Origin()) {
			return Unknown
		}
		return Accepted
	}
	if info.ShredVersion != e.shredVersion {
		return WrongShredVersion
	}
	addr := allowedSocket(info, wire.SocketGossip, e.allowPrivate)
	if !addr.IsValid() || !e.gate(info.Pubkey, addr, now) {
		return Unproved
	}
	return Accepted
}

// siftOwn is for what comes back to us: our contact info, by which we know that
// others know us, or that of somebody with our key.
func (e *engine) siftOwn(b *inbox, in incoming) (incoming, Verdict) {
	if in.value.Kind() != wire.KindContactInfo || in.value.Outset() < e.outset {
		return in, Own // of an earlier run of ours
	}
	if in.value.ContactInfo().ShredVersion != e.shredVersion {
		return in, WrongShredVersion // a node with our key in another cluster does no harm
	}
	in.fate = returnOwn
	if e.table.Judge(in.value, in.hash).Verdict != crds.Duplicate {
		in.check = b.value(in.value, in.hash)
	}
	return in, Accepted
}

// keptByLight are the kinds that a node in Light mode keeps.
func keptByLight(k wire.Kind) bool {
	return k == wire.KindContactInfo || k == wire.KindSnapshotHashes
}

// unwanted remembers the hash, but not that of a value from the future, which
// would make all that come after it seem old. Nothing is verified: all that a liar
// can do is to have us sent less of what we do not want.
func (e *engine) unwanted(in incoming, now uint64) Verdict {
	if in.value.Wallclock() > now+millis(e.limits.PushWindow) {
		e.table.Fail(in.hash, now)
		return WrongTime
	}
	outcome := e.table.Refuse(in.value.Label(), in.value.Wallclock(), in.hash, now)
	if outcome.Verdict == crds.Rejected {
		return Unknown
	}
	return Unwanted
}
