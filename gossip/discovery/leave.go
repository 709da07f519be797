package discovery

import (
	"time"

	"solsnap/gossip/wire"
)

// Depart removes the peer that says that it leaves, unless it has come back since.
// It reports whether there was something to remove; otherwise nothing changes.
func (d *Directory) Depart(s SignedDeparture) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.purge()
	now, left := d.now(), s.departure
	e := d.edit()
	p := e.next.signed.get(left.Peer)
	if left.Network != d.cfg.Network || drifts(left.At, now, d.cfg.MaxTimeDrift) || p == nil ||
		left.Version.Compare(p.Entry.Version) < 0 {
		return false
	}
	d.graves.dig(left.Peer, grave{left.Version, d.forgotten(left.Version, now)}, now)
	e.depart(p)
	e.commit()
	return true
}

// forgotten is when what a peer said up to a version is outdated everywhere: what is
// of the future by our clock comes of age later.
func (d *Directory) forgotten(v Version, now uint64) uint64 {
	latest := now + uint64(d.cfg.MaxTimeDrift.Milliseconds())
	return min(max(now, v.Update), latest) + uint64(d.cfg.PurgeAfter.Milliseconds())
}

// drifts reports whether a time differs from ours by more than is allowed.
func drifts(at, now uint64, allowed time.Duration) bool {
	return max(at, now)-min(at, now) > uint64(allowed.Milliseconds())
}

// Farewell is our departure, of the newest version that we ever gave out.
func (d *Directory) Farewell() (SignedDeparture, error) {
	local := d.current.Load().local.Entry
	return SignDeparture(d.cfg.Key, Departure{d.cfg.Network, d.self, local.Version, d.now()})
}

// Purge removes what was not refreshed for too long, and returns when to do so
// again, unless something changes before.
func (d *Directory) Purge() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.purge()
	return d.nextPurge()
}

// purge takes no longer than what there is to remove.
func (d *Directory) purge() {
	oldest := before(d.now(), d.cfg.PurgeAfter)
	s := d.current.Load()
	if min(s.signed.root.oldestUpdate(), s.unsigned.root.oldestUpdate()) >= oldest {
		return
	}
	stale := s.unsigned.root.stale(oldest, s.signed.root.stale(oldest, nil))
	d.edit().departAll(stale)
}

// nextPurge is the first moment at which an entry is stale, or later when there is
// none.
func (d *Directory) nextPurge() time.Time {
	s := d.current.Load()
	now := d.cfg.Now()
	oldest := min(s.signed.root.oldestUpdate(), s.unsigned.root.oldestUpdate(), millis(now))
	return time.UnixMilli(int64(oldest) + d.cfg.PurgeAfter.Milliseconds() + 1)
}

// Sample takes the round-trip time of anything that was exchanged with a peer of
// the catalog. Other peers are none of ours.
func (d *Directory) Sample(peer wire.Pubkey, over Path, sample time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.edit()
	old := e.next.find(peer)
	if old == nil || over >= paths || sample <= 0 {
		return
	}
	estimate := d.rtt[over].Add(peer, sample)
	if old.Source.path() != over {
		return
	}
	p := *old
	p.RTT = estimate.SRTT
	e.put(&p)
	was, is := hidden(old, d.cfg.MaxRTT), hidden(&p, d.cfg.MaxRTT)
	switch {
	case is && !was:
		e.tell(PeerHidden, &p)
	case was && !is:
		e.tell(PeerShown, &p)
	default:
		e.silent = true
	}
	e.commit()
}
