package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"solsnap"
	"solsnap/api"
	"solsnap/middleware"
	"solsnap/rpc"
	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/archive/manifest"
)

// getVersion answers the Agave release whose behaviour is reproduced, and the
// number of its feature set (crate agave-feature-set 4.1.0).
const (
	agaveVersion    = "4.1.0"
	agaveFeatureSet = 3345198602
)

// node is everything that serve runs, wired together and not yet running.
type node struct {
	logger  *slog.Logger
	started time.Time
	bound   endpoints // set by listen, before anything runs
	// plaintext is how many of the bound public sockets are; the rest is TLS.
	plaintext int
	cluster   func() *snapshot.Slot // the cluster's highest slot; nil while unknown

	identity    identity
	store       *snapshot.Store
	digester    *snapshot.Digester // nil: no digests
	genesis     *archive.Genesis
	follower    *archive.Follower
	bank        atomic.Pointer[rpc.Bank] // of the served pair; replaced whole, by follower; nil while there is none
	transfers   *middleware.Transfers
	observer    *middleware.Observer
	upstream    *rpc.Upstream // nil: none
	rpc         *rpc.Server
	certificate *api.Certificate // nil: no TLS
	public      *api.Server
	admin       *api.Admin // nil: none
	gossiping

	distance    atomic.Uint64 // health-check-slot-distance
	statusCodes atomic.Bool   // health-status-codes
	draining    atomic.Bool
}

// newNode builds everything that cfg asks for. Nothing is bound or started.
func newNode(cfg Config, opts serveOptions) (*node, error) {
	n := &node{logger: opts.logger, started: time.Now()}
	n.distance.Store(cfg.HealthCheckSlotDistance)
	n.statusCodes.Store(cfg.HealthStatusCodes)
	n.transfers = middleware.NewTransfers(downloadLimits(cfg), n.logger)
	n.observer = middleware.NewObserver(middleware.ObserveConfig{
		AccessLog: middleware.AccessLog(cfg.AccessLog), Logger: n.logger,
	})
	var err error
	if n.identity, err = loadIdentity(cfg, n.logger); err != nil {
		return nil, err
	}
	for _, build := range []func(Config) error{n.buildShelves, n.buildGossip, n.buildRPC, n.buildPublic, n.buildAdmin} {
		if err := build(cfg); err != nil {
			return nil, err
		}
	}
	n.cluster = n.clusterSlot
	if opts.cluster != nil {
		n.cluster = opts.cluster
	}
	return n, nil
}

// buildShelves makes what holds the files.
func (n *node) buildShelves(cfg Config) (err error) {
	if n.store, err = snapshot.NewStore(n.storeConfig(cfg)); err != nil {
		return err
	}
	if cfg.DigestRate > 0 {
		n.digester = snapshot.NewDigester(n.digesterConfig(cfg))
	}
	n.genesis = archive.NewGenesis(archive.GenesisConfig{
		LedgerDir: cfg.Ledger, StateDir: cfg.StateDir, Expected: cfg.ExpectedGenesisHash, Logger: n.logger,
	})
	n.follower = archive.NewFollower(archive.FollowerConfig{Store: n.store, Use: n.useManifest, Logger: n.logger})
	return nil
}

func (n *node) storeConfig(cfg Config) snapshot.Config {
	return snapshot.Config{
		FullDir:        cfg.FullDir,
		IncrementalDir: cfg.IncrementalDir,
		PairGrace:      cfg.PairGrace,
		RescanInterval: cfg.RescanInterval,
		Hold:           cfg.Hold,
		Logger:         n.logger,
	}
}

func (n *node) digesterConfig(cfg Config) snapshot.DigesterConfig {
	return snapshot.DigesterConfig{
		Store:  n.store,
		Dir:    filepath.Join(cfg.StateDir, "digests"),
		Rate:   int64(cfg.DigestRate),
		Logger: n.logger,
	}
}

func (n *node) buildRPC(cfg Config) (err error) {
	if cfg.UpstreamRPC != "" {
		n.upstream, err = rpc.NewUpstream(rpc.UpstreamConfig{
			URL: cfg.UpstreamRPC, Methods: n.upstreamMethods(cfg), Timeout: cfg.UpstreamRPCTimeout,
			ClientRate: noneBelowZero(cfg.UpstreamRPCClientRate), Logger: n.logger,
		})
		if err != nil {
			return fmt.Errorf("upstream-rpc: %w", err)
		}
	}
	n.rpc = rpc.NewServer(rpc.Config{
		MaxBodyBytes: int64(cfg.RPCMaxRequestBodySize), MaxBatch: cfg.RPCMaxBatchSize, Upstream: n.upstream, Logger: n.logger,
	})
	return errors.Join(n.rpc.Register(rpc.NodeMethods{
		Version:     agaveVersion,
		FeatureSet:  agaveFeatureSet,
		Identity:    n.identity.Pubkey(),
		GenesisHash: n.genesis.Hash,
		Served:      n.store.Served,
		Health:      n.health,
	}), n.rpc.Register(rpc.BankMethods{Version: agaveVersion, Bank: n.bank.Load}), n.registerGossip())
}

// useManifest puts the bank of a new manifest in force.
func (n *node) useManifest(m *manifest.Manifest) {
	if m == nil {
		n.bank.Store(nil)
		return
	}
	n.bank.Store(rpc.NewBank(m, n.logger))
	n.tellGossip(m)
}

// noneBelowZero turns the 0 of a setting, no limit, into that of package rpc.
func noneBelowZero(rate float64) float64 {
	if rate == 0 {
		return -1
	}
	return rate
}

func (n *node) buildPublic(cfg Config) (err error) {
	var tlsListeners []string
	n.plaintext = len(cfg.RPCBindAddresses)
	if cfg.TLSCert != "" {
		if n.certificate, err = api.LoadCertificate(cfg.TLSCert, cfg.TLSKey, n.logger); err != nil {
			return err
		}
		tlsListeners = hostPorts(cfg.RPCBindAddresses, cfg.TLSPort)
	}
	n.public, err = api.NewServer(api.Config{
		Listeners:               hostPorts(cfg.RPCBindAddresses, cfg.RPCPort),
		TLSListeners:            tlsListeners,
		Certificate:             n.certificate,
		Archives:                n.store,
		Digests:                 digests{n.digester},
		RPC:                     middleware.CORS("OPTIONS, POST")(n.rpc),
		OpenAPI:                 solsnap.OpenAPI,
		Genesis:                 func() bool { _, ok := n.genesis.Hash(); return ok },
		Health:                  n.health,
		Middleware:              []func(http.Handler) http.Handler{n.observer.Middleware, middleware.Snapshots(n.snapshots())},
		ConnContext:             middleware.ConnContext,
		Version:                 readBuildInfo().Version,
		MaxConnections:          cfg.MaxConnections,
		MaxConnectionsPerClient: cfg.MaxConnectionsPerClient,
		WriteTimeout:            writeTimeout(cfg),
		DrainDelay:              cfg.DrainDelay,
		Cut:                     n.transfers.Cut,
		DrainTimeout:            cfg.DrainTimeout,
		Logger:                  n.logger,
	})
	return err
}

// writeTimeout is what an answer has from its request's head on: a minute for
// the client's part, and what the upstream may take.
func writeTimeout(cfg Config) time.Duration {
	if cfg.UpstreamRPC == "" {
		return time.Minute
	}
	return time.Minute + cfg.UpstreamRPCTimeout
}

func (n *node) snapshots() middleware.SnapshotsConfig {
	cfg := middleware.SnapshotsConfig{
		Archives:          n.store,
		Transfers:         n.transfers,
		Genesis:           n.genesis.Open,
		Health:            n.health,
		TotalSupply:       n.totalSupply,
		HealthStatusCodes: n.statusCodes.Load,
		Logger:            n.logger,
		Digest: func(a snapshot.Archive) ([32]byte, bool) {
			d, ok := digests{n.digester}.Lookup(a)
			return d.SHA256, ok
		},
	}
	if n.upstream != nil {
		cfg.CirculatingSupply = n.circulatingSupply
	}
	return cfg
}

// digests is a Digester that may be missing.
type digests struct{ *snapshot.Digester }

// Lookup implements api.Digests.
func (d digests) Lookup(a snapshot.Archive) (snapshot.Digest, bool) {
	if d.Digester == nil {
		return snapshot.Digest{}, false
	}
	return d.Digester.Lookup(a)
}

// health compares the served pair with the cluster.
func (n *node) health() snapshot.Health {
	var mine *snapshot.Slot
	if pair, ok := n.store.Served(); ok {
		slot := pair.Slot()
		mine = &slot
	}
	return snapshot.AssessHealth(mine, n.cluster(), n.distance.Load())
}

// clusterSlot is the upstream's, which the operator trusts, or else what gossip
// says.
func (n *node) clusterSlot() *snapshot.Slot {
	if n.upstream != nil {
		if slot, ok := n.upstream.Slot(); ok {
			return &slot
		}
	}
	return n.slot.Load()
}

// workers are the loops that run beside the servers.
func (n *node) workers() []func(context.Context) error {
	runs := []func(context.Context) error{n.store.Run, n.genesis.Run, n.follower.Run, n.transfers.Run}
	if n.digester != nil {
		runs = append(runs, n.digester.Run)
	}
	if n.upstream != nil {
		runs = append(runs, n.upstream.Run)
	}
	if n.admin != nil {
		runs = append(runs, n.admin.Run)
	}
	return append(runs, n.gossipWorkers()...)
}

// apply puts the settings that need no restart in force.
func (n *node) apply(cfg Config) {
	n.distance.Store(cfg.HealthCheckSlotDistance)
	n.statusCodes.Store(cfg.HealthStatusCodes)
	n.transfers.SetLimits(downloadLimits(cfg))
	n.observer.SetAccessLog(middleware.AccessLog(cfg.AccessLog))
}

func downloadLimits(cfg Config) middleware.Limits {
	return middleware.Limits{
		MaxDownloads:          cfg.MaxDownloads,
		MaxDownloadsPerClient: cfg.MaxDownloadsPerClient,
		DownloadRate:          int64(cfg.DownloadRate),
		TotalRate:             int64(cfg.TotalDownloadRate),
		MinimumRate:           int64(cfg.MinimumProgressRate),
		MinimumWindow:         cfg.MinimumProgressWindow,
	}
}

func hostPorts(addrs []netip.Addr, port uint16) []string {
	list := make([]string, len(addrs))
	for i, addr := range addrs {
		list[i] = net.JoinHostPort(addr.String(), strconv.Itoa(int(port)))
	}
	return list
}
