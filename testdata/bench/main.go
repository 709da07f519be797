//go:build linux

// Command bench measures `solsnap serve` against nginx: both serve the same
// file in the same run, in turn (A B A B), and what counts is the ratio of the
// two. It asserts nothing and needs nothing but nginx:
//
//	go run ./testdata/bench             # all rows, some six minutes
//	go run ./testdata/bench -short      # fewer rounds of a smaller file
//	go run ./testdata/bench -rows 'download|TLS' -json out.json
//
// The server has one core and the client another. CPU time is the server's
// own, as the scheduler counted it in nanoseconds; on loopback that includes
// the receiver's half of TCP, for both servers alike. CPU per unit of work is
// the steadier figure, throughput the second: it suffers from everything else
// that runs on the machine. nginx runs with one worker, sendfile on, no access
// log; solsnap as it runs by default, except that it logs warnings only, that
// the caps on downloads are out of the way, which one loopback address would
// meet at once, and that the digests of the file are waited for first.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings are the command line.
type settings struct {
	size      int64
	maxRounds int
	chosen    *regexp.Regexp
	short     bool
	solsnap   string // "" builds it
	nginx     string
	dir       string
	json      string // "" writes none
	nice      int
}

func parseSettings(args []string) (settings, error) {
	s := settings{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	size := flags.String("size", "", "size of the file (default 2GiB, with -short 512MiB)")
	rows := flags.String("rows", "", "regular expression of the rows to run (default all)")
	flags.IntVar(&s.maxRounds, "rounds", 0, "rounds per row (default 5, with -short 2)")
	flags.BoolVar(&s.short, "short", false, "a quick, coarse run")
	flags.StringVar(&s.solsnap, "solsnap", "", "binary to measure (default: built from this tree)")
	flags.StringVar(&s.nginx, "nginx", "/usr/sbin/nginx", "nginx binary")
	flags.StringVar(&s.dir, "dir", "", "directory for the file, not on tmpfs (default: the system's temporary directory)")
	flags.StringVar(&s.json, "json", "", "file to write every sample to")
	flags.IntVar(&s.nice, "nice", 0, "priority of server and client; below 0 steadies the figures on a busy machine")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	return s.complete(*size, *rows)
}

// complete parses what flag cannot, and fills in the defaults.
func (s settings) complete(size, rows string) (settings, error) {
	if size == "" {
		size = "2GiB"
		if s.short {
			size = "512MiB"
		}
	}
	if s.maxRounds <= 0 {
		s.maxRounds = 5
		if s.short {
			s.maxRounds = 2
		}
	}
	n, err := humanize.ParseBytes(size)
	if err != nil || n < 64<<20 || n > 1<<40 {
		return s, fmt.Errorf("-size %q: want at least 64MiB, such as 2GiB", size)
	}
	s.size = int64(n)
	if s.chosen, err = regexp.Compile(rows); err != nil {
		return s, fmt.Errorf("-rows: %w", err)
	}
	return s, nil
}

func run(ctx context.Context, args []string) error {
	set, err := parseSettings(args)
	if err != nil {
		return err
	}
	on, err := pinClient(set.nice)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(set.dir, "solsnap-bench-")
	if err != nil {
		return fmt.Errorf("make scratch directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	b, err := newBench(ctx, set, on, dir)
	if err != nil {
		return err
	}
	defer b.close()
	b.printHeader(os.Stdout)
	began := time.Now()
	report, err := b.measure(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%d lines in %s\n", len(report), time.Since(began).Round(time.Second))
	if set.json == "" {
		return nil
	}
	return b.writeJSON(set.json, report)
}
