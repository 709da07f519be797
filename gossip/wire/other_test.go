package wire

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// other is a second decoder, for FuzzContactInfo: written from the layout alone,
// without a thought for speed, and with nothing of the codec in it. It panics
// where bytes are missing or wrong.
type other struct{ b []byte }

func (o *other) take(n int) []byte {
	taken := o.b[:n:n]
	o.b = o.b[n:]
	return taken
}

func (o *other) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(o.b)
	if n <= 0 || v > most || n > 1 && o.b[n-1] == 0 {
		panic("varint")
	}
	o.take(n)
	return v
}

// otherContactInfo is false where the rules are broken.
func otherContactInfo(b []byte) (n ContactInfo, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	o := &other{b}
	n.Pubkey = Pubkey(o.take(32))
	n.Wallclock = o.uvarint(1e15 - 1)
	n.Outset = binary.LittleEndian.Uint64(o.take(8))
	n.ShredVersion = binary.LittleEndian.Uint16(o.take(2))
	n.Version = o.version()
	for range o.uvarint(65535) {
		family := o.take(4)
		n.Addrs = append(n.Addrs, netip.AddrFrom4([4]byte(o.take(4))))
		if binary.LittleEndian.Uint32(family) != 0 {
			return n, false
		}
	}
	n.Sockets = o.sockets()
	for range o.uvarint(65535) {
		x := Extension{Type: o.take(1)[0]}
		x.Bytes = o.take(int(o.uvarint(65535)))
		n.Extensions = append(n.Extensions, x)
	}
	return n, len(o.b) == 0 && consistent(n)
}

func (o *other) version() Version {
	return Version{
		Major: uint16(o.uvarint(65535)), Minor: uint16(o.uvarint(65535)), Patch: uint16(o.uvarint(65535)),
		Commit: binary.LittleEndian.Uint32(o.take(4)), FeatureSet: binary.LittleEndian.Uint32(o.take(4)),
		Client: uint16(o.uvarint(65535)),
	}
}

func (o *other) sockets() (sockets []Socket) {
	port := uint64(0)
	for range o.uvarint(65535) {
		key, index := o.take(1)[0], o.take(1)[0]
		port += o.uvarint(65535)
		if port > 65535 {
			panic("port")
		}
		sockets = append(sockets, Socket{SocketKey(key), index, uint16(port)})
	}
	return sockets
}

// consistent has the rules about more than one field.
func consistent(n ContactInfo) bool {
	used := map[uint8]bool{}
	keys := map[SocketKey]bool{}
	for _, s := range n.Sockets {
		used[s.Addr], keys[s.Key] = true, true
		if int(s.Addr) >= len(n.Addrs) {
			return false
		}
	}
	addrs := slices.SortedFunc(slices.Values(n.Addrs), netip.Addr.Compare)
	return len(used) == len(n.Addrs) && len(keys) == len(n.Sockets) && len(slices.Compact(addrs)) == len(n.Addrs)
}
