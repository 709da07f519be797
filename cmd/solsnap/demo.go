package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"solsnap/gossip"
	"solsnap/snapshot/archive"
)

// demo is `solsnap demo`: a made-up ledger, served on loopback, that grows, and
// the one node of its cluster.
type demo struct {
	ledger   string // "" for a temporary directory
	port     uint16
	admin    netip.AddrPort
	gossip   GossipPort
	interval time.Duration

	stdout io.Writer
	log    *slog.Logger
	// serve is the function serve, or a test's.
	serve func(context.Context, Config, serveOptions) error
}

// demoGossipPort is Agave's, unless that is taken or another was chosen.
const demoGossipPort GossipPort = 8001

func newDemoCommand() *cobra.Command {
	d := demo{port: 8899, admin: netip.AddrPortFrom(loopback, 8898), gossip: demoGossipPort, interval: 20 * time.Second, serve: serve}
	command := &cobra.Command{
		Use:   "demo",
		Short: "Make up a small ledger, serve it on this machine, and say what to try",
		Long: "Make up a small ledger, serve it on 127.0.0.1, gossip about it in a cluster of one, add\n" +
			"an incremental snapshot now and then, and print commands to try. Of the configuration file and the environment it\n" +
			"takes only how to log.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadConfig(cmd.Root().PersistentFlags())
			if err != nil {
				return err
			}
			level := new(slog.LevelVar)
			level.Set(config.LogLevel)
			d.log = newLogger(cmd.ErrOrStderr(), config.LogFormat, level)
			d.stdout = cmd.OutOrStdout()
			// A terminal that is closed must not leave the temporary ledger behind.
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP)
			defer stop()
			return d.run(ctx)
		},
	}
	flags := command.Flags()
	flags.StringVar(&d.ledger, "ledger", "", "empty or new directory for the ledger, kept at the end (default a temporary one)")
	flags.VarPF(portValue(&d.port), "rpc-port", "", "TCP port; 0 takes a free one")
	flags.VarPF(addrPortValue(&d.admin), "admin-address", "", "address and port for metrics and status; off for none")
	flags.VarPF(gossipPortValue(&d.gossip), "gossip-port", "", "UDP and TCP port for gossip; 0 for no gossip, auto takes a free one")
	flags.VarPF(durationValue(&d.interval, time.Second, time.Hour), "interval", "", "time from one new snapshot to the next")
	return command
}

// run returns when ctx ends, everything has stopped, and the temporary
// directory is gone.
func (d *demo) run(ctx context.Context) (err error) {
	temporary, err := os.MkdirTemp("", "solsnap-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	config, err := d.config(temporary)
	if err != nil {
		return err
	}
	ledger := archive.NewLedger(archive.LedgerConfig{Dir: config.Ledger, CreatedAt: time.Now(), Seed: uint64(time.Now().UnixNano())})
	mint := newMint(config.Ledger, ledger, d.interval, d.log)
	if err := mint.open(); err != nil {
		return fmt.Errorf("make up a ledger: %w", err)
	}
	return d.together(ctx, config, mint)
}

// together serves and mints until ctx ends or one of the two fails.
func (d *demo) together(ctx context.Context, config Config, mint *mint) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.explain(d.serve(ctx, config, d.options(config, mint))) })
	group.Go(func() error { return mint.Run(ctx) })
	return group.Wait()
}

func (d *demo) options(config Config, mint *mint) serveOptions {
	return serveOptions{logger: d.log, cluster: mint.Slot, ready: func(bound endpoints) {
		// A pipe that is closed must not end the demo.
		_, _ = io.WriteString(d.stdout, instructions(config, bound, d.interval))
	}}
}

// explain adds the way out of the one trouble that a fresh machine can have.
func (d *demo) explain(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w; `solsnap demo --rpc-port 0` takes free ports", err)
	}
	return err
}

// config is the defaults but for where things are, and how gossip is: the node is
// its cluster's only entrypoint. With rpc-port 0 the other ports are free ones
// too, unless they were chosen.
func (d *demo) config(temporary string) (Config, error) {
	c := defaultConfig()
	c.StateDir = filepath.Join(temporary, "state")
	c.Ledger = filepath.Join(temporary, "ledger")
	if d.ledger != "" {
		c.Ledger = d.ledger
	}
	c.Snapshots, c.FullDir, c.IncrementalDir = c.Ledger, c.Ledger, c.Ledger
	c.BindAddresses = []netip.Addr{loopback}
	c.RPCBindAddresses = c.BindAddresses
	c.RPCPort, c.AdminAddress = d.port, d.admin
	c.GossipPort, c.GossipMode, c.AllowPrivateAddr = d.gossip, gossip.Full, true
	if d.port == 0 && d.gossip == demoGossipPort {
		c.GossipPort = anyPort
	}
	if d.port == 0 && d.admin == netip.AddrPortFrom(loopback, 8898) {
		c.AdminAddress = netip.AddrPortFrom(loopback, 0)
	}
	return c, errors.Join(makeEmptyDir(c.Ledger), c.validate())
}

// makeEmptyDir refuses a directory with anything in it: the demo removes
// archives, and somebody's could be there.
func makeEmptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if names, err := d.Readdirnames(1); len(names) > 0 {
		return usageErrorf("ledger directory %s is not empty; give a new or an empty one", dir)
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// instructions are commands to type, with the ports that were really taken.
func instructions(config Config, bound endpoints, interval time.Duration) string {
	url := "http://" + bound.public[0].String()
	text := fmt.Sprintf(`
A made-up ledger from %[2]s is served on %[1]s
with a new snapshot every %[3]s. Try, in another terminal:

  # download the highest full and incremental archive, as a validator does
  curl --location --remote-name --remote-header-name %[1]s/snapshot.tar.bz2
  curl --location --remote-name --remote-header-name %[1]s/incremental-snapshot.tar.bz2

  # where the aliases lead, and the first 100 bytes of there
  curl --silent --head %[1]s/snapshot.tar.zst
  curl --silent --location --range 0-99 %[1]s/snapshot.tar.zst | xxd | head -3

  # the genesis, and how the node is
  curl --silent %[1]s/genesis.tar.bz2 | tar --list --verbose --bzip2
  curl %[1]s/health

  # what a validator asks before it downloads
  curl %[1]s -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"getHighestSnapshotSlot"}'

  # the catalogue: sizes, times, digests
  curl --silent %[1]s/v1/snapshots

  # what the newest archive says of itself, and the proof of every account
  %[4]s inspect %[1]s/incremental-snapshot.tar.zst
  %[4]s verify %[2]s/incremental-snapshot-*
`, url, config.Ledger, printDuration(interval), ownPath())
	if bound.gossip.IsValid() {
		text += fmt.Sprintf("\n  # who is in the cluster, and what they serve, as gossip tells it\n  %s peers --entrypoint %s\n", ownPath(), bound.gossip)
	}
	for _, admin := range bound.admin {
		text += fmt.Sprintf("\n  # metrics\n  curl --silent http://%s/metrics\n", admin)
	}
	return text + "\nCtrl-C ends it.\n"
}

// ownPath is what to type to run this program again: with "go run" its name is
// not in the PATH.
func ownPath() string {
	path, err := os.Executable()
	if err != nil {
		return "solsnap"
	}
	return path
}
