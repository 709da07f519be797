package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"solsnap/snapshot/fetch"
)

// fetchTransport carries requests to where strangers say that they are. Unless
// private addresses are allowed it dials none, so that nobody makes us talk to our
// neighbours, but for the origins that were named, and proxies.
func fetchTransport(allowPrivate bool, origins []string) *http.Transport {
	transport := fetch.NewTransport()
	transport.ResponseHeaderTimeout = 15 * time.Second
	free := net.Dialer{Timeout: 5 * time.Second}
	guarded := free
	guarded.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error { return checkPublic(address) }
	named := map[string]bool{}
	for _, origin := range origins {
		if u, err := url.Parse(origin); err == nil {
			named[hostPort(u)] = true
		}
	}
	proxied := transport.Proxy
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if allowPrivate || named[address] || isProxy(proxied, address) {
			return free.DialContext(ctx, network, address)
		}
		return guarded.DialContext(ctx, network, address)
	}
	return transport
}

// hostPort is what a transport dials for a URL.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" && u.Scheme == "https" {
		port = "443"
	} else if port == "" {
		port = "80"
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// isProxy reports whether the environment names that place as a proxy.
func isProxy(proxy func(*http.Request) (*url.URL, error), address string) bool {
	for _, scheme := range []string{"http", "https"} {
		u, err := proxy(&http.Request{URL: &url.URL{Scheme: scheme, Host: "example.com"}})
		if err == nil && u != nil && hostPort(u) == address {
			return true
		}
	}
	return false
}

// checkPublic refuses an address of our own network.
func checkPublic(address string) error {
	place, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := place.Addr().Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return fmt.Errorf("%s is a private address; --allow-private-addr takes them for real ones", ip)
	}
	return nil
}
