//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// stubMode is the mode of a node that is no more than enough to be loaded: it
// shows what the load itself costs and loses.
const stubMode = "stub"

// solsnapCommand is how the node is run that is measured by default. All but the
// first word may have placeholders.
var solsnapCommand = []string{"{solsnap}", "serve",
	"--ledger", "{dir}/ledger", "--state-dir", "{dir}/state",
	"--bind-address", "127.0.0.1", "--rpc-port", "0", "--admin-address", "{admin}", "--log-level", "warn",
	"--gossip-port", "{port}", "--entrypoint", "{entrypoint}", "--allow-private-addr", "--gossip-mode", "{mode}",
}

// stubCommand is how this program runs itself as a node.
var stubCommand = []string{"{self}", stubMode, "-port", "{port}", "-entrypoint", "{entrypoint}"}

// buildSolsnap compiles the tree in the working directory.
func buildSolsnap(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "solsnap")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "./cmd/solsnap")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build solsnap: %w; run from the repository root or give -solsnap PATH\n%s", err, out)
	}
	return path, nil
}

// place is where a node under test is.
type place struct {
	gossip netip.AddrPort
	admin  string
	dir    string // of its own
}

// newPlace finds free ports, and makes an empty ledger.
func newPlace(dir string) (place, error) {
	p := place{dir: dir}
	if err := os.MkdirAll(filepath.Join(dir, "ledger"), 0o755); err != nil {
		return p, err
	}
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return p, err
	}
	defer func() { _ = udp.Close() }()
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return p, err
	}
	defer func() { _ = tcp.Close() }()
	port := udp.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	p.gossip = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	p.admin = tcp.Addr().String()
	return p, nil
}

// commandLine fills the placeholders of a command.
func commandLine(command []string, p place, entrypoint netip.AddrPort, mode, solsnap, self string) []string {
	fill := strings.NewReplacer(
		"{solsnap}", solsnap, "{self}", self, "{dir}", p.dir, "{admin}", p.admin, "{mode}", mode,
		"{port}", strconv.Itoa(int(p.gossip.Port())), "{entrypoint}", entrypoint.String(),
		"{shred-version}", strconv.Itoa(shredVersion))
	filled := make([]string, len(command))
	for i, word := range command {
		filled[i] = fill.Replace(word)
	}
	return filled
}
