package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sync/errgroup"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

// serveOptions are what serve and demo do differently. Only logger is required.
type serveOptions struct {
	logger *slog.Logger
	// reload reads the configuration again when SIGHUP comes; nil lets SIGHUP end
	// the process.
	reload func() (Config, changes, error)
	// cluster is the cluster's highest slot, nil while unknown, where something
	// knows it better than the upstream.
	cluster func() *snapshot.Slot
	// ready is called once there is a pair to serve.
	ready func(endpoints)
}

// endpoints are the bound addresses, HOST:PORT.
type endpoints struct {
	public []net.Addr     // in the order of the configuration: plaintext, then TLS
	admin  []net.Addr     // empty without an admin listener
	gossip netip.AddrPort // UDP and TCP; invalid without gossip
}

// serve runs a node until ctx is done and its drain has ended.
func serve(ctx context.Context, cfg Config, opts serveOptions) error {
	// Whoever reads our log or our output may go away; downloads must not end with
	// them, as they would by the default of SIGPIPE (os/signal).
	signal.Ignore(syscall.SIGPIPE)
	supervisor, err := newNotifier(os.Getenv, os.Getpid())
	if err != nil {
		return err
	}
	n, err := newNode(cfg, opts)
	if err != nil {
		return err
	}
	// Another cluster's genesis must not be served for a moment; every other
	// trouble with it may pass, and is logged by its Run.
	if err := n.genesis.Load(); errors.As(err, new(*archive.GenesisMismatchError)) {
		return err
	}
	if n.bound, err = n.listen(ctx, cfg); err != nil {
		return errors.Join(err, n.public.Close())
	}
	n.warnOfDescriptors(cfg)
	n.logger.Info("serving", "public", n.bound.public, "admin", n.bound.admin, "full", cfg.FullDir, "incremental", cfg.IncrementalDir)
	return n.run(ctx, opts, supervisor)
}

// run starts every goroutine of the program and returns when all have ended.
// The public server stops first; what it needs stops after it.
func (n *node) run(ctx context.Context, opts serveOptions, supervisor *notifier) error {
	hangup := make(chan os.Signal, 1) // one pending reload is enough
	if opts.reload != nil {
		signal.Notify(hangup, syscall.SIGHUP)
		defer signal.Stop(hangup)
	}
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, running := errgroup.WithContext(ctx)
	for _, run := range n.workers() {
		group.Go(func() error { return run(beside) })
	}
	group.Go(func() error { supervisor.Run(beside, n.alive, n.tell); return nil })
	group.Go(func() error { n.follow(running, hangup, opts.reload, supervisor); return nil })
	group.Go(func() error {
		defer stop()
		return n.public.Run(running)
	})
	group.Go(func() error { n.announce(running, opts.ready); return nil })
	n.tell(supervisor.Ready())
	return group.Wait()
}

// announce calls ready as soon as a pair is served.
func (n *node) announce(ctx context.Context, ready func(endpoints)) {
	for ready != nil {
		changed := n.store.Changed()
		if _, ok := n.store.Served(); ok {
			ready(n.bound)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// follow reloads at each SIGHUP until ctx is done and the drain begins.
func (n *node) follow(ctx context.Context, hangup <-chan os.Signal, reload func() (Config, changes, error), supervisor *notifier) {
	for {
		select {
		case <-ctx.Done():
			n.draining.Store(true)
			n.drainGossip()
			n.tell(supervisor.Stopping())
			return
		case <-hangup:
			n.tell(supervisor.Reloading())
			n.reload(reload)
			n.tell(supervisor.Ready())
		}
	}
}

// warnOfDescriptors compares what could be open at once with what the kernel
// allows: running out makes every request fail.
func (n *node) warnOfDescriptors(cfg Config) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return // then there is nothing to compare
	}
	const own = 64 // logs, sockets, directories, idle descriptors
	if need := uint64(cfg.MaxConnections + cfg.MaxDownloads + own); limit.Cur < need {
		n.logger.Warn("limit on open files is below what max-connections and max-downloads may need; raise it (LimitNOFILE=, ulimit -n) or lower them",
			"limit", limit.Cur, "need", need)
	}
}

// alive returns when the locks that every request needs can be had.
func (n *node) alive() {
	n.store.Stats()
	n.transfers.Limits()
	n.public.Connections()
}

// tell is for what the service manager did not hear: nothing else fails by it.
func (n *node) tell(err error) {
	if err != nil {
		n.logger.Warn("service manager not told", "err", err)
	}
}

// listen binds every socket, so that a taken port fails before anything runs.
func (n *node) listen(ctx context.Context, cfg Config) (endpoints, error) {
	if err := n.public.Listen(ctx); err != nil {
		return endpoints{}, err
	}
	bound := endpoints{public: n.public.Addrs()}
	if n.admin != nil {
		if err := n.admin.Listen(ctx); err != nil {
			return endpoints{}, err
		}
		bound.admin = n.admin.Addrs()
	}
	if err := n.listenGossip(ctx, cfg); err != nil {
		return endpoints{}, err
	}
	if n.gossip != nil {
		bound.gossip = n.gossip.Addr()
	}
	return bound, nil
}

// reload puts a new configuration in force, or says why the old one stays.
func (n *node) reload(read func() (Config, changes, error)) {
	cfg, what, err := read()
	if err != nil {
		n.logger.Error("configuration not reloaded; the old one stays in force", "err", err)
		return
	}
	if n.certificate != nil {
		if err := n.certificate.Reload(); err != nil {
			n.logger.Error("certificate not reloaded; the old one stays in force", "err", err)
		}
	}
	n.apply(cfg)
	n.logger.Info("configuration reloaded", "changed", what.Applied)
	if len(what.Restart) > 0 {
		n.logger.Warn("some changes need a restart", "settings", what.Restart)
	}
}
