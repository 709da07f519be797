package gossip

import (
	"slices"
	"time"

	"solsnap/gossip/crds"
	"solsnap/gossip/wire"
)

// peers are the nodes of the table, in the order of their pubkeys. Those that were
// not heard of for a while are left out, though the table may keep them for days.
func (e *engine) peers(now uint64) []Peer {
	list := make([]Peer, 0, e.table.Stats().Values[wire.KindContactInfo])
	for node := range e.table.Nodes() {
		if node.Info.Pubkey == e.self || !e.recent(node.Received, now) {
			continue
		}
		if p := e.peer(node, now); p.RTT > 0 { // else it came from a file, and has not ponged yet
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b Peer) int { return slices.Compare(a.Pubkey[:], b.Pubkey[:]) })
	return list
}

func (e *engine) peer(node crds.Node, now uint64) Peer {
	p := Peer{
		Pubkey: node.Info.Pubkey,
		Info:   node.Info,
		Gossip: allowedSocket(node.Info, wire.SocketGossip, e.allowPrivate),
		RPC:    allowedSocket(node.Info, wire.SocketRPC, e.allowPrivate),
		Seen:   time.UnixMilli(int64(node.Received)),
	}
	if p.Gossip.IsValid() {
		p.RTT = e.pings.rtt(p.Pubkey, p.Gossip, now)
	}
	if hashes, ok := e.table.SnapshotHashes(p.Pubkey); ok {
		p.Announced = time.UnixMilli(int64(hashes.Wallclock))
		p.Snapshots = &Snapshots{Full: hashes.Full}
		if highest, ok := hashes.Highest(); ok {
			p.Snapshots.Incremental = &highest
		}
	}
	return p
}

// status is how the node is doing, given its peers, who have all ponged.
func (e *engine) status(peers []Peer) Status {
	s := Status{
		Pubkey: e.self, Mode: e.mode, ShredVersion: e.shredVersion, Gossip: e.gossip,
		Joined: e.joined != 0, Peers: e.others(), Ponged: len(peers), Returned: len(e.returned),
	}
	if e.serving {
		s.RPC, s.Snapshots = e.rpc, e.snapshots
	}
	return s
}

// others counts contact infos, but for our own.
func (e *engine) others() int {
	nodes := e.table.Stats().Values[wire.KindContactInfo]
	if _, own := e.table.ContactInfo(e.self); own {
		nodes--
	}
	return nodes
}

// counts are the numbers of now.
func (e *engine) counts() Stats {
	s := e.stats
	s.PacketsOut, s.BytesOut = e.outbox.sent, e.outbox.bytes
	s.Table = e.table.Stats()
	return s
}

// saved are the contact infos worth keeping for the next run: not our own, and not
// those of entrypoints, which are configured.
func (e *engine) saved() ([]byte, error) {
	var values []wire.Value
	for node := range e.table.Nodes() {
		v, ok := e.table.Get(wire.Label{Kind: wire.KindContactInfo, Origin: node.Info.Pubkey})
		if ok && node.Info.Pubkey != e.self && !e.isDoor(allowedSocket(node.Info, wire.SocketGossip, e.allowPrivate)) {
			values = append(values, v.Value())
		}
	}
	return wire.AppendValues(nil, values)
}

// restore takes back what was saved. A contact info that is not of our cluster, or
// was tampered with, is skipped; what is old is pinged like everything else before
// it is of any use.
func (e *engine) restore(saved []byte, now uint64) error {
	values, err := wire.DecodeValues(saved)
	if err != nil {
		return err
	}
	for _, v := range values {
		info := v.ContactInfo()
		if info == nil || info.Pubkey == e.self || info.ShredVersion != e.shredVersion {
			continue
		}
		if verified, err := v.Verify(); err == nil {
			e.table.Insert(verified, crds.Pulled, now)
		}
	}
	return nil
}
