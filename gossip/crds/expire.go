package crds

import "solsnap/gossip/wire"

// How long hashes are remembered, in ms: that of what was in the table, or lost
// against it, five times CRDS_GOSSIP_PULL_CRDS_TIMEOUT_MS, and that of other pull
// responses FAILED_INSERTS_RETENTION_MS (Agave gossip/src/crds_gossip_pull.rs,
// cluster_info.rs).
const (
	purgedFor = 5 * 15_000
	failedFor = 20_000
)

// lapTime is in how many ms every origin is looked at.
const lapTime = 1000

// Expire forgets what is too old: hashes purged or failed, and the values of
// origins from which nothing has come for the time that timeout gives each, in ms
// (Agave gossip/src/crds_gossip_pull.rs, find_old_labels). As long as the
// ContactInfo of an origin is not too old, none of its values is.
//
// It is for every round: it looks at as many origins as the time since the last
// call asks for, the next in turn, so that each is looked at once a second.
func (t *Table) Expire(now uint64, timeout func(origin wire.Pubkey) uint64) {
	t.now = now
	t.purged.expire(now)
	t.failed.expire(now)
	for range t.turns(now) {
		if o := t.turn(); o != nil && o.pubkey != t.self {
			t.expire(o, timeout(o.pubkey))
		}
	}
}

// turns is how many origins are to be looked at: a part of those there were when
// the lap began, so that many who leave do not make the others wait. After a step
// back of the clock it is all of them.
func (t *Table) turns(now uint64) int {
	elapsed := min(now-t.expireAt, lapTime)
	t.expireAt = now
	t.lap = max(t.lap, t.origins.len())
	return (t.lap*int(elapsed) + lapTime - 1) / lapTime
}

// turn is the origin whose turn it is, or nil when there is none.
func (t *Table) turn() *origin {
	if t.hand = t.origins.next(t.hand); t.hand == 0 {
		t.lap = t.origins.len()
		t.hand = t.origins.next(0)
	}
	if t.hand == 0 {
		return nil
	}
	return t.origins.at(t.hand)
}

// expire removes the values of an origin that are too old.
func (t *Table) expire(o *origin, timeout uint64) {
	if timeout > t.now {
		return
	}
	cutoff := t.now - timeout
	if place := o.values.find(contactInfo); place != 0 && t.values.at(place).heard() > cutoff {
		return
	}
	for i := len(o.values) - 1; i >= 0; i-- {
		if place := o.values[i].place; t.values.at(place).heard() <= cutoff {
			t.remove(place)
			t.expired++
		}
	}
}

// heard is from when a value is: by its own account, if that is not better than
// the truth.
func (e *entry) heard() uint64 { return min(e.value.Wallclock(), e.local) }
