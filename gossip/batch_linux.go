package gossip

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// leftover is what the last system call that read has left in the socket.
type leftover uint8

const (
	leftMore    leftover = iota // more, maybe: it filled the whole batch
	leftLittle                  // what has come since
	leftNothing                 // nothing, and it found nothing
)

// writePatience is how long a write waits for room in the socket's buffer. What
// is left then is dropped, as a full link would have done with it.
const writePatience = 10 * time.Millisecond

// read waits for datagrams, and fills as many packets of the batch as one system
// call finds. Waiting ends with net.ErrClosed, or with os.ErrDeadlineExceeded
// when it is interrupted.
func (c *conn) read(batch []packet) (int, error) {
	batch = batch[:min(len(batch), readBatch)]
	for {
		if err := c.await(); err != nil {
			return 0, err
		}
		n, err := c.receive(batch)
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// await waits until there is something to read, or enough of it.
func (c *conn) await() error {
	if c.left == leftMore {
		return nil
	}
	// ppoll keeps our P. What waits in its queue, the loop above all, whom put
	// has just woken, goes first; else the runtime's monitor would take the P
	// away each time, and turn ever faster for it.
	runtime.Gosched()
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.closed.Load() && c.poll() && !c.closed.Load() {
		return os.ErrDeadlineExceeded
	}
	return nil // if it is closed, receive tells
}

// poll waits as long as what was left asks for, and tells whether it was
// interrupted. A signal may end it early, which does no harm. It is called with
// mu held.
func (c *conn) poll() (interrupted bool) {
	fds := [...]unix.PollFd{{Fd: int32(c.wake), Events: unix.POLLIN}, {Fd: int32(c.socket), Events: unix.POLLIN}}
	if c.left == leftLittle {
		nap := c.nap // ppoll(2) changes it
		_, _ = unix.Ppoll(fds[:1], &nap, nil)
	} else {
		_, _ = unix.Ppoll(fds[:], nil, nil)
	}
	return fds[0].Revents != 0
}

// receive reads what there is, and tells how many packets it has made of that.
func (c *conn) receive(batch []packet) (int, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	c.in.forReading(batch)
	n, errno := c.in.call(unix.SYS_RECVMMSG, c.socket, len(batch))
	switch {
	case errno == unix.EAGAIN:
		c.left = leftNothing
	case errno != 0: // of the network, not of the socket
		c.left = leftLittle
		c.counters.unreadable.Add(1)
	case n < len(batch):
		c.left = leftLittle
	default:
		c.left = leftMore
	}
	return c.keep(batch[:n]), nil
}

// keep makes packets of the datagrams just read, those that are too long behind
// the others, and tells how many the others are.
func (c *conn) keep(batch []packet) int {
	n := 0
	for i := range batch {
		length, from := c.in.result(i)
		if batch[i].accept(length, from) {
			batch[i], batch[n] = batch[n], batch[i]
			n++
		}
	}
	c.counters.received.Add(uint64(n))
	c.counters.tooLong.Add(uint64(len(batch) - n))
	return n
}

// write sends the packets, and tells how many the kernel took. One that it
// refuses, for lack of a route or by a rule of the firewall, does not keep it
// from sending the others; the first such reason is returned. When the socket's
// buffer stays full for writePatience, the rest is dropped.
func (c *conn) write(packets []packet) (sent int, err error) {
	var deadline time.Time
	for len(packets) > 0 {
		n, errno := c.send(packets)
		switch errno {
		case 0:
			packets, sent = packets[n:], sent+n
		case unix.EBADF:
			return sent, net.ErrClosed
		case unix.EAGAIN:
			if !c.awaitRoom(&deadline) {
				c.counters.unsent.Add(uint64(len(packets)))
				return sent, err
			}
		default:
			c.counters.refused.Add(1)
			if err == nil {
				err = fmt.Errorf("send to %v: %w", packets[0].addr, errno)
			}
			packets = packets[1:]
		}
	}
	return sent, err
}

// send sends as many packets as one system call takes, at least one if errno is
// zero. Otherwise errno is about the first packet, or EBADF if c is closed.
func (c *conn) send(packets []packet) (n int, errno unix.Errno) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	n = c.out.forWriting(packets)
	if n == 0 {
		return 0, unix.EAFNOSUPPORT
	}
	n, errno = c.out.call(unix.SYS_SENDMMSG, c.socket, n)
	c.counters.sent.Add(uint64(n))
	return n, errno
}

// awaitRoom waits until the socket's buffer has room, maybe, and sets the
// deadline if that is zero. It is false when the deadline has passed.
func (c *conn) awaitRoom(deadline *time.Time) bool {
	if deadline.IsZero() {
		*deadline = time.Now().Add(writePatience)
	}
	patience := time.Until(*deadline)
	if patience <= 0 {
		return false
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	timeout := unix.NsecToTimespec(patience.Nanoseconds())
	_, _ = unix.Ppoll([]unix.PollFd{{Fd: int32(c.socket), Events: unix.POLLOUT}}, &timeout, nil)
	return true
}

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

// networkPort returns the port of an address, in the order of the network.
func networkPort(name *unix.RawSockaddrInet4) []byte {
	return (*[2]byte)(unsafe.Pointer(&name.Port))[:]
}

// call makes the system call with the first n messages, and tells how many of
// those it has done.
func (m *messages) call(number uintptr, socket, n int) (int, unix.Errno) {
	done, _, errno := unix.Syscall6(number, uintptr(socket), uintptr(unsafe.Pointer(&m.headers)), uintptr(n), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(done), 0
}
