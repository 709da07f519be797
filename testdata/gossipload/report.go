//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"solsnap/gossip/wire"
)

// result is what was measured of a node in a mode. Rates are per second.
type result struct {
	Mode     string  `json:"mode"`
	Seconds  float64 `json:"seconds"`
	Cores    float64 `json:"cores"`
	User     float64 `json:"user_cores"`
	System   float64 `json:"system_cores"`
	RSS      int64   `json:"rss_bytes"`      // median
	RSSMost  int64   `json:"rss_most_bytes"` // while it was measured
	RSSPeak  int64   `json:"rss_peak_bytes"` // since it was started
	OwnCores float64 `json:"own_cores"`
	OwnRSS   int64   `json:"own_rss_bytes"`
	Nodes    int     `json:"nodes"`
	Joined   float64 `json:"joined_seconds"` // 0 if it took too long
	Lost     uint64  `json:"lost_at_node"`   // while it was measured
	LostHere uint64  `json:"lost_at_cluster"`
	LostEver uint64  `json:"lost_at_node_since_start"`

	Counts  counts   `json:"counts"`
	Metrics []string `json:"metrics,omitempty"`
}

// newResult compares the first sample with the last.
func newResult(mode string, samples []sample) result {
	first, last := samples[0], samples[len(samples)-1]
	seconds := last.at.Sub(first.at).Seconds()
	r := result{
		Mode: mode, Seconds: seconds,
		User:     (last.node.user - first.node.user).Seconds() / seconds,
		System:   (last.node.system - first.node.system).Seconds() / seconds,
		OwnCores: (last.own.user + last.own.system - first.own.user - first.own.system).Seconds() / seconds,
		OwnRSS:   last.own.rss, RSSPeak: last.node.peak,
		Lost: last.lost - first.lost, LostHere: last.lostHere - first.lostHere, LostEver: last.lost,
		Counts: last.counts.since(first.counts),
	}
	r.Cores = r.User + r.System
	var rss []int64
	for _, s := range samples {
		rss = append(rss, s.node.rss)
	}
	slices.Sort(rss)
	r.RSS, r.RSSMost = rss[len(rss)/2], rss[len(rss)-1]
	return r
}

// goal is what a mode may cost at the load of mainnet.
type goal struct {
	cores float64
	rss   int64
}

var goals = map[string]goal{
	"light": {0.25, 150 << 20},
	"full":  {1.0, 700 << 20},
}

// verdict compares a figure with what it should be at most.
func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "OVER"
}

func (r *result) print(w io.Writer) {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	line("%s: %.2f cores, %.0f MiB RSS, in %s packets/s, out %s packets/s", r.Mode, r.Cores, mebi(r.RSS),
		kilo(r.rate(r.Counts.To.sum().Packets)), kilo(r.rate(r.Counts.From.sum().Packets)))
	if g, ok := goals[r.Mode]; ok {
		line("  goals    %.2f cores: %s; %.0f MiB: %s", g.cores, verdict(r.Cores <= g.cores), mebi(g.rss), verdict(r.RSSMost <= g.rss))
	}
	line("  CPU      %.3f user + %.3f system, over %.0f s", r.User, r.System, r.Seconds)
	line("  memory   %.0f MiB at most, %.0f MiB since the start", mebi(r.RSSMost), mebi(r.RSSPeak))
	line("  in       %s", r.flows(&r.Counts.To))
	line("  out      %s", r.flows(&r.Counts.From))
	r.printPushes(line)
	r.printLosses(line)
	r.printFaults(line)
}

func (r *result) printPushes(line func(string, ...any)) {
	c := &r.Counts
	born := float64(max(c.Born, 1))
	line("  pushed   %s new values/s, %.2f copies of each; nobody left to push %.2f %%; pruned %s origins/s, %s of them needlessly",
		kilo(r.rate(c.Born)), float64(c.Deliveries)/born, 100*float64(c.Orphans)/born, kilo(r.rate(c.PrunedHere)), kilo(r.rate(c.Needless)))
	if c.BurstTime > 0 {
		line("  bursts   %s packets/s, %.0f s in all", kilo(1000*float64(c.Burst)/float64(c.BurstTime)), float64(c.BurstTime)/1000)
	}
	line("  relayed  peers pruned %s origins/s", kilo(r.rate(c.PrunedThere)))
	after := "which took too long"
	if r.Joined > 0 {
		after = fmt.Sprintf("to nearly all after %.0f s", r.Joined)
	}
	line("  known    to %d of %d nodes, %s; %.1f s at most between two ContactInfos", c.Visible, r.Nodes, after, float64(c.Gap)/1000)
}

func (r *result) printLosses(line func(string, ...any)) {
	c := &r.Counts
	line("  lost     %d datagrams at the node's socket (%d since the start), %d at the cluster's, %d on the line; %d pings unanswered", r.Lost, r.LostEver, r.LostHere, c.Congested, c.Unanswered)
	line("  load     cost %.2f cores and %.0f MiB itself; %.2f %% of pushes went out more than %d ms late",
		r.OwnCores, mebi(r.OwnRSS), 100*float64(c.Late)/float64(max(c.Deliveries, 1)), lateAfter)
}

func (r *result) printFaults(line func(string, ...any)) {
	for f, n := range r.Counts.Faults {
		if n > 0 {
			line("  FAULT    %d %s; the first: %s", n, faultNames[f], r.Counts.Examples[f])
		}
	}
}

// flows prints rates, the largest first.
func (r *result) flows(f *flows) string {
	sum := f.sum()
	order := []wire.Protocol{}
	for p := range f {
		if f[p].Packets > 0 {
			order = append(order, wire.Protocol(p))
		}
	}
	slices.SortFunc(order, func(a, b wire.Protocol) int { return int(f[b].Packets) - int(f[a].Packets) })
	parts := make([]string, len(order))
	for i, p := range order {
		parts[i] = fmt.Sprintf("%v %s", p, kilo(r.rate(f[p].Packets)))
	}
	return fmt.Sprintf("%s values/s, %.2f MB/s; packets/s: %s", kilo(r.rate(sum.Values)), r.rate(sum.Bytes)/1e6, strings.Join(parts, ", "))
}

func (r *result) rate(n uint64) float64 { return float64(n) / r.Seconds }

func mebi(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// kilo prints three digits or so.
func kilo(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.1f k", v/1000)
	case v >= 10 || v == 0:
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprintf("%.2g", v)
	}
}

// facts are what a figure means nothing without.
func facts(s *settings) string {
	var uname unix.Utsname
	_ = unix.Uname(&uname)
	load, _ := os.ReadFile("/proc/loadavg")
	before, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%d nodes, %d of them voters · %d values, %s new a second · %d cores · Linux %s %s · %s · load average before %s",
		s.nodes, s.voters, s.values, kilo(s.rate), runtime.NumCPU(), unix.ByteSliceToString(uname.Release[:]), runtime.GOARCH, runtime.Version(), before)
}

// writeJSON writes all results.
func writeJSON(path, facts string, results []result) error {
	text, err := json.MarshalIndent(map[string]any{"facts": facts, "results": results}, "", "\t")
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
