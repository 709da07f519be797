package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// gossipAddr is the address that gossip listens on, the first of IPv4; invalid
// when there is none.
func (c Config) gossipAddr() netip.Addr {
	i := slices.IndexFunc(c.BindAddresses, netip.Addr.Is4)
	if i < 0 {
		return netip.Addr{}
	}
	return c.BindAddresses[i]
}

func (c Config) checkGossip() error {
	switch {
	case c.PrivateRPC && c.PublicRPCAddress != "":
		return errors.New("private-rpc and public-rpc-address exclude each other; leave one of them out")
	case c.ReturnAt >= c.WithdrawAt:
		return fmt.Errorf("return-at %v is not below withdraw-at %v: gossip would say one thing and the other in turn", c.ReturnAt, c.WithdrawAt)
	case c.GossipPort == noGossip:
		return nil
	case !c.gossipAddr().IsValid():
		return errors.New("gossip needs an IPv4 address among bind-address, such as 0.0.0.0; or set gossip-port 0 for no gossip")
	}
	if err := c.checkPublic("gossip-host", c.GossipHost); err != nil {
		return err
	}
	if c.PublicRPCAddress == "" {
		return nil
	}
	host, _, err := splitHostPort(c.PublicRPCAddress)
	if err != nil {
		return fmt.Errorf("public-rpc-address: %w", err)
	}
	return c.checkPublic("public-rpc-address", host)
}

// checkPublic finds an address that other nodes would not believe. Whether that
// of a name is one, only serve finds out.
func (c Config) checkPublic(setting, host string) error {
	addr, err := netip.ParseAddr(host)
	if err != nil || c.isPublic(addr) {
		return nil
	}
	return fmt.Errorf("%s %s is private, and no node takes that for an address; give the public one, or allow-private-addr in a cluster of your own", setting, addr)
}

// isPublic reports whether other nodes take the address for one.
func (c Config) isPublic(addr netip.Addr) bool {
	return c.AllowPrivateAddr || !addr.IsPrivate() && !addr.IsLoopback()
}

// checkGossipPort finds another of our own listeners where gossip answers IP echo,
// which is TCP on the port of gossip.
func (c Config) checkGossipPort() error {
	port, addr := c.GossipPort.number(), c.gossipAddr()
	if port == 0 || !addr.IsValid() {
		return nil
	}
	shared := slices.ContainsFunc(c.RPCBindAddresses, overlaps(addr))
	admin := c.AdminAddress
	switch {
	case shared && port == c.RPCPort:
		return fmt.Errorf("gossip-port and rpc-port are both %d", port)
	case shared && port == c.TLSPort && c.TLSCert != "":
		return fmt.Errorf("gossip-port and tls-port are both %d", port)
	case admin.IsValid() && port == admin.Port() && overlaps(addr)(admin.Addr()):
		return fmt.Errorf("admin-address %s is also where gossip-port listens", admin)
	}
	return nil
}
