package main

import (
	"log/slog"

	"github.com/spf13/cobra"
)

// newServeCommand is `solsnap serve`.
func newServeCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "serve",
		Short: "Serve a snapshot directory",
		Long: "Serve the snapshot archives in a directory, the genesis and JSON-RPC, as a validator does.\n" +
			"Every flag may also be a key of the configuration file, without its dashes, or an\n" +
			"environment variable: --rpc-port is SOLSNAP_RPC_PORT. SIGHUP reads the file again.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runServe(cmd) },
	}
	addSettings(command, command.Flags(), servingSettings())
	return command
}

func runServe(cmd *cobra.Command) error {
	configuration, err := newConfiguration(cmd.Flags())
	if err != nil {
		return err
	}
	config := configuration.Config()
	level := new(slog.LevelVar)
	level.Set(config.LogLevel)
	return serve(cmd.Context(), config, serveOptions{
		logger: newLogger(cmd.ErrOrStderr(), config.LogFormat, level),
		reload: func() (Config, changes, error) {
			config, what, err := configuration.Reload()
			if err == nil {
				level.Set(config.LogLevel)
			}
			return config, what, err
		},
	})
}
