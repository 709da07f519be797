package gossip

import (
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/netip"

	"solsnap/gossip/wire"
)

// Config is what a Node is made of. Key is required, and a zero field has the
// default that is named with it.
type Config struct {
	// Key is the node's identity, whole as ed25519 makes it. Two nodes must not
	// run with the same one.
	Key ed25519.PrivateKey
	// Listen is where gossip listens over UDP and IP echo over TCP, 0.0.0.0 and a
	// free port by default. It is IPv4, as all of gossip.
	Listen netip.AddrPort
	// Host is the address to advertise. By default it is that of Listen if that
	// names one that others can reach, and else what the entrypoints see.
	Host netip.Addr
	// RPC is where snapshots and JSON-RPC are served. An address that is invalid or
	// unspecified stands for Host; port 0 advertises no RPC.
	RPC netip.AddrPort
	// Entrypoints are HOST:PORT of nodes to join the cluster by. Without any, the
	// node waits to be found.
	Entrypoints []string
	// ShredVersion tells clusters, and their forks, apart. 0 asks the entrypoints.
	ShredVersion uint16
	// KnownValidators are kept in the table when there are too many nodes, as are we
	// and the entrypoints.
	KnownValidators []wire.Pubkey
	// AllowPrivate takes private and loopback addresses for real ones, for clusters
	// of one's own.
	AllowPrivate bool
	Mode         Mode
	// Version is the software to name. Nothing depends on it.
	Version wire.Version
	// LoadContactInfos and SaveContactInfos keep the known contact infos from one
	// run to the next, in the form of Agave's contact-info.bin, for a fast rejoin.
	// Both may be nil. Loading is tried once, at the start; saving is called from a
	// goroutine of Run, one call at a time, once a minute and at the end. The bytes
	// belong to the callee.
	LoadContactInfos func() ([]byte, error)
	SaveContactInfos func([]byte) error
	Limits           Limits
	// Logger is nil to discard.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if len(c.Key) != ed25519.PrivateKeySize {
		return c, fmt.Errorf("gossip: key has %d bytes, want %d", len(c.Key), ed25519.PrivateKeySize)
	}
	if !c.Listen.Addr().IsValid() {
		c.Listen = netip.AddrPortFrom(netip.IPv4Unspecified(), c.Listen.Port())
	}
	if !c.Listen.Addr().Is4() {
		return c, fmt.Errorf("gossip: listen address %v, want an IPv4 address: no node takes IPv6 in a contact info", c.Listen)
	}
	if listen := c.Listen.Addr(); !c.Host.IsValid() && !listen.IsUnspecified() &&
		(!isLocal(listen) || c.AllowPrivate || len(c.Entrypoints) == 0) {
		c.Host = listen
	}
	if c.Host.IsValid() && (!c.Host.Is4() || c.Host.IsUnspecified() || c.Host.IsMulticast()) {
		return c, fmt.Errorf("gossip: host %v, want an IPv4 address by which others reach this node", c.Host)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Limits = c.Limits.withDefaults(c.Mode)
	return c, nil
}
