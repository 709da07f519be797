package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/archive/manifest"
)

// inspector is `solsnap inspect`.
type inspector struct {
	accounts []string
	frames   bool
	asJSON   bool
	stdout   io.Writer
}

func newInspectCommand() *cobra.Command {
	var i inspector
	command := &cobra.Command{
		Use:   "inspect FILE|URL",
		Short: "Say what is in a snapshot archive, without unpacking it",
		Long: "Say what is in a snapshot archive: the facts of its manifest, and how it is packed. Of a\n" +
			"file or an address no more is read than the manifest needs; --accounts reads a whole file.\n" +
			"Nothing of it is proven: see `solsnap verify`.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("inspect needs one archive or address%s", seeHelp(cmd))
			}
			return nil
		},
		ValidArgsFunction: completeArchives,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := commandLogger(cmd); err != nil {
				return err
			}
			i.stdout = cmd.OutOrStdout()
			return i.run(cmd.Context(), args[0])
		},
	}
	flags := command.Flags()
	flags.StringSliceVar(&i.accounts, "accounts", nil, "addresses of accounts to read out of the archive; repeat, or separate with commas")
	flags.BoolVar(&i.frames, "frames", false, "count the zstd frames of a file: a small read for each 128 KiB of content")
	flags.BoolVar(&i.asJSON, "json", false, "print JSON")
	complete(command, "accounts", cobra.ShellCompDirectiveNoFileComp)
	return command
}

func (i *inspector) run(ctx context.Context, target string) error {
	if len(i.accounts) > 0 {
		return i.runAccounts(ctx, target)
	}
	facts, err := inspectTarget(ctx, target)
	if err == nil && i.frames {
		facts.Frames, err = countFrames(ctx, target)
	}
	if err != nil {
		return err
	}
	if i.asJSON {
		return i.printJSON(facts)
	}
	_, err = io.WriteString(i.stdout, facts.text())
	return err
}

func (i *inspector) printJSON(v any) error {
	encoder := json.NewEncoder(i.stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// inspectTarget reads the head of a file or of what is at an address.
func inspectTarget(ctx context.Context, target string) (*facts, error) {
	if isRemote(target) {
		return inspectRemote(ctx, target)
	}
	file, err := os.Open(target)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	found, err := archive.Inspect(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	return newFacts(target, filepath.Base(target), info.Size(), found), nil
}

func inspectRemote(ctx context.Context, target string) (*facts, error) {
	remote, err := openRemote(ctx, target)
	if err != nil {
		return nil, err
	}
	defer func() { _ = remote.Close() }() // nothing was written
	found, err := archive.Inspect(ctx, remote)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	facts := newFacts(remote.url, remote.name(), remote.size, found)
	facts.Fetched = &remote.fetched
	return facts, nil
}

// countFrames walks the frames of a local archive.
func countFrames(ctx context.Context, target string) (*frameFacts, error) {
	if isRemote(target) {
		return nil, usageErrorf("--frames reads all over the archive: download it first, from %s", target)
	}
	file, err := os.Open(target)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	var sum archive.FrameSummary
	if err := archive.WalkFrames(ctx, file, info.Size(), sum.Add); err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	facts := frameFacts(sum)
	return &facts, nil
}

// runAccounts reads accounts out of a local archive.
func (i *inspector) runAccounts(ctx context.Context, target string) error {
	if isRemote(target) {
		return usageErrorf("--accounts reads the whole archive: download it first, from %s", target)
	}
	wanted := make(map[manifest.Pubkey]*foundAccount, len(i.accounts))
	for _, text := range i.accounts {
		key, err := snapshot.ParseHash(text)
		if err != nil {
			return usageErrorf("--accounts: %q is no address: %w", text, err)
		}
		wanted[manifest.Pubkey(key)] = nil
	}
	if err := findAccounts(ctx, target, wanted); err != nil {
		return err
	}
	var missing []error
	for _, text := range i.accounts {
		key, _ := snapshot.ParseHash(text) // it was good above
		found := wanted[manifest.Pubkey(key)]
		if found == nil {
			missing = append(missing, fmt.Errorf("account %s is not in %s", text, target))
			continue
		}
		if err := i.printAccount(found); err != nil {
			return err
		}
	}
	return errors.Join(missing...)
}
