package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newRootCommand assembles the commands. Usage is shown when it is asked for;
// an error is one line, which main prints.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "solsnap",
		Short:         "Serve Solana snapshots to validators",
		Long:          "solsnap serves a directory of Solana snapshots so that stock validators bootstrap from it.",
		Args:          cobra.ArbitraryArgs,
		RunE:          unknownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(flagError)
	flags := root.PersistentFlags()
	flags.String("config", "", "configuration file (.yaml, .toml or .json); SOLSNAP_CONFIG does the same")
	addSettings(root, flags, commonSettings)
	complete(root, "config", cobra.ShellCompDirectiveFilterFileExt, "yaml", "yml", "toml", "json")
	root.AddCommand(newServeCommand(), newDemoCommand(), newVerifyCommand(), newInspectCommand(), newPeersCommand(), newFetchCommand(), newConfigCommand(), newVersionCommand())
	strictCompletion(root)
	return root
}

// strictCompletion makes cobra's own command refuse what it does not know, as the
// others do.
func strictCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Args, c.RunE = cobra.ArbitraryArgs, unknownCommand
		for _, shell := range c.Commands() {
			shell.Args = noArguments
		}
	}
}

// newConfigCommand is `solsnap config check`.
func newConfigCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "config",
		Short: "Check the configuration",
		Args:  cobra.ArbitraryArgs,
		RunE:  unknownCommand,
	}
	check := &cobra.Command{
		Use:   "check",
		Short: "Read flags, environment, file, and the files they name as serve would, and say whether they are good",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := loadConfig(cmd.Flags())
			if err == nil {
				err = config.checkFiles()
			}
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "configuration is good")
			}
			return err
		},
	}
	addSettings(check, check.Flags(), servingSettings())
	command.AddCommand(check)
	return command
}

// servingSettings are those that are not common to all commands.
func servingSettings() (names []string) {
	for _, name := range settingNames() {
		if !slices.Contains(commonSettings, name) {
			names = append(names, name)
		}
	}
	return names
}

// addSettings makes flags of the named settings, with completion of their values
// where a shell can help.
func addSettings(command *cobra.Command, flags *pflag.FlagSet, names []string) {
	flags.SortFlags = false // the table's order tells more
	for _, s := range settings {
		if !slices.Contains(names, s.name) {
			continue
		}
		s.addFlag(flags)
		switch kind := flags.Lookup(s.name).Value.Type(); {
		case kind == "dir":
			complete(command, s.name, cobra.ShellCompDirectiveFilterDirs)
		case kind == "file":
			complete(command, s.name, cobra.ShellCompDirectiveDefault)
		case strings.Contains(kind, "|"):
			complete(command, s.name, cobra.ShellCompDirectiveNoFileComp, strings.Split(kind, "|")...)
		default:
			complete(command, s.name, cobra.ShellCompDirectiveNoFileComp)
		}
	}
}

// complete tells shells what may follow a flag.
func complete(command *cobra.Command, flag string, directive cobra.ShellCompDirective, words ...string) {
	if err := command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, directive)); err != nil {
		panic(err) // the flag is not there, or was completed before
	}
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	if len(args) == 0 {
		return usageErrorf("no command given, want one of %s%s", strings.Join(names, ", "), seeHelp(cmd))
	}
	return usageErrorf("unknown command %q%s", args[0], suggest(args[0], names, "%q", seeHelp(cmd)))
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageErrorf("%s takes no arguments, got %q%s", cmd.Name(), args[0], seeHelp(cmd))
	}
	return nil
}

// flagError shortens what pflag says, and suggests.
func flagError(cmd *cobra.Command, err error) error {
	unknown := (*pflag.NotExistError)(nil)
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return &usageError{err}
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	name := unknown.GetSpecifiedName()
	return usageErrorf("unknown flag --%s%s", name, suggest(name, names, "--%s", seeHelp(cmd)))
}

func seeHelp(cmd *cobra.Command) string { return "; see `" + cmd.CommandPath() + " --help`" }
