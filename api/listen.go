package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// listen binds a TCP socket to host:port. An IPv6 address gets a socket of its
// own (IPV6_V6ONLY), so that 0.0.0.0 and :: can stand side by side on one port;
// everything else is IPv4, a host name included, because gossip clients dial
// IPv4 only. Port 0 takes any free port.
func listen(ctx context.Context, address string) (*net.TCPListener, error) {
	network, err := networkOf(address)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w%s", address, err, nextStep(err))
	}
	return l.(*net.TCPListener), nil
}

// networkOf is the network that net.Listen is asked for.
func networkOf(address string) (string, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("listen address %q is not HOST:PORT (an IPv6 host stands in brackets): %w", address, err)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && !ip.Is4In6() {
		return "tcp6", nil
	}
	return "tcp4", nil
}

// nextStep is what somebody at a terminal does about a failed bind.
func nextStep(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "; another program, or another of our own listen addresses, has this port: choose another, or stop that program"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "; no interface of this host has this address: choose one that `ip address` shows"
	case errors.Is(err, syscall.EACCES):
		return "; ports below 1024 need CAP_NET_BIND_SERVICE: grant it, or choose a higher port"
	default:
		return ""
	}
}
