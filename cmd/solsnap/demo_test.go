package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"solsnap/gossip"
	"solsnap/snapshot"
)

// newDemo serves with the given function and writes to stdout.
func newDemo(t *testing.T, serve func(context.Context, Config, serveOptions) error) (*demo, *bytes.Buffer) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	stdout := new(bytes.Buffer)
	return &demo{
		admin: netip.AddrPortFrom(loopback, 8898), gossip: demoGossipPort, interval: 20 * time.Second,
		stdout: stdout, log: slog.New(slog.DiscardHandler), serve: serve,
	}, stdout
}

func TestDemoServesAPairOnLoopback(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var seen Config
	d, stdout := newDemo(t, func(ctx context.Context, c Config, opts serveOptions) error {
		seen = c
		if names := archivesIn(t, c.FullDir); len(names) != 2 || names[0].Kind != snapshot.Full || names[1].Base != names[0].Slot {
			t.Errorf("the first archives are %v, want a pair", names)
		}
		opts.ready(endpoints{
			public: []net.Addr{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4321}},
			admin:  []net.Addr{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4322}},
			gossip: netip.AddrPortFrom(loopback, 4323),
		})
		cancel()
		<-ctx.Done()
		return nil
	})
	if err := d.run(ctx); err != nil {
		t.Fatal(err)
	}
	if len(seen.RPCBindAddresses) != 1 || seen.RPCBindAddresses[0] != loopback || seen.AdminAddress != netip.AddrPortFrom(loopback, 0) {
		t.Errorf("listens on %v and %v, want free ports of loopback", seen.RPCBindAddresses, seen.AdminAddress)
	}
	if seen.GossipPort != anyPort || seen.GossipMode != gossip.Full || !seen.AllowPrivateAddr || len(seen.Entrypoints) > 0 {
		t.Errorf("gossips on port %v in mode %v, want a free one, full, and to be its own cluster", seen.GossipPort, seen.GossipMode)
	}
	for _, command := range []string{
		"http://127.0.0.1:4321/snapshot.tar.bz2", "--range 0-99", "/genesis.tar.bz2", "/health",
		"getHighestSnapshotSlot", "/v1/snapshots", "http://127.0.0.1:4322/metrics",
		" peers --entrypoint 127.0.0.1:4323\n", " inspect http://127.0.0.1:4321/incremental-snapshot.tar.zst", " verify " + seen.Ledger,
	} {
		if !strings.Contains(stdout.String(), command) {
			t.Errorf("the instructions do not have %s:\n%s", command, stdout)
		}
	}
	if _, err := os.Stat(seen.Ledger); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the temporary ledger is still there: %v", err)
	}
	if entries, _ := os.ReadDir(os.Getenv("TMPDIR")); len(entries) > 0 {
		t.Errorf("left %v", entries)
	}
}

// TestDemoPortsThatWereChosen are kept, with a free port for RPC or without.
func TestDemoPortsThatWereChosen(t *testing.T) {
	for _, port := range []uint16{0, 8899} {
		d, _ := newDemo(t, nil)
		d.port, d.gossip, d.admin = port, 9001, netip.AddrPortFrom(loopback, 9002)
		c, err := d.config(t.TempDir())
		if err != nil || c.RPCPort != port || c.GossipPort != 9001 || c.AdminAddress.Port() != 9002 {
			t.Errorf("ports %d, %v, %v, %v", c.RPCPort, c.GossipPort, c.AdminAddress, err)
		}
	}
}

func TestDemoTakenPort(t *testing.T) {
	d, _ := newDemo(t, func(context.Context, Config, serveOptions) error {
		return fmt.Errorf("listen: %w", syscall.EADDRINUSE)
	})
	err := d.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "`solsnap demo --rpc-port 0` takes free ports") {
		t.Errorf("error is %v, want the way out", err)
	}
}

func TestDemoKeepsALedgerThatWasNamed(t *testing.T) {
	d, _ := newDemo(t, func(context.Context, Config, serveOptions) error { return nil })
	d.ledger = filepath.Join(t.TempDir(), "new")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.run(ctx); err != nil {
		t.Fatal(err)
	}
	if names := archivesIn(t, d.ledger); len(names) != 2 {
		t.Errorf("the ledger has %v, want the first pair", names)
	}
}
