package main

import (
	"fmt"

	"solsnap/api"
	"solsnap/gossip"
	"solsnap/gossip/wire"
	"solsnap/rpc"
)

// clusterNodes are the nodes of our cluster, ourselves first. As with Agave, who
// has another shred version or no place to be reached at is none of them.
func (n *node) clusterNodes() []rpc.ClusterNode {
	status, peers := n.gossip.Status(), n.gossip.Peers()
	nodes := make([]rpc.ClusterNode, 0, len(peers)+1)
	if status.Joined && status.Gossip.IsValid() {
		version := ownVersion(readBuildInfo())
		nodes = append(nodes, rpc.ClusterNode{
			Pubkey: status.Pubkey.String(), Gossip: status.Gossip, RPC: status.RPC, ShredVersion: status.ShredVersion,
			Version: version.String(), ClientID: version.ClientName(), FeatureSet: version.FeatureSet,
		})
	}
	for i := range peers {
		if p := &peers[i]; p.Info.ShredVersion == status.ShredVersion && p.Gossip.IsValid() {
			nodes = append(nodes, clusterNode(p, n.private))
		}
	}
	return nodes
}

func clusterNode(p *gossip.Peer, allowPrivate bool) rpc.ClusterNode {
	return rpc.ClusterNode{
		Pubkey:          p.Pubkey.String(),
		Gossip:          p.Gossip,
		RPC:             p.RPC,
		Pubsub:          p.Socket(wire.SocketRPCPubsub, allowPrivate),
		ServeRepair:     p.Socket(wire.SocketServeRepair, allowPrivate),
		TVU:             p.Socket(wire.SocketTVU, allowPrivate),
		TPUForwardsQUIC: p.Socket(wire.SocketTPUForwardsQUIC, allowPrivate),
		TPUQUIC:         p.Socket(wire.SocketTPUQUIC, allowPrivate),
		TPUVote:         p.Socket(wire.SocketTPUVote, allowPrivate),
		ShredVersion:    p.Info.ShredVersion,
		Version:         p.Info.Version.String(),
		ClientID:        p.Info.Version.ClientName(),
		FeatureSet:      p.Info.Version.FeatureSet,
	}
}

// gossipStatus is what /admin/v1/gossip shows.
func (n *node) gossipStatus() api.Gossip {
	status, stats, peers := n.gossip.Status(), n.gossip.Stats(), n.gossip.Peers()
	g := api.Gossip{
		Pubkey:       n.identity.Pubkey(),
		Mode:         status.Mode.String(),
		ShredVersion: status.ShredVersion,
		Listening:    n.bound.gossip,
		Gossip:       status.Gossip,
		RPC:          status.RPC,
		Joined:       status.Joined,
		Visible:      status.Visible(),
		Snapshots:    shownSnapshots(status.Snapshots),
		Ponged:       status.Ponged,
		Returned:     status.Returned,
		Packets:      map[string]map[string]uint64{},
		Values:       map[string]map[string]uint64{},
		Sent:         map[string]uint64{},
		Table:        map[string]int{},
		BytesIn:      stats.BytesIn,
		BytesOut:     stats.BytesOut,
		Peers:        make([]api.GossipPeer, len(peers)),
	}
	for message, verdicts := range stats.PacketsIn {
		count(g.Packets, wire.Protocol(message), verdicts[:])
		g.Sent[wire.Protocol(message).String()] = stats.PacketsOut[message]
	}
	for kind, verdicts := range stats.ValuesIn {
		count(g.Values, wire.Kind(kind), verdicts[:])
		if held := stats.Table.Values[kind]; held > 0 {
			g.Table[wire.Kind(kind).String()] = held
		}
	}
	for i := range peers {
		g.Peers[i] = shownPeer(&peers[i])
	}
	return g
}

// count enters what is not 0.
func count(into map[string]map[string]uint64, what fmt.Stringer, verdicts []uint64) {
	for verdict, n := range verdicts {
		if n == 0 {
			continue
		}
		if into[what.String()] == nil {
			into[what.String()] = map[string]uint64{}
		}
		into[what.String()][gossip.Verdict(verdict).String()] = n
	}
}

func shownPeer(p *gossip.Peer) api.GossipPeer {
	return api.GossipPeer{
		Pubkey:       p.Pubkey.String(),
		Gossip:       p.Gossip,
		RPC:          p.RPC,
		Version:      p.Info.Version.String(),
		Client:       p.Info.Version.ClientName(),
		ShredVersion: p.Info.ShredVersion,
		Snapshots:    shownSnapshots(p.Snapshots),
		RTT:          p.RTT,
		Seen:         p.Seen,
	}
}

func shownSnapshots(s *gossip.Snapshots) *api.GossipSnapshots {
	if s == nil {
		return nil
	}
	shown := &api.GossipSnapshots{Full: shownSnapshot(s.Full)}
	if s.Incremental != nil {
		incremental := shownSnapshot(*s.Incremental)
		shown.Incremental = &incremental
	}
	return shown
}

func shownSnapshot(s wire.SlotHash) api.GossipSnapshot {
	return api.GossipSnapshot{Slot: s.Slot, Hash: s.Hash.String()}
}
