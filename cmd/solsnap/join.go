package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"solsnap/gossip"
)

// joiner is what commands share that join gossip briefly.
type joiner struct {
	config Config
	stderr io.Writer
	log    *slog.Logger
	held   *heldLog // of the node, while there is progress on the terminal
	build  func(gossip.Config) (gossipNode, error)
}

func newJoiner() joiner {
	return joiner{held: new(heldLog), build: func(c gossip.Config) (gossipNode, error) { return gossip.NewNode(c) }}
}

// joinFromAnyPort says in the flags what load does.
func joinFromAnyPort(flags *pflag.FlagSet) {
	port := flags.Lookup("gossip-port")
	port.Usage, port.DefValue = "UDP and TCP port to join from; auto takes a free one", anyPortWord
}

// load takes the configuration, which may be that of a server that runs: then its
// port is taken.
func (j *joiner) load(cmd *cobra.Command) (err error) {
	if flag := cmd.Flags().Lookup("gossip-port"); !flag.Changed {
		if err := cmd.Flags().Set(flag.Name, anyPortWord); err != nil {
			return err
		}
	}
	if j.config, err = loadConfig(cmd.Flags()); err != nil {
		return err
	}
	level := new(slog.LevelVar)
	level.Set(j.config.LogLevel)
	j.stderr = cmd.ErrOrStderr()
	j.log = newLogger(j.stderr, j.config.LogFormat, level)
	return nil
}

// nodeConfig is a node under a new identity that serves nothing.
func (j *joiner) nodeConfig(ctx context.Context) (gossip.Config, error) {
	_, key, err := ed25519.GenerateKey(nil) // from crypto/rand
	if err != nil {
		return gossip.Config{}, err
	}
	private, err := j.privateEntrypoints(ctx)
	if err != nil {
		return gossip.Config{}, err
	}
	host, err := resolveIPv4(ctx, j.config.GossipHost)
	if err != nil {
		return gossip.Config{}, fmt.Errorf("gossip-host: %w", err)
	}
	config := gossipConfig(j.config)
	config.Key, config.Host, config.Mode = key, host, gossip.Light
	config.AllowPrivate = config.AllowPrivate || private
	config.Logger = j.log
	if _, terminal := terminalOf(j.stderr); terminal {
		config.Logger = newLogger(j.held, j.config.LogFormat, slog.LevelWarn)
	}
	return config, nil
}

// privateEntrypoints reports whether an entrypoint has a private address. It is
// an error if none has any.
func (j *joiner) privateEntrypoints(ctx context.Context) (private bool, _ error) {
	var failed []error
	for _, entrypoint := range j.config.Entrypoints {
		host, _, err := splitHostPort(entrypoint)
		var addr netip.Addr
		if err == nil {
			addr, err = resolveIPv4(ctx, host)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("entrypoint %s: %w", entrypoint, err))
			continue
		}
		private = private || addr.IsPrivate() || addr.IsLoopback()
	}
	if len(failed) == len(j.config.Entrypoints) {
		return false, errors.Join(failed...)
	}
	for _, err := range failed {
		j.log.Warn("entrypoint has no address", "err", err)
	}
	return private, nil
}

// nobody says what may be wrong when there was no answer at all.
func (j *joiner) nobody(own netip.AddrPort) error {
	doubt := ""
	if j.config.ExpectedShredVersion != 0 {
		doubt = fmt.Sprintf(", and that the cluster's shred version is %d", j.config.ExpectedShredVersion)
	}
	return fmt.Errorf("no entrypoint answered; check that UDP goes to %s and comes back to port %d here, that their TCP can be reached%s",
		strings.Join(j.config.Entrypoints, " or "), own.Port(), doubt)
}
