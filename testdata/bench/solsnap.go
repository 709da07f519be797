//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// solsnap is what is measured.
type solsnap struct {
	path  string
	files files
	core  int
}

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

func (s *solsnap) name() string { return "solsnap" }

// launch runs serve as it runs by default, but for the caps on downloads: all
// of ours come from one address.
func (s *solsnap) launch(_ context.Context, rate int64) (*server, error) {
	addresses, err := freeAddresses(3)
	if err != nil {
		return nil, err
	}
	p, err := startProcess(s.core, s.path, "serve",
		"--ledger", s.files.ledger, "--snapshots", s.files.snapshots,
		"--state-dir", filepath.Join(s.files.dir, "state"),
		"--bind-address", "127.0.0.1", "--rpc-port", portOf(addresses[0]),
		"--tls-port", portOf(addresses[1]), "--tls-cert", s.files.cert, "--tls-key", s.files.key,
		"--admin-address", addresses[2],
		"--max-downloads", "4096", "--max-downloads-per-client", "4096",
		"--digest-rate", "1GiB", "--download-rate", strconv.FormatInt(rate, 10),
		"--log-level", "warn")
	if err != nil {
		return nil, err
	}
	return &server{process: p, address: addresses[0], tlsAddress: addresses[1], admin: addresses[2], rate: rate}, nil
}

// ready waits until the digests are computed and remembered in the state
// directory, or until they should long have been.
func (s *solsnap) ready(ctx context.Context, srv *server) error {
	const slowest = 40 << 20 // bytes per second
	patience := 10*time.Second + time.Duration(float64(s.files.size)/slowest*float64(time.Second))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		known, err := s.digested(ctx, srv)
		if known || err != nil {
			return err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the digest of %s for %s: %w", s.files.archive, patience, err)
		}
	}
}

// digested asks the catalogue.
func (s *solsnap) digested(ctx context.Context, srv *server) (bool, error) {
	var catalogue struct {
		SHA256 *string `json:"sha256"`
	}
	body, err := srv.fetch(ctx, http.MethodGet, "/v1/snapshots/"+s.files.archive, "")
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal([]byte(body), &catalogue); err != nil {
		return false, fmt.Errorf("read catalogue: %w", err)
	}
	return catalogue.SHA256 != nil, nil
}

// answers are those of the running server.
func (s *solsnap) answers(ctx context.Context, srv *server) (answers, error) {
	health, err := srv.fetch(ctx, http.MethodGet, "/health", "")
	if err != nil {
		return answers{}, err
	}
	rpc, err := srv.fetch(ctx, http.MethodPost, "/", rpcCall)
	return answers{Health: health, RPC: rpc}, err
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
