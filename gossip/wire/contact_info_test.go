package wire

import (
	"math"
	"net/netip"
	"testing"
)

// encodeContactInfo writes the fields after the version as they are given.
func encodeContactInfo(t testing.TB, rest string) []byte {
	t.Helper()
	c := Modern.writer(nil)
	c.array("", make([]byte, 32+1+8+2+3+8+1))
	return append(c.buf, unhex(t, rest)...)
}

// The addresses 1.2.3.4 and 5.6.7.8, and ::1.
const (
	addr1 = "00000000 01020304"
	addr2 = "00000000 05060708"
	addr6 = "01000000 00000000000000000000000000000001"
)

func TestContactInfoRules(t *testing.T) {
	for name, tt := range map[string]struct {
		rest    string // addresses, sockets, extensions
		refusal string
	}{
		"nothing":              {"00 00 00", ""},
		"one socket":           {"01" + addr1 + "01 000001 00", ""},
		"two addresses":        {"02" + addr1 + addr2 + "02 000001 010101 00", ""},
		"equal ports":          {"01" + addr1 + "02 000001 010000 00", ""},
		"unknown key":          {"01" + addr1 + "01 ff0001 00", ""},
		"port 0":               {"01" + addr1 + "01 000000 00", ""},
		"highest port":         {"01" + addr1 + "02 0000feff03 010001 00", ""},
		"extensions":           {"00 00 02 0103aabbcc 0100", ""},
		"port above highest":   {"01" + addr1 + "02 0000ffff03 010001 00", "sockets[1].offset"},
		"equal addresses":      {"02" + addr1 + addr1 + "02 000001 010101 00", "addrs[1].ip"},
		"equal keys":           {"01" + addr1 + "02 000001 000001 00", "gossip is there twice"},
		"equal unknown keys":   {"01" + addr1 + "02 fe0001 fe0001 00", "socket(254) is there twice"},
		"no such address":      {"01" + addr1 + "02 000001 010101 00", "sockets[1].index at offset"},
		"no addresses":         {"00 01 000001 00", "index at offset"},
		"unused address":       {"02" + addr1 + addr2 + "01 000001 00", "no socket has address 5.6.7.8"},
		"unused first":         {"02" + addr1 + addr2 + "01 000101 00", "no socket has address 1.2.3.4"},
		"no sockets":           {"01" + addr1 + "00 00", "no socket has address"},
		"IPv6":                 {"01" + addr6 + "01 000001 00", "is not IPv4"},
		"other family":         {"01 02000000 01020304 01 000001 00", "address family 2"},
		"long count":           {"8000 00 00", "ends in a zero byte"},
		"more addresses":       {"ff01" + addr1 + "01 000001 00", "255 elements of at least 8 bytes"},
		"more sockets":         {"01" + addr1 + "7f 000001 00", "127 elements of at least 3 bytes"},
		"more extensions":      {"00 00 ffff03 0100", "65535 elements of at least 2 bytes"},
		"extension past end":   {"00 00 01 0105aa", "5 elements of at least 1 bytes"},
		"long offset":          {"01" + addr1 + "01 00008000 00", "ends in a zero byte"},
		"offset above 16 bits": {"01" + addr1 + "01 0000ffff04 00", "more than 16 bits"},
		"no extensions":        {"00 00", "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			b := encodeContactInfo(t, tt.rest)
			var n ContactInfo
			c := Modern.reader(b)
			n.walk(c)
			if tt.refusal != "" {
				checkError(t, c.finish(), tt.refusal)
				return
			}
			check(t, "error", c.finish(), nil)
			w := Modern.writer(nil)
			n.walk(w)
			check(t, "error", w.finish(), nil)
			check(t, "again", string(w.buf), string(b))
		})
	}
}

// TestContactInfoIsWrittenByTheSameRules has what no bytes can say.
func TestContactInfoIsWrittenByTheSameRules(t *testing.T) {
	addrs := []netip.Addr{netip.MustParseAddr("1.2.3.4")}
	for name, tt := range map[string]struct {
		info ContactInfo
		want string
	}{
		"falling ports":   {ContactInfo{Addrs: addrs, Sockets: []Socket{{0, 0, 2}, {1, 0, 1}}}, "port 1 after 2"},
		"equal keys":      {ContactInfo{Addrs: addrs, Sockets: []Socket{{0, 0, 1}, {0, 0, 1}}}, "there twice"},
		"no such address": {ContactInfo{Addrs: addrs, Sockets: []Socket{{0, 1, 1}}}, "index"},
		"no address":      {ContactInfo{Addrs: []netip.Addr{{}}, Sockets: []Socket{{}}}, "no address"},
		"IPv6":            {ContactInfo{Addrs: []netip.Addr{netip.IPv6Loopback()}, Sockets: []Socket{{}}}, "not IPv4"},
		"too many":        {ContactInfo{Extensions: make([]Extension, 1<<16)}, "65536 elements"},
	} {
		t.Run(name, func(t *testing.T) {
			c := Modern.writer(nil)
			tt.info.walk(c)
			checkError(t, c.finish(), tt.want)
		})
	}
}

// TestIPv6WasTakenOnce reads what Agave took before 4.2.
func TestIPv6WasTakenOnce(t *testing.T) {
	b := encodeContactInfo(t, "01"+addr6+"01 000001 00")
	var n ContactInfo
	c := Legacy.reader(b)
	n.walk(c)
	check(t, "error", c.finish(), nil)
	socket, ok := n.Socket(SocketGossip)
	check(t, "socket", socket.String(), "[::1]:1")
	check(t, "ok", ok, true)
	w := Legacy.writer(nil)
	n.walk(w)
	check(t, "again", string(w.buf), string(b))
}

// TestSocketsThatAreNowhere are taken, and count as absent.
func TestSocketsThatAreNowhere(t *testing.T) {
	for name, tt := range map[string]struct {
		addr string
		port uint16
		ok   bool
	}{
		"public":      {"8.8.8.8", 1, true},
		"private":     {"10.0.0.1", 1, true},
		"loopback":    {"127.0.0.1", 1, true},
		"port 0":      {"8.8.8.8", 0, false},
		"unspecified": {"0.0.0.0", 1, false},
		"multicast":   {"224.0.0.1", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := ContactInfo{Addrs: []netip.Addr{netip.MustParseAddr(tt.addr)}, Sockets: []Socket{{SocketRPC, 0, tt.port}}}
			_, ok := n.Socket(SocketRPC)
			check(t, "reachable", ok, tt.ok)
			_, ok = n.Socket(SocketGossip)
			check(t, "another socket", ok, false)
			var set ContactInfo
			err := set.SetSockets(map[SocketKey]netip.AddrPort{SocketRPC: netip.AddrPortFrom(n.Addrs[0], tt.port)})
			check(t, "set", err == nil, tt.ok)
		})
	}
	_, ok := (&ContactInfo{Sockets: []Socket{{SocketRPC, 3, 1}}}).Socket(SocketRPC)
	check(t, "socket without address", ok, false)
	check(t, "set IPv6", (&ContactInfo{}).SetSockets(map[SocketKey]netip.AddrPort{0: netip.MustParseAddrPort("[2001:db8::1]:1")}) == nil, false)
}

// TestSetSocketsSortsAndShares has two addresses and equal ports, and is
// encodable.
func TestSetSocketsSortsAndShares(t *testing.T) {
	places := map[SocketKey]netip.AddrPort{
		SocketGossip:    netip.MustParseAddrPort("8.8.8.8:9000"),
		SocketRPC:       netip.MustParseAddrPort("1.1.1.1:80"),
		SocketRPCPubsub: netip.MustParseAddrPort("8.8.8.8:80"),
		SocketTVU:       netip.MustParseAddrPort("8.8.8.8:65535"),
	}
	n := ContactInfo{Pubkey: PubkeyOf(seeded(1))}
	check(t, "error", n.SetSockets(places), nil)
	check(t, "addresses", len(n.Addrs), 2)
	got := signed(t, &n).ContactInfo()
	for key, want := range places {
		socket, ok := got.Socket(key)
		check(t, key.String(), socket, want)
		check(t, key.String(), ok, true)
	}
	check(t, "order", [4]SocketKey{n.Sockets[0].Key, n.Sockets[1].Key, n.Sockets[2].Key, n.Sockets[3].Key},
		[4]SocketKey{SocketRPC, SocketRPCPubsub, SocketGossip, SocketTVU})
	before := n.Sockets
	places[SocketTPU] = netip.AddrPort{}
	checkError(t, n.SetSockets(places), "tpu socket at")
	check(t, "sockets after a refusal", len(n.Sockets), len(before))
	check(t, "error", n.SetSockets(nil), nil)
	check(t, "sockets", len(n.Sockets)+len(n.Addrs), 0)
}

func TestVersion(t *testing.T) {
	for want, v := range map[string]Version{
		"0.0.0":             {},
		"4.1.0":             {Major: 4, Minor: 1},
		"1.18.7":            {Major: 1, Minor: 18, Patch: 7},
		"4.2.0-rc.0":        {Major: 4, Minor: 1<<14 | 2},
		"4.2.0-beta.3":      {Major: 4, Minor: 2<<14 | 2, Patch: 3},
		"4.3.0-alpha.1":     {Major: 4, Minor: 3<<14 | 3, Patch: 1},
		"65535.16383.65535": {Major: math.MaxUint16, Minor: 1<<14 - 1, Patch: math.MaxUint16},
	} {
		check(t, "version", v.String(), want)
	}
	for client, want := range map[uint16]string{0: "SolanaLabs", 3: "Agave", 5: "Firedancer", 7: "Sig", 10: "AgaveHarmonic", 100: "Unknown(100)"} {
		check(t, "client", Version{Client: client}.ClientName(), want)
	}
}

// TestVersionIsEncodedAsByAgave has the vectors of version/src/v4.rs.
func TestVersionIsEncodedAsByAgave(t *testing.T) {
	const most = math.MaxUint16
	for digits, want := range map[string]Version{
		"000000 00000000 00000000 00":                 {},
		"ffff03ffff03ffff03 ffffffff ffffffff ffff03": {most, most, most, math.MaxUint32, math.MaxUint32, most},
	} {
		var got Version
		c := Modern.reader(unhex(t, digits))
		got.walk(c)
		check(t, "error", c.finish(), nil)
		check(t, "version", got, want)
		w := Modern.writer(nil)
		got.walk(w)
		check(t, "again", string(w.buf), string(unhex(t, digits)))
	}
}

func TestHighestIncremental(t *testing.T) {
	s := &SnapshotHashes{}
	_, ok := s.Highest()
	check(t, "any", ok, false)
	s.Incremental = []SlotHash{{Slot: 5}, {Slot: 9, Hash: Hash{1}}, {Slot: 7}}
	got, ok := s.Highest()
	check(t, "highest", got, s.Incremental[1])
	check(t, "any", ok, true)
}
