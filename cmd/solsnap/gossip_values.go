package main

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"

	"github.com/spf13/pflag"

	"solsnap/gossip"
	"solsnap/gossip/wire"
)

// GossipPort is the UDP and TCP port of gossip, noGossip or anyPort.
type GossipPort int

const (
	noGossip GossipPort = 0
	anyPort  GossipPort = -1
)

// anyPortWord is what people type for anyPort. 0 is taken: with Agave's port of
// 8001 in everybody's mind, no port is no gossip.
const anyPortWord = "auto"

// String is what was typed.
func (p GossipPort) String() string {
	if p == anyPort {
		return anyPortWord
	}
	return strconv.Itoa(int(p))
}

// number is what to bind; 0 takes a free one.
func (p GossipPort) number() uint16 { return uint16(max(p, 0)) }

func gossipPortValue(field *GossipPort) pflag.Value {
	parse := func(s string) (GossipPort, error) {
		if s == anyPortWord {
			return anyPort, nil
		}
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("want a whole number, 0 to %d, or %s", math.MaxUint16, anyPortWord)
		}
		return GossipPort(n), nil
	}
	return &value[GossipPort]{field, "port", parse, GossipPort.String}
}

// splitHostPort takes HOST:PORT apart. The host is an IPv4 address or a name:
// no node of gossip has another.
func splitHostPort(s string) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(s)
	n, digitsErr := strconv.ParseUint(digits, 10, 16)
	if err != nil || digitsErr != nil || host == "" || n == 0 {
		return "", 0, fmt.Errorf("want HOST:PORT, such as entrypoint.mainnet-beta.solana.com:8001")
	}
	return host, uint16(n), checkHost(host)
}

// checkHost refuses an address that no node of gossip can have.
func checkHost(host string) error {
	addr, err := netip.ParseAddr(host)
	if err == nil && (!addr.Is4() || addr.IsUnspecified() || addr.IsMulticast()) {
		return fmt.Errorf("want an IPv4 address that others can reach, or a name")
	}
	return nil
}

func parseHostPort(s string) (string, error) {
	_, _, err := splitHostPort(s)
	return s, err
}

func hostPortList(field *[]string) pflag.Value {
	same := func(s string) string { return s }
	return &list[string]{field: field, kind: "host:port", parse: parseHostPort, print: same}
}

// hostPortValue takes nothing as none.
func hostPortValue(field *string) pflag.Value {
	return optionalText(field, "host:port", parseHostPort)
}

// hostValue takes nothing as none.
func hostValue(field *string) pflag.Value {
	return optionalText(field, "host", func(s string) (string, error) { return s, checkHost(s) })
}

func optionalText(field *string, kind string, parse func(string) (string, error)) pflag.Value {
	optional := func(s string) (string, error) {
		if s == "" {
			return "", nil
		}
		return parse(s)
	}
	return &value[string]{field, kind, optional, func(s string) string { return s }}
}

// shredVersionValue takes nothing as 0, which no cluster has.
func shredVersionValue(field *uint16) pflag.Value {
	text := func(n uint16) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(int(n))
	}
	parse := func(s string) (uint16, error) {
		if s == "" {
			return 0, nil
		}
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("want a whole number, 1 to %d", math.MaxUint16)
		}
		return uint16(n), nil
	}
	return &value[uint16]{field, "number", parse, text}
}

func gossipModeValue(field *gossip.Mode) pflag.Value {
	parse := func(s string) (mode gossip.Mode, _ error) {
		if err := mode.UnmarshalText([]byte(s)); err != nil {
			return 0, fmt.Errorf("want light or full")
		}
		return mode, nil
	}
	return &value[gossip.Mode]{field, "light|full", parse, gossip.Mode.String}
}

func pubkeyList(field *[]wire.Pubkey) pflag.Value {
	return &list[wire.Pubkey]{field: field, kind: "pubkey", parse: wire.ParsePubkey, print: wire.Pubkey.String}
}
