//go:build linux

// Command verifybench measures `solsnap verify` against `zstd -d` of the same
// archive to nothing in one thread: in turn (A B A B), medians. It asserts nothing,
// and needs nothing but zstd and some disk:
//
//	go run ./testdata/verifybench                       # 5 million accounts
//	go run ./testdata/verifybench -accounts 20000000 -superseded 10
//
// The accounts are like token accounts, which most of mainnet-beta's are: 165
// bytes of data, some of them the same in many.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "verifybench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("verifybench", flag.ContinueOnError)
	accounts := flags.Uint64("accounts", 5_000_000, "live accounts")
	superseded := flags.Uint64("superseded", 0, "per cent of them that have an older record, too")
	rounds := flags.Int("rounds", 5, "how often each is run")
	dir := flags.String("dir", "", "directory for the archive (default: the system's temporary directory)")
	into := flags.String("generate", "", "only make the archive, in this directory, and print what was made")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *into != "" {
		made, err := generate(*into, *accounts, *superseded)
		return errors.Join(err, json.NewEncoder(os.Stdout).Encode(made))
	}
	scratch, err := os.MkdirTemp(*dir, "solsnap-verifybench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	binary := filepath.Join(scratch, "solsnap")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/solsnap")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build solsnap: %w; run from the repository root\n%s", err, out)
	}
	began := time.Now()
	made, err := generateApart(ctx, scratch, *accounts, *superseded)
	if err != nil {
		return err
	}
	fmt.Printf("%s accounts, %s of storages in an archive of %s, made in %s\n", humanize.Comma(int64(*accounts)),
		humanize.IBytes(uint64(made.Unpacked)), humanize.IBytes(uint64(made.Packed)), time.Since(began).Round(time.Second))
	return compare(ctx, binary, scratch, made, *rounds)
}

// generateApart makes the archive in another process: the peak memory of those
// that are measured begins with ours.
func generateApart(ctx context.Context, dir string, accounts, superseded uint64) (made archiveFile, _ error) {
	self, err := os.Executable()
	if err != nil {
		return made, err
	}
	cmd := exec.CommandContext(ctx, self, "-generate", dir, "-accounts", strconv.FormatUint(accounts, 10), "-superseded", strconv.FormatUint(superseded, 10))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return made, fmt.Errorf("generate archive: %w", err)
	}
	return made, json.Unmarshal(out, &made)
}

// sample is one run of a program.
type sample struct {
	wall, cpu time.Duration
	peak      int64 // bytes resident
}

func compare(ctx context.Context, binary, scratch string, made archiveFile, rounds int) error {
	runs := []struct {
		name string
		args []string
	}{
		{"zstd -d", []string{"zstd", "-d", "--no-asyncio", "-q", "-c", made.Path}},
		{"verify --tier structure", []string{binary, "verify", "--tier", "structure", made.Path}},
		{"verify --tier accounts", []string{binary, "verify", "--scratch-dir", scratch, made.Path}},
	}
	samples := make([][]sample, len(runs))
	for round := -1; round < rounds; round++ { // the first fills the page cache
		for i, r := range runs {
			s, err := measure(ctx, r.args)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			if round >= 0 {
				samples[i] = append(samples[i], s)
			}
		}
	}
	anchor := median(samples[0], func(s sample) float64 { return s.wall.Seconds() })
	for i, r := range runs {
		wall := median(samples[i], func(s sample) float64 { return s.wall.Seconds() })
		fmt.Printf("%-26s %7.2f s  %4.2f of zstd's speed  %6.0f MB/s  %5.2f M records/s  CPU %6.2f s  peak %s\n", r.name, wall, anchor/wall,
			float64(made.Unpacked)/wall/1e6, float64(made.Records)/wall/1e6,
			median(samples[i], func(s sample) float64 { return s.cpu.Seconds() }),
			humanize.IBytes(uint64(median(samples[i], func(s sample) float64 { return float64(s.peak) }))))
	}
	return nil
}

func measure(ctx context.Context, args []string) (sample, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("%w\n%s", err, stderr.String())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return sample{
		wall: time.Since(began),
		cpu:  cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		peak: usage.Maxrss << 10,
	}, nil
}

func median(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
