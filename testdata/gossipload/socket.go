//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"solsnap/gossip/wire"
)

// batchSize is how many datagrams a system call takes at most.
const batchSize = 128

// bufferSize has room for a datagram that is too large, to be seen as such.
const bufferSize = wire.MaxPacket + 48

// kernelBuffer is what the kernel may keep for us, in bytes: a second of what a
// node that joins sends.
const kernelBuffer = 64 << 20

// mmsghdr is that of recvmmsg(2). The kernel writes n: the bytes of the datagram.
type mmsghdr struct {
	head unix.Msghdr
	n    uint32
}

// batch is the memory of a system call. The heads point into the rest.
type batch struct {
	heads    [batchSize]mmsghdr
	names    [batchSize]unix.RawSockaddrInet4
	vectors  [batchSize]unix.Iovec
	controls [batchSize][]byte // a control message of IP_PKTINFO each
	buffers  [batchSize][bufferSize]byte
}

func newBatch() *batch {
	b := new(batch)
	template := unix.PktInfo4(new(unix.Inet4Pktinfo))
	for i := range b.heads {
		b.controls[i] = append([]byte(nil), template...)
		b.vectors[i].Base = &b.buffers[i][0]
		head := &b.heads[i].head
		head.Name = (*byte)(nameOf(&b.names[i]))
		head.Iov = &b.vectors[i]
		head.SetIovlen(1)
		head.Control = &b.controls[i][0]
		b.reset(i)
	}
	return b
}

// reset makes a place of the batch as large as it is, for the kernel to write.
func (b *batch) reset(i int) {
	head := &b.heads[i].head
	head.Namelen = unix.SizeofSockaddrInet4
	head.SetControllen(len(b.controls[i]))
	b.vectors[i].SetLen(bufferSize)
}

// socket sends and receives for every node of the cluster: it has one port on
// all addresses. It has one owner.
type socket struct {
	conn *net.UDPConn
	raw  syscall.RawConn
	in   *batch
	out  *batch
	used int // places of out
}

// datagram is one that was received. The next one overwrites its bytes.
type datagram struct {
	from  netip.AddrPort
	to    [4]byte // which of our addresses it was sent to
	bytes []byte
}

// listenAll binds a port of all addresses; 0 takes a free one.
func listenAll(port uint16) (*socket, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4zero, Port: int(port)})
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	s := &socket{conn: conn, raw: raw, in: newBatch(), out: newBatch()}
	if err := s.control(setOptions); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *socket) close() { _ = s.conn.Close() }

func (s *socket) port() uint16 { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

func (s *socket) control(f func(fd int) error) error {
	var err error
	return errors.Join(s.raw.Control(func(fd uintptr) { err = f(int(fd)) }), err)
}

// setOptions asks for the address that each datagram was sent to, and for a
// large buffer. Only root gets one above net.core.rmem_max.
func setOptions(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1); err != nil {
		return fmt.Errorf("set IP_PKTINFO: %w", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, kernelBuffer) == nil {
		return nil
	}
	return os.NewSyscallError("set SO_RCVBUF", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, kernelBuffer))
}

// receive hands over what has arrived, at most so many datagrams, and waits for
// nothing.
func (s *socket) receive(most int, handle func(datagram)) error {
	for most > 0 {
		n, err := s.receiveBatch()
		for i := range n {
			handle(s.received(i))
			s.in.reset(i)
		}
		if err != nil || n < batchSize {
			return err
		}
		most -= n
	}
	return nil
}

func (s *socket) receiveBatch() (n int, err error) {
	var errno syscall.Errno
	err = s.raw.Read(func(fd uintptr) bool {
		n, errno = s.in.call(unix.SYS_RECVMMSG, fd, 0, batchSize)
		return true
	})
	switch {
	case err != nil:
		return 0, err
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return 0, nil
	case errno != 0:
		return 0, os.NewSyscallError("recvmmsg", errno)
	}
	return n, nil
}

// received is what a place of the batch got.
func (s *socket) received(i int) datagram {
	name, head := &s.in.names[i], &s.in.heads[i]
	d := datagram{
		from:  netip.AddrPortFrom(netip.AddrFrom4(name.Addr), networkOrder(name.Port)),
		bytes: s.in.buffers[i][:head.n:head.n],
	}
	_, info, _, err := unix.ParseOneSocketControlMessage(s.in.controls[i])
	if err == nil && len(info) >= unix.SizeofInet4Pktinfo {
		copy(d.to[:], info[8:]) // ipi_addr
	}
	return d
}

// next is room for a datagram, to append to.
func (s *socket) next() ([]byte, error) {
	if s.used == batchSize {
		if err := s.flush(); err != nil {
			return nil, err
		}
	}
	return s.out.buffers[s.used][:0], nil
}

// put queues what was written into the room that next gave, from one of our
// addresses.
func (s *socket) put(b []byte, from [4]byte, to netip.AddrPort) {
	i := s.used
	s.used++
	s.out.vectors[i].SetLen(len(b))
	s.out.names[i] = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: networkOrder(to.Port()), Addr: to.Addr().As4()}
	copy(s.out.controls[i][unix.CmsgLen(0)+4:], from[:]) // ipi_spec_dst
}

// flush sends what is queued.
func (s *socket) flush() error {
	n := s.used
	s.used = 0
	for sent := 0; sent < n; {
		done, err := s.sendBatch(sent, n)
		if err != nil {
			return err
		}
		sent += done
	}
	return nil
}

// sendBatch sends from a place of the batch on. It waits while the kernel has no
// room, which on loopback it always has.
func (s *socket) sendBatch(first, end int) (n int, err error) {
	var errno syscall.Errno
	err = s.raw.Write(func(fd uintptr) bool {
		n, errno = s.out.call(unix.SYS_SENDMMSG, fd, first, end)
		return errno != unix.EAGAIN && errno != unix.EINTR
	})
	if err == nil && errno != 0 {
		err = os.NewSyscallError("sendmmsg", errno)
	}
	return n, err
}
