//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// TestTrialOfStub runs all of it on a small scale: the node under test is a
// process that learns the shred version, answers pings, pulls, is pushed to, and
// prunes.
func TestTrialOfStub(t *testing.T) {
	s := settings{population: village, span: 3 * time.Second, seed: 1}
	s.load = load{relayers: 3, pulls: 20, keep: 0.2, line: 1e8, spread: 300 * time.Millisecond}
	r, err := s.runMode(t.Context(), stubMode, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := r.Counts
	check(t, "known to", c.Visible, uint64(village.nodes))
	checkWithin(t, "new values a second", r.rate(c.Born), village.rate, 0.2)
	if c.To[wire.ProtocolPush].Packets == 0 || c.To[wire.ProtocolPullRequest].Packets == 0 || c.From[wire.ProtocolPullResponse].Packets == 0 {
		t.Errorf("the flows are %+v and %+v", c.To, c.From)
	}
	if c.PrunedHere == 0 || c.Deliveries >= 3*c.Born {
		t.Errorf("%d origins were pruned, and %d values pushed in %d copies", c.PrunedHere, c.Born, c.Deliveries)
	}
	if r.RSS == 0 || r.RSSPeak < r.RSS || r.Cores < 0 {
		t.Errorf("it used %+v", r)
	}
	check(t, "faults", c.Faults, faults{})
	check(t, "lost", r.Lost, 0)
}

// TestTrialOfNothing says what became of a node that ended.
func TestTrialOfNothing(t *testing.T) {
	s := settings{population: village, span: time.Second, seed: 1, command: []string{"/bin/sh", "-c", "echo no such flag: {mode} >&2; exit 3"}}
	s.load = load{relayers: 3}
	_, err := s.runMode(t.Context(), "light", t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "exit status 3: no such flag: light") {
		t.Errorf("got %v, want the end of the node", err)
	}
}

func TestUsageOfThisProcess(t *testing.T) {
	u, err := usageOf(os.Getpid())
	check(t, "error", err, nil)
	if u.rss < 1<<20 || u.peak < u.rss {
		t.Errorf("got %+v", u)
	}
}

func TestParseUsage(t *testing.T) {
	const stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 5 0 0 0 250 30 7 8 20 0 9 0 100 1 2\n"
	u, err := parseUsage(stat, "Name:\ta\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n")
	check(t, "error", err, nil)
	check(t, "usage", u, usage{2500 * time.Millisecond, 300 * time.Millisecond, 1 << 20, 2 << 20})
	for _, bad := range []string{"", "42 (a) S 1", strings.Replace(stat, "250", "x", 1)} {
		if _, err := parseUsage(bad, ""); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestParseDrops(t *testing.T) {
	const table = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  100: 0100007F:1F41 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 7
  101: 0100007F:1F41 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 5
  102: 0100007F:1F42 00000000:1F41 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 90
`
	n, err := parseDrops(table, 8001)
	check(t, "error", err, nil)
	check(t, "drops", n, 12)
	if _, err := parseDrops(strings.Replace(table, "0 7\n", "0 x\n", 1), 8001); err == nil {
		t.Error("taken")
	}
}

func TestLinesOfGossip(t *testing.T) {
	lines, err := linesOfGossip(strings.NewReader("# HELP solsnap_gossip_values x\nsolsnap_gossip_values{kind=\"Vote\"} 3\nother{a=\"gossip\"} 1\nsolsnap_gossip_peers 5\n"))
	check(t, "error", err, nil)
	check(t, "lines", strings.Join(lines, "|"), `solsnap_gossip_values{kind="Vote"} 3|solsnap_gossip_peers 5`)
}

// TestReport has the figures of two samples ten seconds apart.
func TestReport(t *testing.T) {
	var first, last sample
	last.at = first.at.Add(10 * time.Second)
	first.node = usage{time.Second, time.Second, 90 << 20, 100 << 20}
	last.node = usage{2 * time.Second, 1800 * time.Millisecond, 96 << 20, 120 << 20}
	first.lost, last.lost = 3, 5
	last.counts.Born, last.counts.Deliveries, last.counts.Visible = 120_000, 240_000, 80
	last.counts.To[wire.ProtocolPush] = flow{241_000, 250_000, 190_000_000}
	last.counts.From[wire.ProtocolPong] = flow{190, 0, 190 * 132}
	last.counts.Faults[faultPong], last.counts.Examples[faultPong] = 2, "example"
	r := newResult("light", []sample{first, last})
	r.Nodes = 80
	var b bytes.Buffer
	r.print(&b)
	text, err := json.Marshal(r)
	check(t, "error", err, nil)
	b.Write(text)
	for _, want := range []string{
		`"PushMessage":{"packets":241000,`,
		`"faults":{"pongs that answer no ping":2}`,
		"light: 0.18 cores, 96 MiB RSS, in 24.1 k packets/s, out 19 packets/s\n",
		"goals    0.25 cores: ok; 150 MiB: ok\n",
		"0.100 user + 0.080 system",
		"25.0 k values/s, 19.00 MB/s; packets/s: PushMessage 24.1 k\n",
		"12.0 k new values/s, 2.00 copies of each",
		"lost     2 datagrams at the node's socket (5 since the start)",
		"FAULT    2 pongs that answer no ping; the first: example\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("got\n%s\nwant %q", b.String(), want)
		}
	}
}

func TestSettings(t *testing.T) {
	s, err := parseSettings([]string{"-short", "-modes", "full", "-burst", "100000", "--", "node", "{port}"})
	check(t, "error", err, nil)
	check(t, "population", s.population, mainnet)
	check(t, "settle", s.settle, 15*time.Second)
	check(t, "modes", strings.Join(s.modes, "|"), "full")
	check(t, "command", strings.Join(s.command, "|"), "node|{port}")
	for _, args := range []string{"-relayers 0", "-keep 2", "-nodes 70000 -table 500000", "-duration 1ms", "-table 1000000"} {
		if _, err := parseSettings(strings.Fields(args)); err == nil {
			t.Errorf("%s: taken", args)
		}
	}
}

func TestCommandLine(t *testing.T) {
	p, err := newPlace(t.TempDir())
	check(t, "error", err, nil)
	c := newVillage(t)
	line := strings.Join(commandLine(solsnapCommand, p, c.place(c.entrypoint()), "light", "/bin/solsnap", ""), " ")
	for _, want := range []string{"/bin/solsnap serve --ledger " + p.dir + "/ledger", "--entrypoint 127.10.0.80:8001", "--gossip-mode light"} {
		if !strings.Contains(line, want) {
			t.Errorf("got %s, want %q", line, want)
		}
	}
	if strings.ContainsAny(line, "{}") {
		t.Errorf("%s has placeholders", line)
	}
}
