package gossip

import (
	"net/netip"

	"solsnap/gossip/crds"
	"solsnap/gossip/wire"
)

const (
	// joining is how long a new node renews its contact info three times as often:
	// whoever hears of it first drops it and sends a ping, so that it takes two to be
	// known (§11.2).
	joining = 30_000 // ms
	// firstAnnouncement is how long after the first contact info the snapshot hashes
	// follow: together they would be lost (§6.1, 5).
	firstAnnouncement = 1_000 // ms
)

// refresh signs anew what others are told of us, when it is time.
func (e *engine) refresh(now uint64) {
	interval := millis(e.limits.RefreshInterval)
	if now-e.joined < joining {
		interval /= 3
	}
	if now-e.refreshed >= interval {
		e.publishContactInfo(now)
		e.active.rotate(e.candidates(now), e.table.Stats().Pubkeys)
		clear(e.parcels)
	}
	if e.serving && e.snapshots != nil && now-e.announced >= millis(e.limits.AnnounceInterval) {
		e.publishSnapshots(now)
	}
}

// contactInfo is ours, as of now.
func (e *engine) contactInfo(now uint64) *wire.ContactInfo {
	info := &wire.ContactInfo{Pubkey: e.self, Wallclock: now, Outset: e.outset, ShredVersion: e.shredVersion, Version: e.version}
	sockets := map[wire.SocketKey]netip.AddrPort{wire.SocketGossip: e.gossip}
	if e.rpc.IsValid() && e.serving {
		sockets[wire.SocketRPC] = e.rpc
	}
	if err := info.SetSockets(sockets); err != nil {
		e.log.Error("gossip: own contact info", "err", err)
	}
	return info
}

// after is now, or just after what we last said of a kind: of two of the same
// time, chance would decide.
func (e *engine) after(kind wire.Kind, now uint64) uint64 {
	if held, ok := e.table.Get(wire.Label{Kind: kind, Origin: e.self}); ok {
		return max(now, held.Wallclock()+1)
	}
	return now
}

func (e *engine) publishContactInfo(now uint64) {
	e.refreshed = now
	if v, ok := e.sign(e.contactInfo(e.after(wire.KindContactInfo, now))); ok {
		e.table.Insert(v, crds.Local, now)
	}
}

// publishSnapshots waits for the contact info to be known first. It is tried
// again by the next round.
func (e *engine) publishSnapshots(now uint64) {
	if e.joined == 0 || now-e.joined < firstAnnouncement {
		return
	}
	e.announced = now
	hashes := &wire.SnapshotHashes{From: e.self, Full: e.snapshots.Full, Wallclock: e.after(wire.KindSnapshotHashes, now)}
	if e.snapshots.Incremental != nil {
		hashes.Incremental = []wire.SlotHash{*e.snapshots.Incremental}
	}
	if v, ok := e.sign(hashes); ok {
		e.table.Insert(v, crds.Local, now)
	}
}

// announce replaces the snapshots and says so at once.
func (e *engine) announce(s *Snapshots, now uint64) {
	if s.Equal(e.snapshots) {
		return
	}
	e.snapshots, e.announced = s, 0
	if s == nil {
		e.table.Withdraw(wire.KindSnapshotHashes, now)
	}
	if e.joined != 0 {
		e.refresh(now)
	}
}

// clockStep is how far the clock may step back without anybody noticing, in ms.
const clockStep = 1000

// watchClock begins anew when the clock was set back: what we signed before is of
// the future, and would win against all that we sign until the clock has caught
// up. Others take the later start of two (§3.3).
func (e *engine) watchClock(now uint64) {
	if now+clockStep < e.latest {
		e.log.Warn("gossip: the clock was set back; announcing anew", "by_ms", e.latest-now)
		e.restart(e.outset, now)
	}
	e.latest = now
}

// restart makes what we say win against what anybody has of us, up to an outset.
func (e *engine) restart(outset, now uint64) {
	e.outset = outset + 1
	e.table.Withdraw(wire.KindContactInfo, now)
	e.table.Withdraw(wire.KindSnapshotHashes, now)
	e.refreshed, e.announced = 0, 0
}

// setServing makes the node to be found as a server, or not, at once.
func (e *engine) setServing(serving bool, now uint64) {
	if serving == e.serving {
		return
	}
	e.serving = serving
	if e.joined != 0 {
		e.publishContactInfo(now)
		e.announced = 0
		e.refresh(now)
	}
}
