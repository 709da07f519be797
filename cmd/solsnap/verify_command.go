package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

// verifier is `solsnap verify`.
type verifier struct {
	tier    archive.Tier
	base    string // "" looks for it
	scratch string
	asJSON  bool

	stdout io.Writer
	stderr io.Writer
	log    *slog.Logger
}

// invalidError means that the job was done, and that an archive is not what it
// claims to be.
type invalidError struct{ failed, of int }

func (e *invalidError) Error() string {
	if e.of == 1 {
		return "the archive is not what it claims to be"
	}
	return fmt.Sprintf("%d of %d archives are not what they claim to be", e.failed, e.of)
}

func newVerifyCommand() *cobra.Command {
	v := verifier{tier: archive.TierAccounts}
	command := &cobra.Command{
		Use:   "verify ARCHIVE...",
		Short: "Prove snapshot archives, up to every account",
		Long: "Prove snapshot archives, tier by tier: that the name is canonical and the file begins as\n" +
			"it must (name), that frames, members and records are whole (structure), that the manifest\n" +
			"has the lattice hash of the name and hashes to its bank hash (manifest), and that the\n" +
			"accounts have that lattice hash and the capitalization (accounts). Who trusts the name,\n" +
			"because known validators advertise it, may then trust the accounts.\n\n" +
			"Exits with 0 if everything that was asked for is proven, with 3 if an archive is not what\n" +
			"it claims to be, with 1 if it could not be read, with 2 if the command line is wrong.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("verify needs an archive%s", seeHelp(cmd))
			}
			return nil
		},
		ValidArgsFunction: completeArchives,
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := commandLogger(cmd)
			if err != nil {
				return err
			}
			v.log, v.stdout, v.stderr = log, cmd.OutOrStdout(), cmd.ErrOrStderr()
			return v.run(cmd.Context(), args)
		},
	}
	flags := command.Flags()
	flags.VarPF(tierValue(&v.tier), "tier", "", "how much to prove")
	flags.StringVar(&v.base, "base", "", "full archive of an incremental one (default: the one of its base slot beside it)")
	flags.StringVar(&v.scratch, "scratch-dir", "", "directory for sorting superseded records, 64 bytes for each record (default: the system's temporary directory)")
	flags.BoolVar(&v.asJSON, "json", false, "print a JSON object for each archive, a line each")
	complete(command, "tier", cobra.ShellCompDirectiveNoFileComp, archive.TierNames()...)
	complete(command, "base", cobra.ShellCompDirectiveFilterFileExt, archiveExtensions...)
	complete(command, "scratch-dir", cobra.ShellCompDirectiveFilterDirs)
	return command
}

// archiveExtensions are for the completion of file names.
var archiveExtensions = []string{"zst", "lz4"}

func completeArchives(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return archiveExtensions, cobra.ShellCompDirectiveFilterFileExt
}

// commandLogger is the logger of a command that takes nothing but that from the
// configuration.
func commandLogger(cmd *cobra.Command) (*slog.Logger, error) {
	config, err := loadConfig(cmd.Root().PersistentFlags())
	if err != nil {
		return nil, err
	}
	level := new(slog.LevelVar)
	level.Set(config.LogLevel)
	return newLogger(cmd.ErrOrStderr(), config.LogFormat, level), nil
}

// run verifies one archive after the other. An archive that fails does not keep
// the next from its turn; one that cannot be read does.
func (v *verifier) run(ctx context.Context, paths []string) error {
	failed := 0
	for _, path := range paths {
		ok, err := v.verify(ctx, path)
		if err != nil {
			return err
		}
		if !ok {
			failed++
		}
	}
	if failed > 0 {
		return &invalidError{failed, len(paths)}
	}
	return nil
}

func (v *verifier) verify(ctx context.Context, path string) (ok bool, err error) {
	config := archive.VerifyConfig{Tier: v.tier, ScratchDir: v.scratch, Progress: new(archive.Progress)}
	if config.Archive, err = fileSource(path); err != nil {
		var name *snapshot.NameError
		if errors.As(err, &name) {
			return false, v.print(misnamed(path, v.tier, name))
		}
		return false, err
	}
	if config.Base, err = v.findBase(path, config.Archive.Name); err != nil {
		return false, err
	}
	stop := v.watch(filepath.Base(path), config.Progress)
	report, err := archive.Verify(ctx, config)
	stop()
	if err != nil {
		return false, err
	}
	return report.Failure == nil, v.print(newVerdict(path, report))
}

// fileSource is the archive in a file, under the file's name.
func fileSource(path string) (archive.Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return archive.Source{}, err
	}
	if !info.Mode().IsRegular() {
		return archive.Source{}, fmt.Errorf("%s is no regular file", path)
	}
	name, err := snapshot.ParseName(filepath.Base(path))
	return archive.Source{
		Name: name,
		Size: info.Size(),
		Open: func() (io.ReadCloser, error) { return os.Open(path) },
	}, err
}

// findBase is the full archive that an incremental one needs; nil for none.
func (v *verifier) findBase(path string, name snapshot.Name) (*archive.Source, error) {
	if name.Kind != snapshot.Incremental || v.tier < archive.TierAccounts {
		return nil, nil
	}
	if v.base == "" {
		found, err := fullBeside(path, name.Base)
		if err != nil {
			return nil, err
		}
		return found, nil
	}
	base, err := fileSource(v.base)
	if err != nil {
		return nil, fmt.Errorf("--base: %w", err)
	}
	if base.Name.Kind != snapshot.Full || base.Name.Slot != name.Base {
		return nil, usageErrorf("--base %s is not the full archive of slot %d, which %s is based on", v.base, name.Base, name)
	}
	return &base, nil
}

// fullBeside looks for a full archive of the slot in the directory of path, in its
// remote/, and beside it if path is in a remote/.
func fullBeside(path string, slot snapshot.Slot) (*archive.Source, error) {
	dir := filepath.Dir(path)
	dirs := []string{dir, filepath.Join(dir, "remote")}
	if filepath.Base(dir) == "remote" {
		dirs = append(dirs, filepath.Dir(dir))
	}
	var found []string
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, entry := range entries {
			name, err := snapshot.ParseName(entry.Name())
			if err == nil && name.Kind == snapshot.Full && name.Slot == slot {
				found = append(found, filepath.Join(dir, entry.Name()))
			}
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("there is no full archive of slot %d beside %s; name it with --base, or ask for --tier manifest", slot, path)
	case 1:
		base, err := fileSource(found[0])
		return &base, err
	}
	slices.Sort(found)
	return nil, fmt.Errorf("there are %d full archives of slot %d: name one with --base: %s", len(found), slot, strings.Join(found, ", "))
}
