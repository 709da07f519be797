package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"solsnap/gossip"
)

// peersCommand is `solsnap peers`.
type peersCommand struct {
	joiner
	timeout time.Duration
	view    peersView
	asJSON  bool
	stdout  io.Writer
}

// quietTime is for how long no new producer may come before all are thought to
// have come. In the first half minute each pull asks for an eighth of the table,
// twice a second, so that in a small cluster a value may well take 5 s.
const quietTime = 10 * time.Second

// peersSettings are what the command takes from the configuration, so that it can
// be that of the server.
var peersSettings = []string{"entrypoint", "known-validator", "expected-shred-version", "gossip-host", "gossip-port", "allow-private-addr"}

func newPeersCommand() *cobra.Command {
	p := peersCommand{
		timeout: 30 * time.Second, view: peersView{sort: peersOrders[0]}, joiner: newJoiner(),
	}
	command := &cobra.Command{
		Use:   "peers --entrypoint HOST:PORT",
		Short: "Join gossip briefly and list who has which snapshot",
		Long: fmt.Sprintf("Join gossip under a new identity, which serves nothing, and list the nodes that announce\n"+
			"snapshots. It ends when no new one has come for %v, and after --timeout at the latest;\n"+
			"Ctrl-C ends it earlier. What is listed is what nodes say of themselves. `known` is who is\n"+
			"named by --known-validator, and `vouched` who announces the same as one of those.\n\n"+
			"An entrypoint on a private address allows private addresses. Exits with 1 if nothing was\n"+
			"found.", quietTime),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runE(cmd) },
	}
	flags := command.Flags()
	addSettings(command, flags, peersSettings)
	joinFromAnyPort(flags)
	flags.VarPF(durationValue(&p.timeout, time.Second, time.Hour), "timeout", "", "how long to look")
	flags.BoolVar(&p.asJSON, "json", false, "print a JSON array")
	flags.VarPF(choiceValue(&p.view.sort, peersOrders...), "sort", "", "what to sort by")
	flags.Uint64Var(&p.view.minSlot, "min-slot", 0, "list only nodes at this slot or above")
	flags.BoolVar(&p.view.withRPC, "with-rpc", false, "list only nodes from which one can download")
	flags.BoolVar(&p.view.onlyKnown, "only-known", false, "list only known and vouched nodes")
	flags.BoolVar(&p.view.all, "all", false, "list nodes without snapshots too")
	complete(command, "sort", cobra.ShellCompDirectiveNoFileComp, peersOrders...)
	for _, flag := range []string{"timeout", "min-slot"} {
		complete(command, flag, cobra.ShellCompDirectiveNoFileComp)
	}
	return command
}

func (p *peersCommand) runE(cmd *cobra.Command) error {
	if err := p.load(cmd); err != nil {
		return err
	}
	p.stdout = cmd.OutOrStdout()
	p.view.known = p.config.KnownValidators
	return p.run(cmd.Context())
}

func (p *peersCommand) run(ctx context.Context) error {
	switch {
	case len(p.config.Entrypoints) == 0:
		return usageErrorf("peers needs an --entrypoint HOST:PORT, a node of the cluster")
	case p.config.GossipPort == noGossip:
		return usageErrorf("peers needs a port: --gossip-port auto takes a free one")
	case p.view.onlyKnown && len(p.view.known) == 0:
		return usageErrorf("--only-known needs --known-validator")
	}
	config, err := p.nodeConfig(ctx)
	if err != nil {
		return err
	}
	node, err := p.build(config)
	if err != nil {
		return err
	}
	if err := node.Listen(ctx); err != nil {
		return err
	}
	peers, err := p.discover(ctx, node)
	p.held.release(p.stderr)
	if err != nil {
		return err
	}
	if len(peers) == 0 {
		return p.nobody(node.Addr())
	}
	return p.print(peers)
}

func (p *peersCommand) print(peers []gossip.Peer) error {
	rows := p.view.rows(peers)
	var err error
	if p.asJSON {
		err = printRowsJSON(p.stdout, rows)
	} else if len(rows) > 0 {
		err = printRows(p.stdout, rows)
	}
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("none of the %d nodes that were found %s", len(peers), p.view.wanted())
	}
	return err
}
