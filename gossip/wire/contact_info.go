package wire

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
)

// ContactInfo is who and where a node is (Agave gossip/src/contact_info.rs).
type ContactInfo struct {
	Pubkey    Pubkey
	Wallclock uint64
	// Outset is when this instance of the node was started, in microseconds since
	// 1970. The instance with the larger one wins, whatever the wallclocks.
	Outset       uint64
	ShredVersion uint16
	Version      Version
	// Addrs are the IP addresses of the sockets, each once. Modern nodes take
	// none but IPv4.
	Addrs []netip.Addr
	// Sockets have rising ports and differ in their keys. Use SetSockets.
	Sockets []Socket
	// Extensions are what Agave has no use for yet. Publish none.
	Extensions []Extension
}

// Extension is one record of a type that no node knows.
type Extension struct {
	Type  uint8
	Bytes []byte
}

// Label is that of the node.
func (n *ContactInfo) Label() Label { return Label{Kind: KindContactInfo, Origin: n.Pubkey} }

// When is the wallclock.
func (n *ContactInfo) When() uint64 { return n.Wallclock }

func (n *ContactInfo) walk(c *codec) {
	c.array("pubkey", n.Pubkey[:])
	c.varint64("wallclock", &n.Wallclock)
	c.checkWallclock(n.Wallclock)
	c.uint64("outset", &n.Outset)
	c.uint16("shred_version", &n.ShredVersion)
	n.Version.walk(c)
	n.walkAddrs(c)
	n.walkSockets(c)
	shortList(c, "extensions", 2, &n.Extensions)
}

func (n *ContactInfo) walkAddrs(c *codec) {
	count := c.shortCount("addrs", 8, len(n.Addrs))
	if !c.writing {
		n.Addrs = make([]netip.Addr, count)
	}
	c.enter("addrs", 0)
	defer c.leave()
	for i := range n.Addrs {
		c.path[len(c.path)-1].index = i
		c.address("ip", &n.Addrs[i])
		if !n.Addrs[i].Is4() && !c.legacy {
			c.fail("ip", errIPv6)
		}
	}
	n.checkAddrs(c)
}

// errIPv6 means that Agave 4.2 and Firedancer would refuse the packet.
var errIPv6 = errors.New("address is not IPv4")

// checkAddrs refuses an address that is there twice.
func (n *ContactInfo) checkAddrs(c *codec) {
	for i, a := range n.Addrs {
		for _, b := range n.Addrs[:i] {
			if a == b && c.err == nil {
				c.fail("ip", fmt.Errorf("%v is there twice", a))
			}
		}
	}
}

func (n *ContactInfo) walkSockets(c *codec) {
	count := c.shortCount("sockets", 3, len(n.Sockets))
	if !c.writing {
		n.Sockets = make([]Socket, count)
	}
	c.enter("sockets", 0)
	defer c.leave()
	var port uint16
	var keys, used bitSet
	for i := range n.Sockets {
		c.path[len(c.path)-1].index = i
		s := &n.Sockets[i]
		port = s.walk(c, port)
		if keys.has(uint8(s.Key)) {
			c.fail("key", fmt.Errorf("%v is there twice", s.Key))
		}
		if int(s.Addr) >= len(n.Addrs) {
			c.fail("index", fmt.Errorf("%d, want below %d", s.Addr, len(n.Addrs)))
		}
		keys.add(uint8(s.Key))
		used.add(s.Addr)
	}
	n.checkUsed(c, &used)
}

// checkUsed refuses an address that no socket has.
func (n *ContactInfo) checkUsed(c *codec, used *bitSet) {
	for i, addr := range n.Addrs {
		if (i > math.MaxUint8 || !used.has(uint8(i))) && c.err == nil {
			c.fail("index", fmt.Errorf("no socket has address %v", addr))
		}
	}
}

func (x *Extension) walk(c *codec) {
	c.uint8("type", &x.Type)
	c.shortBytes("bytes", &x.Bytes)
}

// bitSet is a set of bytes.
type bitSet [4]uint64

func (s *bitSet) has(b uint8) bool { return s[b/64]>>(b%64)&1 == 1 }
func (s *bitSet) add(b uint8)      { s[b/64] |= 1 << (b % 64) }
