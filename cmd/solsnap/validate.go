package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
)

// validate checks what no setting can know alone. The first contradiction is
// the error; it names the settings and the way out.
func (c Config) validate() error {
	for _, check := range []func() error{c.checkListeners, c.checkTLS, c.checkAdmin, c.checkPorts, c.checkUpstream, c.checkRates} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c Config) checkListeners() error {
	if len(c.BindAddresses) == 0 {
		return errors.New("bind-address names no address")
	}
	for i, addr := range c.RPCBindAddresses {
		if j := slices.IndexFunc(c.RPCBindAddresses[i+1:], overlaps(addr)); j >= 0 {
			return fmt.Errorf("rpc-bind-address (or bind-address) %s and %s overlap; one of them is enough", addr, c.RPCBindAddresses[i+1+j])
		}
	}
	if !c.PrivateRPC {
		return nil
	}
	for _, addr := range c.RPCBindAddresses {
		if !addr.IsLoopback() {
			return fmt.Errorf("private-rpc listens on loopback alone, but rpc-bind-address is %s; leave one of them out", addr)
		}
	}
	return nil
}

func (c Config) checkTLS() error {
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		return errors.New("tls-cert needs tls-key")
	case c.TLSKey != "" && c.TLSCert == "":
		return errors.New("tls-key needs tls-cert")
	}
	return nil
}

func (c Config) checkAdmin() error {
	if c.AdminAddress.IsValid() && !c.AdminAddress.Addr().IsLoopback() && c.AdminTokenFile == "" {
		return fmt.Errorf("admin-address %s is open to the network; give admin-token-file or a loopback address", c.AdminAddress)
	}
	return nil
}

// checkPorts finds two of our own listeners in each other's way, where bind(2)
// would only say that the address is in use.
func (c Config) checkPorts() error {
	if c.TLSCert != "" && c.TLSPort != 0 && c.TLSPort == c.RPCPort {
		return fmt.Errorf("tls-port and rpc-port are both %d", c.RPCPort)
	}
	admin := c.AdminAddress
	if !admin.IsValid() || admin.Port() == 0 || !slices.ContainsFunc(c.RPCBindAddresses, overlaps(admin.Addr())) {
		return nil
	}
	if admin.Port() == c.RPCPort {
		return fmt.Errorf("admin-address %s is also where rpc-port listens", admin)
	}
	if c.TLSCert != "" && admin.Port() == c.TLSPort {
		return fmt.Errorf("admin-address %s is also where tls-port listens", admin)
	}
	return nil
}

// overlaps tells whether one port could not be listened on at both addresses.
func overlaps(a netip.Addr) func(netip.Addr) bool {
	return func(b netip.Addr) bool { return a == b || covers(a, b) || covers(b, a) }
}

// covers tells whether a socket on all addresses takes those of b too. One on ::
// is for IPv6 alone, see package api.
func covers(all, b netip.Addr) bool {
	return all.IsUnspecified() && all.Is4() == b.Is4()
}

// checkUpstream says nothing of the URL that could hold a key.
func (c Config) checkUpstream() error {
	if c.UpstreamRPC == "" {
		return nil
	}
	u, err := url.Parse(c.UpstreamRPC)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("upstream-rpc is no http or https URL; want one such as http://127.0.0.1:8899")
	}
	return nil
}

// checkRates finds limits under which healthy downloads would be dropped for
// being slow. One that is held to exactly the minimum falls below it now and then.
func (c Config) checkRates() error {
	slowest := c.MinimumProgressRate
	if slowest == 0 {
		return nil
	}
	if c.DownloadRate > 0 && c.DownloadRate <= slowest {
		return fmt.Errorf("download-rate %s is not above minimum-progress-rate %s: every download would be dropped", c.DownloadRate, slowest)
	}
	if c.TotalDownloadRate == 0 {
		return nil
	}
	if room := (c.TotalDownloadRate - 1) / slowest; c.MaxDownloads == 0 || ByteSize(c.MaxDownloads) > room {
		return fmt.Errorf("total-download-rate %s is enough for %d downloads at minimum-progress-rate %s; more would be dropped: lower max-downloads or minimum-progress-rate",
			c.TotalDownloadRate, room, slowest)
	}
	return nil
}
