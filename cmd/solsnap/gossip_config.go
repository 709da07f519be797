package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"solsnap/gossip"
	"solsnap/gossip/wire"
	"solsnap/snapshot/durable"
)

// gossipConfig is the node's part of the settings, all but the addresses to
// advertise.
func gossipConfig(cfg Config) gossip.Config {
	return gossip.Config{
		Listen:          netip.AddrPortFrom(cfg.gossipAddr(), cfg.GossipPort.number()),
		Entrypoints:     cfg.Entrypoints,
		ShredVersion:    cfg.ExpectedShredVersion,
		KnownValidators: cfg.KnownValidators,
		AllowPrivate:    cfg.AllowPrivateAddr,
		Mode:            cfg.GossipMode,
		Version:         ownVersion(readBuildInfo()),
		Limits: gossip.Limits{
			AnnounceInterval: cfg.GossipAnnounceInterval,
			PullBudget:       int(cfg.GossipPullRate+9) / 10, // for each 100 ms
			PingRate:         cfg.GossipPingRate,
			PongRate:         cfg.GossipPongRate,
			Pubkeys:          cfg.GossipMaxNodes,
		},
	}
}

// ownClient is the client that we say to be: none of Agave's table, in which all
// below 100 are to be assigned.
const ownClient = 's'<<8 | 'n'

// ownVersion is that of the build for gossip, 0.0.0 where it has none.
func ownVersion(info buildInfo) wire.Version {
	v := wire.Version{FeatureSet: agaveFeatureSet, Client: ownClient}
	release, _, _ := strings.Cut(strings.TrimPrefix(info.Version, "v"), "-")
	numbers := strings.Split(release, ".")
	for i, field := range []*uint16{&v.Major, &v.Minor, &v.Patch} {
		if i < len(numbers) {
			n, _ := strconv.ParseUint(numbers[i], 10, 14) // a minor has no more
			*field = uint16(n)
		}
	}
	if commit, err := hex.DecodeString(info.Revision[:min(8, len(info.Revision))]); err == nil && len(commit) == 4 {
		v.Commit = binary.BigEndian.Uint32(commit)
	}
	return v
}

// keepContactInfos makes the node begin with those that it knew when it ended.
func keepContactInfos(c *gossip.Config, stateDir string) {
	path := filepath.Join(stateDir, "contact-info.bin")
	c.LoadContactInfos = func() ([]byte, error) { return readContactInfos(path) }
	c.SaveContactInfos = func(b []byte) error {
		if err := os.MkdirAll(stateDir, 0o700); err != nil {
			return err
		}
		return durable.WriteFile(path, 0o600, func(w io.Writer) error {
			_, err := w.Write(b)
			return err
		})
	}
}

// maxContactInfos is more than 100,000 nodes take.
const maxContactInfos = 32 << 20

// readContactInfos is nil where there is no file yet.
func readContactInfos(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxContactInfos))
}

// places are what to advertise, with names resolved.
type places struct {
	host netip.Addr     // invalid: the node has to find out
	rpc  netip.AddrPort // invalid address: on host; port 0: nowhere
}

// resolvePlaces decides what to advertise. The RPC port is the one that was bound.
func (c Config) resolvePlaces(ctx context.Context, rpcPort uint16) (places, error) {
	var p places
	named, err := resolveIPv4(ctx, c.GossipHost)
	if err != nil {
		return places{}, fmt.Errorf("gossip-host: %w", err)
	}
	p.host = c.advertisedHost(named)
	if c.PublicRPCAddress == "" {
		p.rpc = c.advertisedRPC(p.host, rpcPort)
		return p, nil
	}
	host, port, err := splitHostPort(c.PublicRPCAddress)
	if err == nil {
		named, err = resolveIPv4(ctx, host)
	}
	if err != nil {
		return places{}, fmt.Errorf("public-rpc-address: %w", err)
	}
	p.rpc = netip.AddrPortFrom(named, port)
	return p, nil
}

// advertisedHost is invalid when the node has to find out.
func (c Config) advertisedHost(named netip.Addr) netip.Addr {
	if listen := c.gossipAddr(); !named.IsValid() && !listen.IsUnspecified() {
		return listen
	}
	return named
}

// advertisedRPC is on host, unless nobody who is sent there would get through.
func (c Config) advertisedRPC(host netip.Addr, port uint16) netip.AddrPort {
	answers := func(bound netip.Addr) bool { return bound.Is4() && (!bound.IsLoopback() || host.IsLoopback()) }
	if c.PrivateRPC || !slices.ContainsFunc(c.RPCBindAddresses, answers) {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.Addr{}, port)
}

// resolveIPv4 is invalid for no name.
func resolveIPv4(ctx context.Context, host string) (netip.Addr, error) {
	if host == "" {
		return netip.Addr{}, nil
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return netip.Addr{}, err
	}
	return found[0].Unmap(), nil
}
