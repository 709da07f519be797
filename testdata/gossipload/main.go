//go:build linux

// Command gossipload plays a cluster as large as mainnet-beta to one gossip node,
// and measures what the node costs:
//
//	go run ./testdata/gossipload                          # solsnap, light and full, 5 minutes
//	go run ./testdata/gossipload -short -modes light
//	go run ./testdata/gossipload -burst 100000 -json out.json
//	go run ./testdata/gossipload -- ./node --gossip-port {port} --entrypoint {entrypoint}
//
// Six thousand nodes have a key and a loopback address each. What they have to
// say is signed ahead of its time and pushed to the node by several peers, in the
// mix and at the rate of 2026; they heed the node's prunes, ask for pongs before
// they believe it, answer its pull requests within the budget that real ones
// have, ask it themselves, and prune what it relays. One of them is the
// entrypoint and answers IP echo. They all have the same table, and there is no
// loss or delay between them: it is the node that is measured, not a network.
//
// CPU time is the process's own, as the kernel counted it; on loopback, sending
// includes the receiver's half of UDP, so that the node is charged for what it
// sends and not for what arrives at its socket. Losses are those of its socket.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "gossipload:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == stubMode {
		return runStub(ctx, args[1:])
	}
	set, err := parseSettings(args)
	if err != nil {
		return err
	}
	if err := setPriority(set.nice); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(set.dir, "solsnap-gossipload-")
	if err != nil {
		return fmt.Errorf("make scratch directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	about := facts(&set)
	fmt.Printf("%s\n\n", about)
	results, err := set.runModes(ctx, dir)
	if err != nil || set.json == "" {
		return err
	}
	return writeJSON(set.json, about, results)
}

// runModes measures the modes in turn, each with a cluster of its own.
func (s settings) runModes(ctx context.Context, dir string) (results []result, err error) {
	for _, mode := range s.modes {
		if mode != stubMode && len(s.command) == 0 && s.solsnap == "" {
			if s.solsnap, err = buildSolsnap(ctx, dir); err != nil {
				return nil, err
			}
		}
		r, err := s.runMode(ctx, mode, filepath.Join(dir, mode))
		if err != nil {
			return nil, fmt.Errorf("mode %s: %w", mode, err)
		}
		r.print(os.Stdout)
		if s.metrics {
			for _, line := range r.Metrics {
				fmt.Println("  " + line)
			}
		}
		results = append(results, r)
	}
	return results, nil
}

func (s settings) runMode(ctx context.Context, mode, dir string) (result, error) {
	t, err := newTrial(ctx, s, mode, dir)
	if err != nil {
		return result{}, err
	}
	defer t.close()
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	command := s.command
	switch {
	case mode == stubMode:
		command = stubCommand
	case len(command) == 0:
		command = solsnapCommand
	}
	entrypoint := t.cluster.place(t.cluster.entrypoint())
	return t.run(ctx, commandLine(command, t.place, entrypoint, mode, s.solsnap, self))
}
