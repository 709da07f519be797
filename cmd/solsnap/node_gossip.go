package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"solsnap/gossip"
	"solsnap/gossip/wire"
	"solsnap/middleware"
	"solsnap/rpc"
	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

// gossiping is a node's part in gossip. It is the zero value when there is none.
type gossiping struct {
	gossip  *gossiper       // nil: no gossip
	manager *gossip.Manager // nil where gossip is
	known   []wire.Pubkey
	private bool // private addresses are real ones
	// alone: without entrypoints or an expected shred version, the served archive
	// says what the cluster is.
	alone bool

	hardForks atomic.Pointer[manifest.HardForks] // of the served pair; nil while unknown
	slot      atomic.Pointer[snapshot.Slot]      // the cluster's; replaced by watchGossip
	warned    uint16                             // shred version of the archive that was warned of; owned by watchGossip
}

// buildGossip makes what gossips, unless that is off.
func (n *node) buildGossip(cfg Config) error {
	if cfg.GossipPort == noGossip {
		return nil
	}
	n.known, n.private = cfg.KnownValidators, cfg.AllowPrivateAddr
	n.alone = len(cfg.Entrypoints) == 0 && cfg.ExpectedShredVersion == 0
	n.gossip = &gossiper{
		logger:         n.logger,
		build:          func(c gossip.Config) (gossipNode, error) { return gossip.NewNode(c) },
		duplicateFatal: cfg.DuplicateInstanceFatal,
		leaving:        n.draining.Load,
	}
	n.manager = gossip.NewManager(gossip.ManagerConfig{
		Node:       n.gossip,
		Served:     n.announced,
		Changed:    n.store.Changed,
		Load:       n.load,
		WithdrawAt: cfg.WithdrawAt,
		ReturnAt:   cfg.ReturnAt,
		Logger:     n.logger,
	})
	return nil
}

// listenGossip binds the port of gossip. The public server has its own already,
// which is to be advertised.
func (n *node) listenGossip(ctx context.Context, cfg Config) error {
	if n.gossip == nil {
		return nil
	}
	advertised, err := cfg.resolvePlaces(ctx, plaintextPort(n.public.Addrs()[:n.plaintext]))
	if err != nil {
		return err
	}
	config := gossipConfig(cfg)
	config.Key, config.Host, config.RPC = n.identity.key, advertised.host, advertised.rpc
	config.Logger = n.logger
	keepContactInfos(&config, cfg.StateDir)
	err = n.gossip.listen(ctx, config)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w; another program, such as a validator, has the port of gossip: give another --gossip-port, or 0 for no gossip", err)
	}
	if err != nil {
		return err
	}
	n.logGossip(cfg, advertised)
	return nil
}

// plaintextPort is that of the first listener that speaks IPv4, else 0.
func plaintextPort(addrs []net.Addr) uint16 {
	for _, addr := range addrs {
		if place, err := netip.ParseAddrPort(addr.String()); err == nil && place.Addr().Unmap().Is4() {
			return place.Port()
		}
	}
	return 0
}

// logGossip says where gossip is. What it advertises it says itself, once it has
// found out.
func (n *node) logGossip(cfg Config, advertised places) {
	source := "entrypoints"
	switch {
	case cfg.ExpectedShredVersion != 0:
		source = "expected-shred-version"
	case n.alone:
		source = "served archive"
	}
	n.logger.Info("gossip: listening", "address", n.gossip.Addr(), "pubkey", n.identity.Pubkey(), "mode", cfg.GossipMode,
		"entrypoints", cfg.Entrypoints, "shred_version_from", source)
	if advertised.rpc.Port() == 0 && !cfg.PrivateRPC {
		n.logger.Warn("gossip: no RPC address is advertised, since others cannot reach rpc-bind-address; give --public-rpc-address", "address", cfg.RPCBindAddresses)
	}
}

// gossipMethod is answered from gossip, which knows the cluster as well as the
// upstream does. Whoever wants the upstream to be asked first names it.
const gossipMethod = "getClusterNodes"

// registerGossip answers that method, if there is gossip.
func (n *node) registerGossip() error {
	if n.gossip == nil {
		return nil
	}
	return n.rpc.Register(rpc.NewClusterMethods(n.clusterNodes))
}

// upstreamMethods are those that are forwarded; empty for the default ones.
func (n *node) upstreamMethods(cfg Config) []string {
	if n.gossip == nil || len(cfg.UpstreamRPCMethods) > 0 {
		return cfg.UpstreamRPCMethods
	}
	return slices.DeleteFunc(slices.Clone(rpc.DefaultUpstreamMethods), func(name string) bool { return name == gossipMethod })
}

// gossipWorkers are the loops of gossip.
func (n *node) gossipWorkers() []func(context.Context) error {
	if n.gossip == nil {
		return nil
	}
	return []func(context.Context) error{n.gossip.Run, n.manager.Run, n.watchGossip}
}

// drainGossip makes new nodes go elsewhere.
func (n *node) drainGossip() {
	if n.manager != nil {
		n.manager.Drain()
	}
}

// announced is the served pair, in gossip's words.
func (n *node) announced() *gossip.Snapshots {
	pair, ok := n.store.Served()
	if !ok {
		return nil
	}
	s := &gossip.Snapshots{Full: slotHash(pair.Full)}
	if pair.Incremental != nil {
		incremental := slotHash(*pair.Incremental)
		s.Incremental = &incremental
	}
	return s
}

func slotHash(a snapshot.Archive) wire.SlotHash {
	return wire.SlotHash{Slot: uint64(a.Name.Slot), Hash: wire.Hash(a.Name.Hash)}
}

// load is that of the downloads, see downloadLoad.
func (n *node) load() float64 { return downloadLoad(n.transfers.List(), n.transfers.Limits()) }

// usefulRate is what a validator wants of a download, or it goes elsewhere: the
// default of Agave's --minimal-snapshot-download-speed, in bytes a second.
const usefulRate = 10 << 20

// downloadLoad is how busy the downloads are: the part of the slots that is taken
// or, if that is more, what one more download wants of what it would get of the
// total rate. It is 1 when one more is turned away, or would be too slow.
func downloadLoad(running []middleware.Transfer, limits middleware.Limits) float64 {
	load := 0.0
	if limits.MaxDownloads > 0 {
		load = float64(len(running)) / float64(limits.MaxDownloads)
	}
	if limits.TotalRate > 0 {
		var used int64
		for i := range running {
			used += running[i].Rate
		}
		share := limits.TotalRate / int64(len(running)+1)
		load = max(load, usefulRate/float64(max(limits.TotalRate-used, share, 1)))
	}
	return min(load, 1)
}

// watchGossip keeps up with what gossip and the archives say of each other.
func (n *node) watchGossip(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		n.slot.Store(clusterSlot(n.gossip.Peers(), n.known))
		n.compareShredVersions()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// compareShredVersions hands on what follows from the served pair, or warns once
// when the cluster has another.
func (n *node) compareShredVersions() {
	forks := n.hardForks.Load()
	genesis, ok := n.genesis.Hash()
	if forks == nil || !ok {
		return
	}
	archive := forks.ShredVersion(genesis)
	if n.alone {
		n.gossip.SetShredVersion(archive)
	}
	if mine := n.gossip.Status().ShredVersion; mine != 0 && mine != archive && n.warned != archive {
		n.warned = archive
		n.logger.Warn("gossip: the served archive is of another cluster, and nodes will not take it; look at --ledger, --snapshots and --entrypoint",
			"shred_version", archive, "cluster", mine)
	}
}

// tellGossip hands on what a new manifest says of the cluster.
func (n *node) tellGossip(m *manifest.Manifest) {
	if n.gossip == nil {
		return
	}
	forks := slices.Clone(m.Bank.HardForks) // so that the manifest can go
	n.hardForks.Store(&forks)
	n.gossip.SetStakes(stakesOf(m))
}

// stakesOf is the activated stake of each node, in lamports, in the epoch of the
// bank (Agave, Bank::current_epoch_staked_nodes).
func stakesOf(m *manifest.Manifest) map[wire.Pubkey]uint64 {
	accounts := m.Bank.Stakes.VoteAccounts
	if stakes, err := m.EpochStakes(m.Epoch().Epoch); err == nil {
		accounts = stakes.Stakes.VoteAccounts
	}
	nodes := make(map[wire.Pubkey]uint64)
	for i := range accounts {
		if a := &accounts[i]; a.Stake > 0 && !a.Node.IsZero() {
			nodes[wire.Pubkey(a.Node)] += a.Stake
		}
	}
	return nodes
}
