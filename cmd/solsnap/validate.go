package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"solsnap/api"
	"solsnap/rpc"
)

// validate checks what no setting can know alone. The first contradiction is
// the error; it names the settings and the way out.
func (c Config) validate() error {
	for _, check := range []func() error{c.checkDirectories, c.checkListeners, c.checkTLS, c.checkAdmin, c.checkPorts, c.checkGossip, c.checkGossipPort, c.checkUpstream, c.checkRates} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c Config) checkDirectories() error {
	if c.Ledger == "" {
		return errors.New("ledger names no directory")
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
	if c.listensAt(u) {
		return fmt.Errorf("upstream-rpc is our own rpc-port %d: it would ask itself; name the validator's RPC", c.RPCPort)
	}
	for _, name := range c.UpstreamRPCMethods {
		if !slices.Contains(rpc.KnownMethods, name) {
			return fmt.Errorf("upstream-rpc-methods: %q is not a method%s", name, suggest(name, rpc.KnownMethods, "%q", ""))
		}
	}
	if _, err := rpc.NewUpstream(rpc.UpstreamConfig{URL: c.UpstreamRPC, Methods: c.UpstreamRPCMethods}); err != nil {
		return fmt.Errorf("upstream-rpc: %w", err)
	}
	return nil
}

// listensAt reports whether the URL leads to our own plaintext port.
func (c Config) listensAt(u *url.URL) bool {
	if c.RPCPort == 0 || u.Port() != strconv.Itoa(int(c.RPCPort)) {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if u.Hostname() == "localhost" {
		addr, err = loopback, nil
	}
	return err == nil && slices.ContainsFunc(c.RPCBindAddresses, func(own netip.Addr) bool {
		return own == addr || covers(own, addr) && addr.IsLoopback()
	})
}

// checkFiles reads what serve reads as it starts, to find out whether it can. It
// makes nothing.
func (c Config) checkFiles() error {
	if c.TLSCert != "" {
		if _, err := api.LoadCertificate(c.TLSCert, c.TLSKey, nil); err != nil {
			return err
		}
	}
	if c.Identity != "" {
		if _, err := loadIdentity(c, slog.New(slog.DiscardHandler)); err != nil {
			return err
		}
	}
	_, err := readToken(c.AdminTokenFile)
	return err
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
	const pieces = 16 // the part of the total that ranges without a slot may always have
	if room := (c.TotalDownloadRate - c.TotalDownloadRate/pieces - 1) / slowest; c.MaxDownloads == 0 || ByteSize(c.MaxDownloads) > room {
		return fmt.Errorf("total-download-rate %s is enough for %d downloads at minimum-progress-rate %s; more would be dropped: lower max-downloads or minimum-progress-rate",
			c.TotalDownloadRate, room, slowest)
	}
	return nil
}
