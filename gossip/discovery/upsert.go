package discovery

import "solsnap/gossip/wire"

// Outcome is what became of an entry.
type Outcome uint8

const (
	// New and Updated entries are in the catalog. No other outcome changes it.
	New Outcome = iota + 1
	// Updated entries take the place of an older version.
	Updated
	// Rejected entries are not newer than what is known, or claim to be ours.
	Rejected
	// Outdated entries are older than what is kept.
	Outdated
	// OtherNetwork entries are of another fleet.
	OtherNetwork
	// Future entries are newer than clocks that are right allow.
	Future
	// NoRoom means that the catalog is full, and the peer not trusted.
	NoRoom
	outcomes
)

var outcomeNames = [outcomes]string{"none", "new", "updated", "rejected", "outdated", "other network", "future", "no room"}

// String is for logs and metrics.
func (o Outcome) String() string {
	if o >= outcomes {
		return "unknown"
	}
	return outcomeNames[o]
}

// Changed reports whether the catalog changed.
func (o Outcome) Changed() bool { return o == New || o == Updated }

// Upsert takes an entry from anywhere, if it is newer than what is known.
func (d *Directory) Upsert(s SignedEntry) Outcome {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.purge()
	e := d.edit()
	outcome := e.upsert(s)
	d.stats.Upserts[outcome]++
	return outcome
}

// Feed is Upsert for entries that came by other means. It reports whether the
// catalog changed.
func (d *Directory) Feed(s SignedEntry) bool { return d.Upsert(s).Changed() }

func (e *edit) upsert(s SignedEntry) Outcome {
	outcome := e.judge(s)
	if !outcome.Changed() {
		return outcome
	}
	p := e.peer(s.entry, Fleet)
	p.Signed = s
	kind := PeerUpdated
	if outcome == New {
		if !e.makeRoom(Fleet, s.entry.Peer) {
			return NoRoom
		}
		kind = PeerDiscovered
		e.next.unsigned = e.next.unsigned.without(s.entry.Peer)
		e.stats.Discovered++
	} else {
		e.stats.Updated++
	}
	e.put(p)
	e.tell(kind, p)
	e.commit()
	return outcome
}

// judge compares network, then age, then version.
func (e *edit) judge(s SignedEntry) Outcome {
	if s.entry == nil || s.entry.Network != e.cfg.Network {
		return OtherNetwork
	}
	now, v := e.now(), s.entry.Version
	switch {
	case v.Update < before(now, e.cfg.PurgeAfter):
		return Outdated
	case v.Update > now+uint64(e.cfg.MaxTimeDrift.Milliseconds()):
		return Future
	case s.entry.Peer == e.self:
		e.meetSelf(s)
		return Rejected
	}
	if known := e.next.signed.get(s.entry.Peer); known != nil {
		if v.Compare(known.Entry.Version) <= 0 {
			return Rejected
		}
		return Updated
	}
	if e.graves.covers(s.entry.Peer, v, now) {
		return Rejected
	}
	return New
}

// meetSelf looks at an entry that our key signed. A newer one than we ever made is of
// another process that has our key.
func (e *edit) meetSelf(s SignedEntry) {
	v := s.entry.Version
	if v.Compare(e.next.local.Entry.Version) <= 0 || v.Compare(e.second) <= 0 {
		return
	}
	e.second = v
	e.stats.SecondInstances++
	e.stats.LastSecondInstance = e.cfg.Now()
	e.feed.publish(Event{Kind: SecondInstance, Peer: e.self, Entry: s.entry})
}

// wants reports whether an entry may be new, so that it is worth verifying.
func (d *Directory) wants(u *Entry) bool {
	if u.Network != d.cfg.Network {
		return false
	}
	signed := d.current.Load().signed
	if known := signed.get(u.Peer); known != nil {
		return u.Version.Compare(known.Entry.Version) > 0
	}
	return u.Peer == d.self || signed.len() < d.cfg.MaxSigned || d.cfg.Trusted(u.Peer)
}

// makeRoom reports whether a new peer has a place. Only a trusted one is worth
// looking at all others for a place.
func (e *edit) makeRoom(s Source, newcomer wire.Pubkey) bool {
	limit := e.cfg.MaxSigned
	if s != Fleet {
		limit = e.cfg.MaxUnsigned
	}
	t := e.tree(s)
	if t.len() < limit {
		return true
	}
	if !e.cfg.Trusted(newcomer) {
		return false
	}
	victim := e.silentest(t)
	if victim == nil {
		return false
	}
	e.depart(victim)
	e.stats.Evicted++
	return true
}

// silentest is who was not heard of for longest, of those that are not trusted.
func (e *edit) silentest(t *tree) (found *Peer) {
	t.root.each(func(p *Peer) bool {
		older := found == nil || p.Entry.Version.Update < found.Entry.Version.Update
		if older && !e.cfg.Trusted(p.Entry.Peer) {
			found = p
		}
		return true
	})
	return found
}
