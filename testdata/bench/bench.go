//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// bench is one run.
type bench struct {
	settings
	files  files
	anchor *contender
	ours   *contender
	cipher string // of the first TLS connection; "" before
	facts  []string

	passes int           // over the file in one measurement
	ramp   time.Duration // until a load is steady
	span   time.Duration // of what is measured by time
}

// newBench makes the files and starts both servers; close ends them. ours comes
// first because nginx is told to answer in the same words.
func newBench(ctx context.Context, set settings, on cores, dir string) (*bench, error) {
	b := &bench{settings: set, passes: 2, ramp: time.Second, span: 2 * time.Second}
	if set.short {
		b.passes, b.ramp, b.span = 1, b.ramp/2, b.span/2
	}
	path := set.solsnap
	var err error
	if path == "" {
		if path, err = buildSolsnap(ctx, dir); err != nil {
			return nil, err
		}
	}
	if b.files, err = makeFiles(dir, set.size); err != nil {
		return nil, err
	}
	subject := &solsnap{path: path, files: b.files, core: on.server}
	anchor := &nginx{path: set.nginx, files: b.files, core: on.server}
	b.ours, b.anchor = &contender{program: subject, files: b.files}, &contender{program: anchor, files: b.files}
	if err := b.prepare(ctx, subject, anchor); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) prepare(ctx context.Context, subject *solsnap, anchor *nginx) error {
	version, err := anchor.version(ctx)
	if err != nil {
		return err
	}
	b.facts = facts(version)
	s, err := b.ours.restarted(ctx, 0)
	if err != nil {
		return err
	}
	if anchor.answers, err = subject.answers(ctx, s); err != nil {
		return err
	}
	_, err = b.anchor.restarted(ctx, 0)
	return err
}

// close ends both servers.
func (b *bench) close() {
	b.ours.stop()
	b.anchor.stop()
}

// facts are what a figure means nothing without.
func facts(nginxVersion string) []string {
	var uname unix.Utsname
	_ = unix.Uname(&uname)
	load, _ := os.ReadFile("/proc/loadavg")
	return []string{
		fmt.Sprintf("%d cores, one for the server and one for the client", runtime.NumCPU()),
		"Linux " + unix.ByteSliceToString(uname.Release[:]) + " " + runtime.GOARCH,
		nginxVersion,
		runtime.Version(),
		"load average before " + strings.Join(strings.Fields(string(load))[:1], ""),
	}
}

func (b *bench) printHeader(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s\n", strings.Join(b.facts, " · "))
	_, _ = fmt.Fprintf(w, "file of %d MiB in the page cache, %d rounds, in turn; medians\n\n", b.files.size>>20, b.maxRounds)
}

// measure runs the chosen rows and prints each when it is done.
func (b *bench) measure(ctx context.Context) ([]line, error) {
	printHeadings(os.Stdout)
	var report []line
	for _, r := range b.rows() {
		if !b.chosen.MatchString(r.name) {
			continue
		}
		lines, err := b.measureRow(ctx, r)
		if err != nil {
			return report, fmt.Errorf("row %q: %w", r.name, err)
		}
		for _, l := range lines {
			l.print(os.Stdout)
		}
		report = append(report, lines...)
	}
	return report, nil
}

// measureRow takes the contenders in turn, after a round that does not count:
// it warms caches, sockets and the heap.
func (b *bench) measureRow(ctx context.Context, r row) ([]line, error) {
	rounds := b.maxRounds
	if r.rounds > 0 {
		rounds = min(rounds, r.rounds)
	}
	first := -1
	if r.cold {
		first = 0
	}
	anchor, ours := make([][]float64, len(r.metrics)), make([][]float64, len(r.metrics))
	for round := first; round < rounds; round++ {
		a, err := r.measure(ctx, b.anchor)
		if err != nil {
			return nil, fmt.Errorf("nginx: %w", err)
		}
		o, err := r.measure(ctx, b.ours)
		if err != nil {
			return nil, fmt.Errorf("solsnap: %w", err)
		}
		for i := range r.metrics {
			if round >= 0 {
				anchor[i], ours[i] = append(anchor[i], a[i]), append(ours[i], o[i])
			}
		}
	}
	var lines []line
	for i, m := range r.metrics {
		lines = append(lines, newLine(r.name, m, anchor[i], ours[i]))
	}
	return lines, nil
}
