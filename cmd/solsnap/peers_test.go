package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/gossip"
	"solsnap/gossip/wire"
)

// lookingCommand looks for 30 s with a node that has the given peers.
func lookingCommand(t *testing.T, peers func() []gossip.Peer, flags ...string) (*peersCommand, *fakeNode, *strings.Builder) {
	t.Helper()
	stdout, node := new(strings.Builder), &fakeNode{end: make(chan error, 1), peers: peers}
	joins := joiner{
		config: load(t, append([]string{"--entrypoint", "127.0.0.1:8001"}, flags...)...),
		stderr: new(strings.Builder), log: slog.New(slog.DiscardHandler), held: new(heldLog),
		build: func(c gossip.Config) (gossipNode, error) { node.config = c; return node, nil },
	}
	return &peersCommand{joiner: joins, timeout: 30 * time.Second, view: peersView{sort: "slot"}, stdout: stdout}, node, stdout
}

// met are three producers and a node that serves nothing.
func met() []gossip.Peer {
	near, far, known := announcer(1, "203.0.113.1:8001", 100), announcer(2, "203.0.113.2:8001", 100), announcer(3, "203.0.113.3:8001", 100)
	near.Snapshots.Incremental = &wire.SlotHash{Slot: 150, Hash: wire.Hash{7}}
	known.Snapshots.Incremental = &wire.SlotHash{Slot: 150, Hash: wire.Hash{7}}
	near.RPC = netip.MustParseAddrPort("203.0.113.1:8899")
	near.RTT, far.RTT = 12345*time.Microsecond, 80*time.Millisecond
	near.Announced = time.UnixMilli(1_790_000_000_500)
	near.Info = &wire.ContactInfo{Wallclock: 1_790_000_000_000, ShredVersion: 50093, Version: wire.Version{Major: 4, Minor: 1, Client: 3}}
	far.Info = &wire.ContactInfo{Version: wire.Version{Major: 4, Minor: 2, Client: 3}}
	silent := announcer(4, "203.0.113.4:8001", 0)
	silent.Snapshots = nil
	return []gossip.Peer{silent, far, known, near}
}

// TestPeersJSON: scripts read it.
func TestPeersJSON(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		p, _, stdout := lookingCommand(t, met)
		p.asJSON, p.view.withRPC, p.view.known = true, true, []wire.Pubkey{{3}}
		if err := p.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		const want = `[
  {
    "pubkey": "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM",
    "gossip": "203.0.113.1:8001",
    "rpc": "203.0.113.1:8899",
    "version": "4.1.0",
    "client": "Agave",
    "shredVersion": 50093,
    "full": {
      "slot": 100,
      "hash": "11111111111111111111111111111111"
    },
    "incremental": {
      "slot": 150,
      "hash": "UKrXU5bFrTzrqqpZXs8GVDbp4xPweiM65ADXNAy3ddR"
    },
    "slotsBehind": 0,
    "wallclock": 1790000000000,
    "announced": "2026-09-21T14:13:20.5Z",
    "rttMs": 12.345,
    "known": false,
    "vouched": true
  }
]
`
		if stdout.String() != want {
			t.Errorf("got %s", stdout)
		}
	})
}

// TestPeersOfNothingKnown are null, not missing.
func TestPeersOfNothingKnown(t *testing.T) {
	v := peersView{sort: "slot", all: true}
	rows := v.rows([]gossip.Peer{{Info: new(wire.ContactInfo)}})
	text, err := json.Marshal(rows)
	if err != nil || !strings.Contains(string(text), `"gossip":null,"rpc":null`) ||
		!strings.Contains(string(text), `"full":null,"incremental":null,"slotsBehind":null`) || !strings.Contains(string(text), `"announced":null,"rttMs":null`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestPeersTable(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		p, _, stdout := lookingCommand(t, met)
		p.view.known = []wire.Pubkey{{3}}
		if err := p.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		const want = "" +
			"PUBKEY                                       RPC               VERSION           FULL  INCREMENTAL  BEHIND  RTT      TRUST\n" +
			"4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM  203.0.113.1:8899  Agave 4.1.0       100   150          0       12.3 ms  vouched\n" +
			"CiDwVBFgWV9E5MvXWoLgnEgn2hK7rJikbvfWavzAQz3  -                 SolanaLabs 0.0.0  100   150          0       -        known\n" +
			"8opHzTAnfzRpPEx21XtnrVTX28YQuCpAjcn1PczScKh  -                 Agave 4.2.0       100   -            50      80.0 ms  vouched\n"
		if stdout.String() != want {
			t.Errorf("got\n%swant\n%s", stdout, want)
		}
	})
}

// TestPeersView: which are shown, and in which order, by the first byte of their
// keys.
func TestPeersView(t *testing.T) {
	for name, tt := range map[string]struct {
		view peersView
		want string
	}{
		"producers":  {peersView{sort: "slot"}, "132"},
		"all":        {peersView{sort: "slot", all: true}, "1324"},
		"by rtt":     {peersView{sort: "rtt"}, "123"},
		"by version": {peersView{sort: "version"}, "213"},
		"by pubkey":  {peersView{sort: "pubkey", all: true}, "1234"},
		"min slot":   {peersView{sort: "slot", minSlot: 150}, "13"},
		"with rpc":   {peersView{sort: "slot", withRPC: true, all: true}, "1"},
		"only known": {peersView{sort: "slot", onlyKnown: true, known: []wire.Pubkey{{2}}}, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, row := range tt.view.rows(met()) {
				got += string('0' + rune(row.Pubkey[0]))
			}
			if tt.view.sort == "pubkey" { // base58 has an order of its own
				got = string(slices.Sorted(slices.Values([]byte(got))))
			}
			if got != tt.want {
				t.Errorf("shows %s, want %s", got, tt.want)
			}
		})
	}
}

// TestPeersEndWhenNothingIsNew: ten seconds after the last producer that was
// new, however many nodes without snapshots come later.
func TestPeersEndWhenNothingIsNew(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		p, node, _ := lookingCommand(t, func() []gossip.Peer {
			switch passed := time.Since(started); {
			case passed < 3*time.Second:
				return met()[:1] // no producer yet: this does not end it
			case passed < 7*time.Second:
				return met()[1:2]
			default:
				return met()[:3]
			}
		})
		if err := p.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(started); took < 17*time.Second || took > 17*time.Second+lookInterval {
			t.Errorf("ended after %v, want 17 s", took)
		}
		if node.config.RPC.IsValid() || node.config.Mode != gossip.Light || node.config.LoadContactInfos != nil || !node.config.AllowPrivate {
			t.Errorf("joined as %+v, want a node that serves nothing and takes the entrypoint's loopback", node.config)
		}
	})
}

func TestPeersEndings(t *testing.T) {
	isolate(t)
	none := func() []gossip.Peer { return nil }
	for name, tt := range map[string]struct {
		peers  func() []gossip.Peer
		flags  []string
		edit   func(*peersCommand, *fakeNode)
		want   string
		stdout string
	}{
		"nobody": {peers: none, want: "no entrypoint answered; check that UDP goes to 127.0.0.1:8001 and comes back to port 4444 here, that their TCP can be reached"},
		"nobody of that cluster": {peers: none, flags: []string{"--expected-shred-version", "5"},
			want: "and that the cluster's shred version is 5"},
		"no producer": {peers: func() []gossip.Peer { return met()[:1] },
			want: "none of the 1 nodes that were found announces a snapshot; --all lists those without snapshots too"},
		"no producer, in JSON": {peers: func() []gossip.Peer { return met()[:1] },
			edit: func(p *peersCommand, _ *fakeNode) { p.asJSON = true }, want: "none of the 1 nodes", stdout: "[]\n"},
		"filtered away": {peers: met, edit: func(p *peersCommand, _ *fakeNode) { p.view.minSlot = 900 }, want: "announces a snapshot at slot 900 or above"},
		"gossip fails":  {peers: none, edit: func(_ *peersCommand, n *fakeNode) { n.end <- errors.New("no network") }, want: "no network"},
		"taken port":    {peers: none, edit: func(_ *peersCommand, n *fakeNode) { n.listenErr = errors.New("port is taken") }, want: "port is taken"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, node, stdout := lookingCommand(t, tt.peers, tt.flags...)
				if tt.edit != nil {
					tt.edit(p, node)
				}
				err := p.run(t.Context())
				if err == nil || !strings.Contains(err.Error(), tt.want) || stdout.String() != tt.stdout {
					t.Errorf("error is %v and output %q, want %q and %q", err, stdout, tt.want, tt.stdout)
				}
			})
		})
	}
}

// TestPeersInterrupted: what was found until then counts.
func TestPeersInterrupted(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		p, _, stdout := lookingCommand(t, met)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.run(ctx); err != nil || strings.Count(stdout.String(), "\n") != 4 {
			t.Errorf("%v\n%s", err, stdout)
		}
	})
}

// TestPeersLogTheirProgress where there is no terminal.
func TestPeersLogTheirProgress(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		p, _, _ := lookingCommand(t, func() []gossip.Peer { return met()[:1] })
		p.log = slog.New(slog.NewTextHandler(log, nil))
		p.timeout = 25 * time.Second
		_ = p.run(t.Context()) // it finds no producer
		if got := strings.Count(log.String(), "nodes=1 with_snapshots=0"); got != 2 {
			t.Errorf("%d lines in 25 s, want 2:\n%s", got, log)
		}
	})
}
