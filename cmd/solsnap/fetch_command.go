package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"solsnap/gossip/origin"
	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

// fetchCommand is `solsnap fetch`.
type fetchCommand struct {
	joiner
	origins      []string
	onlyKnownRPC bool
	quorum       int
	minSpeed     ByteSize
	limitRate    ByteSize // 0 is no limit
	timeout      time.Duration
	discovery    time.Duration
	slot         *snapshot.Slot
	fullOnly     bool
	tier         archive.Tier
	scratch      string
	output       string // "-" or ""
	explain      bool
	asJSON       bool

	stdout io.Writer
}

// fetchSettings are what the command takes from the configuration, so that it can be
// that of the server.
var fetchSettings = []string{
	"ledger", "snapshots", "full-snapshot-archive-path", "incremental-snapshot-archive-path", "state-dir", "expected-genesis-hash",
	"entrypoint", "known-validator", "expected-shred-version", "gossip-host", "gossip-port", "allow-private-addr",
}

func newFetchCommand() *cobra.Command {
	f := fetchCommand{joiner: newJoiner(), quorum: 1, minSpeed: 10 << 20, discovery: time.Minute, tier: archive.TierManifest}
	command := &cobra.Command{
		Use:   "fetch {--entrypoint HOST:PORT | --origin URL}",
		Short: "Download the pair of snapshots from which a validator has caught up first",
		Long: "Look who has which snapshots, by gossip and at the origins that are named; take the pair from\n" +
			"which a validator will have caught up first, of those that known validators announce; download\n" +
			"and verify it; and put it in its place: the full archive, then the newest incremental on it. A\n" +
			"full archive that is there already is verified and used. What was interrupted is gone on with.\n" +
			"The genesis is put into the ledger directory, if there is none.\n\n" +
			"With -o - a full archive is downloaded into a hidden file in the snapshot directory (or, if that\n" +
			"does not exist, the state directory), verified, and only then written to stdout and removed.\n\n" +
			"Exits with 0 if all is there and proven; 1 if it was interrupted or something else failed; 2 if\n" +
			"the command line is wrong; 3 if what was sent is not what it claims to be; 4 if no source has\n" +
			"it; 5 if none of those is to be trusted; 6 if they are too slow, or --timeout has passed; 7 if\n" +
			"it cannot be stored.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.runE(cmd) },
	}
	f.addFlags(command)
	return command
}

func (f *fetchCommand) addFlags(command *cobra.Command) {
	flags := command.Flags()
	addSettings(command, flags, fetchSettings)
	joinFromAnyPort(flags)
	flags.Lookup("ledger").Usage = "directory for the genesis, and the archives unless --snapshots says otherwise"
	flags.Lookup("expected-genesis-hash").Usage = "refuse sources with another genesis"
	flags.VarPF(textList(&f.origins, "url"), "origin", "", "base URL of a server to download from, http or https; repeat, or separate with commas")
	flags.BoolVar(&f.onlyKnownRPC, "only-known-rpc", false, "download from known validators and origins alone")
	flags.VarPF(wholeValue(&f.quorum, 1, 1000), "trust-quorum", "", "how many known validators must announce a snapshot")
	flags.VarPF(bytesValue(&f.minSpeed, 0, 1<<40), "minimal-snapshot-download-speed", "", "bytes a second that must come over every 10 s; 0 takes what comes")
	flags.VarPF(bytesValue(&f.limitRate, 0, 1<<40), "limit-rate", "", "most bytes a second; 0 is no limit")
	flags.VarPF(durationValue(&f.timeout, 0, 7*24*time.Hour), "timeout", "", "how long all of it may take; 0 is no limit")
	flags.VarPF(durationValue(&f.discovery, time.Second, time.Hour), "discovery-timeout", "", "how long to look for sources")
	flags.VarPF(slotValue(&f.slot), "slot", "", "fetch what restores this slot (default the best)")
	flags.BoolVar(&f.fullOnly, "full-only", false, "fetch no incremental")
	flags.VarPF(tierValue(&f.tier), "require", "", "how much to prove")
	flags.StringVar(&f.scratch, "scratch-dir", "", "directory for sorting superseded records (default: the system's temporary directory)")
	flags.StringVarP(&f.output, "output", "o", "", "- writes a full archive to stdout when it is proven, and keeps nothing")
	flags.BoolVar(&f.explain, "explain", false, "print what could be done, the best first, and why the rest is refused")
	flags.BoolVar(&f.asJSON, "json", false, "print a JSON object in the end")
	complete(command, "require", cobra.ShellCompDirectiveNoFileComp, archive.TierNames()...)
	complete(command, "scratch-dir", cobra.ShellCompDirectiveFilterDirs)
	complete(command, "output", cobra.ShellCompDirectiveNoFileComp, "-")
	for _, flag := range []string{"origin", "trust-quorum", "minimal-snapshot-download-speed", "limit-rate", "timeout", "discovery-timeout", "slot"} {
		complete(command, flag, cobra.ShellCompDirectiveNoFileComp)
	}
}

func (f *fetchCommand) runE(cmd *cobra.Command) error {
	if err := f.load(cmd); err != nil {
		return err
	}
	f.stdout = cmd.OutOrStdout()
	if _, terminal := terminalOf(f.stderr); terminal {
		f.log = newLogger(f.held, f.config.LogFormat, f.config.LogLevel) // bars are drawn there
	}
	if err := f.check(); err != nil {
		return &usageError{err}
	}
	ctx := cmd.Context()
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.timeout, errTimeout)
		defer cancel()
	}
	return f.run(ctx)
}

// check finds what no flag can know alone.
func (f *fetchCommand) check() error {
	c := &f.config
	switch {
	case len(c.Entrypoints) == 0 && len(f.origins) == 0:
		return errors.New("fetch needs an --entrypoint HOST:PORT, a node of the cluster, or an --origin URL, a server")
	case len(c.Entrypoints) > 0 && c.GossipPort == noGossip:
		return errors.New("fetch needs a port for gossip: --gossip-port auto takes a free one")
	case len(c.KnownValidators) > 0 && len(c.Entrypoints) == 0:
		return errors.New("--known-validator needs an --entrypoint: known validators are heard in gossip")
	case f.onlyKnownRPC && len(c.KnownValidators) == 0:
		return errors.New("--only-known-rpc needs --known-validator")
	case f.quorum > max(1, len(c.KnownValidators)):
		return fmt.Errorf("--trust-quorum is %d, but there are %d known validators", f.quorum, len(c.KnownValidators))
	case f.limitRate > 0 && f.limitRate < f.minSpeed:
		return fmt.Errorf("--limit-rate %s is below --minimal-snapshot-download-speed %s: every source would be too slow", f.limitRate, f.minSpeed)
	}
	for _, url := range f.origins {
		if _, err := origin.Key(url); err != nil {
			return err
		}
	}
	return f.checkOutput()
}

func (f *fetchCommand) checkOutput() error {
	switch {
	case f.output == "":
		return nil
	case f.output != "-":
		return fmt.Errorf("-o %s: want -, which is stdout; --snapshots says where to put files", f.output)
	case f.asJSON:
		return errors.New("-o - and --json both want stdout")
	}
	f.fullOnly = true
	return nil
}

// slotValue takes nothing as no slot.
func slotValue(field **snapshot.Slot) *value[*snapshot.Slot] {
	parse := func(s string) (*snapshot.Slot, error) {
		slot, err := snapshot.ParseSlot(strings.TrimSpace(s))
		return &slot, err
	}
	text := func(s *snapshot.Slot) string {
		if s == nil {
			return ""
		}
		return s.String()
	}
	return &value[*snapshot.Slot]{field, "slot", parse, text}
}
