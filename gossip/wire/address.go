package wire

import (
	"errors"
	"fmt"
	"net/netip"
)

// errAddress means that there is no address to write.
var errAddress = errors.New("no address, or one with a zone")

// address walks an IP address: a tag for its family, and its bytes.
func (c *codec) address(name string, v *netip.Addr) {
	if c.writing {
		c.writeAddress(name, *v)
		return
	}
	var family uint32
	c.uint32(name, &family)
	switch family {
	case 0:
		var octets [4]byte
		c.array(name, octets[:])
		*v = netip.AddrFrom4(octets)
	case 1:
		var octets [16]byte
		c.array(name, octets[:])
		*v = netip.AddrFrom16(octets)
	default:
		c.fail(name, fmt.Errorf("address family %d, want 0 or 1", family))
	}
}

func (c *codec) writeAddress(name string, v netip.Addr) {
	if !v.IsValid() || v.Zone() != "" {
		c.fail(name, errAddress)
		return
	}
	var family uint32
	if !v.Is4() {
		family = 1
	}
	c.uint32(name, &family)
	c.buf = append(c.buf, v.AsSlice()...)
}

// addressPort walks a socket address, whose port is little-endian too.
func (c *codec) addressPort(name string, v *netip.AddrPort) {
	addr, port := v.Addr(), v.Port()
	c.address(name, &addr)
	c.uint16(name, &port)
	*v = netip.AddrPortFrom(addr, port)
}
