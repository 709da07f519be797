//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"
)

// settings are the command line.
type settings struct {
	population
	load
	modes   []string
	settle  time.Duration
	span    time.Duration
	seed    uint64
	solsnap string // "" builds it
	command []string
	dir     string
	json    string // "" writes none
	metrics bool
	nice    int
}

func parseSettings(args []string) (settings, error) {
	s := settings{population: mainnet}
	flags := flag.NewFlagSet("gossipload", flag.ContinueOnError)
	modes := flags.String("modes", "light,full", "modes of the node to measure, in turn; stub is a node that does next to nothing")
	flags.DurationVar(&s.settle, "settle", time.Minute, "how long to wait once the cluster knows the node")
	flags.DurationVar(&s.span, "duration", time.Minute, "how long to measure")
	short := flags.Bool("short", false, "a quick, coarse run: a quarter of -settle and -duration")
	flags.IntVar(&s.nodes, "nodes", s.nodes, "nodes in the cluster")
	flags.IntVar(&s.voters, "voters", s.voters, "nodes of them that vote")
	flags.IntVar(&s.values, "table", s.values, "values in the table")
	flags.Float64Var(&s.rate, "rate", s.rate, "new values a second")
	flags.IntVar(&s.relayers, "relayers", 3, "peers that push each value to the node until it prunes them")
	flags.Float64Var(&s.pulls, "pulls", 30, "pull requests to the node a second")
	line := flags.Float64("line", 1000, "Mbit/s that the answers to the node's own pull requests share")
	flags.Float64Var(&s.keep, "keep", 0.2, "share of what the node relays that its peers do not prune")
	flags.IntVar(&s.burst, "burst", 0, "packets a second during one second of every ten; 0 for no bursts")
	flags.DurationVar(&s.spread, "spread", 10*time.Second, "time from when the first node knows the node to when all do")
	flags.Uint64Var(&s.seed, "seed", 1, "number that chooses keys and chances")
	flags.StringVar(&s.solsnap, "solsnap", "", "binary to measure (default: built from this tree)")
	flags.StringVar(&s.dir, "dir", "", "directory for the node's files (default: the system's temporary directory)")
	flags.StringVar(&s.json, "json", "", "file to write the results to")
	flags.IntVar(&s.nice, "nice", 0, "priority of node and load; below 0 steadies the figures on a busy machine")
	flags.BoolVar(&s.metrics, "metrics", false, "print the node's own gossip metrics, too")
	flags.Usage = func() {
		_, _ = fmt.Fprintf(flags.Output(), "gossipload [flags] [-- COMMAND ARG...]\n\nCOMMAND runs the node, by default solsnap; {port}, {entrypoint}, {mode}, {dir}, {admin}\nand {shred-version} in its arguments are filled in.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.line = *line * 1e6 / 8
	s.modes, s.command = strings.Split(*modes, ","), flags.Args()
	if *short {
		s.settle, s.span = s.settle/4, s.span/4
	}
	return s, s.check()
}

// check refuses what cannot be played.
func (s *settings) check() error {
	_, err := newMix(s.population)
	switch {
	case err != nil:
		return err
	case s.nodes > 60_000:
		return fmt.Errorf("-nodes %d: want at most 60000", s.nodes)
	case s.relayers < 1 || meshGroups*s.relayers > s.nodes/2:
		return fmt.Errorf("-relayers %d: want at least 1, and at most an eighth of the nodes", s.relayers)
	case s.line <= 0:
		return errors.New("-line: want more than 0")
	case s.pulls < 0 || s.burst < 0 || s.keep < 0 || s.keep > 1 || s.spread < 0:
		return errors.New("want -pulls, -burst and -spread of at least 0, and -keep between 0 and 1")
	case s.span < time.Second:
		return fmt.Errorf("-duration %v: want at least 1s", s.span)
	}
	return nil
}
