package gossip

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// messages are what recvmmsg(2) and sendmmsg(2) take: for every datagram a
// header, which points to an address and to the place of its bytes.
type messages struct {
	headers [readBatch]unix.Mmsghdr
	vectors [readBatch]unix.Iovec
	names   [readBatch]unix.RawSockaddrInet4
}

// forReading makes the first messages those of the packets' buffers.
func (m *messages) forReading(batch []packet) {
	for i := range batch {
		m.set(i, &batch[i].buf[0], bufferSize)
	}
}

// forWriting makes the first messages those of the first packets, up to one that
// no IPv4 socket can send, and tells how many those are.
func (m *messages) forWriting(packets []packet) int {
	packets = packets[:min(len(packets), len(m.headers))]
	for i := range packets {
		p := &packets[i]
		if !p.addr.Addr().Is4() {
			return i
		}
		m.set(i, unsafe.SliceData(p.data), len(p.data))
		name := &m.names[i]
		name.Family, name.Addr = unix.AF_INET, p.addr.Addr().As4()
		binary.BigEndian.PutUint16(networkPort(name), p.addr.Port())
	}
	return len(packets)
}

// set makes message i one of size bytes.
func (m *messages) set(i int, bytes *byte, size int) {
	m.vectors[i].Base = bytes
	m.vectors[i].SetLen(size)
	h := &m.headers[i].Hdr
	h.Name = (*byte)(unsafe.Pointer(&m.names[i]))
	h.Namelen = unix.SizeofSockaddrInet4
	h.Iov = &m.vectors[i]
	h.SetIovlen(1)
}

// result returns the length and the sender of the datagram in message i.
func (m *messages) result(i int) (int, netip.AddrPort) {
	name := &m.names[i]
	from := netip.AddrPortFrom(netip.AddrFrom4(name.Addr), binary.BigEndian.Uint16(networkPort(name)))
	return int(m.headers[i].Len), from
}

// port returns the port of an address, in the order of the network.
func networkPort(name *unix.RawSockaddrInet4) []byte {
	return (*[2]byte)(unsafe.Pointer(&name.Port))[:]
}

// call makes the system call with the first n messages.
func (m *messages) call(number uintptr, socket, n int) (int, unix.Errno) {
	done, _, errno := unix.Syscall6(number, uintptr(socket), uintptr(unsafe.Pointer(&m.headers)), uintptr(n), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(done), 0
}
