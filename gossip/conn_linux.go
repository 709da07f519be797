package gossip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// conn is one UDP socket for IPv4, which reads and writes many datagrams by one
// system call.
//
// It stays out of Go's poller, whose edge-triggered epoll wakes a thread for
// every datagram that arrives, wanted or not. Instead a reader that has emptied
// the socket lets it fill for a while before it looks again, and nobody is
// woken meanwhile: at 50,000 datagrams a second that costs a third. Only when
// it finds nothing does it wait in ppoll(2) for the next one, so that an idle
// node costs nothing.
//
// read and write have one caller each; those may run at the same time, and so
// may everything else.
type conn struct {
	counters connCounters
	local    netip.AddrPort
	nap      unix.Timespec // how long a socket that was emptied may fill

	closed atomic.Bool  // set before the descriptors are closed
	mu     sync.RWMutex // held for reading while a system call uses the descriptors
	socket int          // guarded by mu
	wake   int          // guarded by mu; eventfd(2), readable while reads are interrupted

	left leftover // owned by read
	in   messages // owned by read
	out  messages // owned by write
}

// leftover is what the last system call that read has left in the socket.
type leftover uint8

const (
	leftMore    leftover = iota // more, maybe: it filled the whole batch
	leftLittle                  // what has come since
	leftNothing                 // nothing, and it found nothing
)

const (
	// longestNap keeps answers prompt, and is long enough that waking up costs
	// little beside reading.
	longestNap = time.Millisecond

	// worstRate is the datagrams a second for which naps are chosen: as many
	// come while a nap lasts as fill a quarter of the receive buffer.
	worstRate = 200_000

	// datagramCost is what a datagram of maxPacket takes of the receive buffer:
	// the kernel counts its own bookkeeping, too, and rounds up.
	datagramCost = 2304
)

// listenConn binds a socket to the address, whose port 0 takes a free one. The
// kernel is asked to hold receiveBuffer bytes of datagrams that are not read
// yet.
func listenConn(addr netip.AddrPort, receiveBuffer int) (*conn, error) {
	ip := addr.Addr().Unmap()
	if !ip.Is4() {
		return nil, fmt.Errorf("listen on %v: want an IPv4 address", addr)
	}
	c := &conn{socket: -1, wake: -1}
	if err := c.open(&unix.SockaddrInet4{Port: int(addr.Port()), Addr: ip.As4()}, receiveBuffer); err != nil {
		return nil, fmt.Errorf("listen on %v: %w", addr, errors.Join(err, c.Close()))
	}
	return c, nil
}

// open makes the descriptors. Those it has made when it fails are closed by
// Close.
func (c *conn) open(addr *unix.SockaddrInet4, receiveBuffer int) (err error) {
	if c.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	c.socket, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	enlarge(c.socket, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, receiveBuffer)
	enlarge(c.socket, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, sendBuffer)
	if err := unix.Bind(c.socket, addr); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if err := c.chooseNap(); err != nil {
		return err
	}
	return c.learnAddr()
}

// enlarge sets the size of a buffer: beyond the limit of the system if we have
// the right to (CAP_NET_ADMIN), else up to it (net.core.rmem_max or wmem_max).
func enlarge(socket, force, ask, size int) {
	if unix.SetsockoptInt(socket, unix.SOL_SOCKET, force, size) != nil {
		_ = unix.SetsockoptInt(socket, unix.SOL_SOCKET, ask, size) // what there is must do
	}
}

// chooseNap makes naps as short as the receive buffer that was granted demands.
func (c *conn) chooseNap() error {
	granted, err := unix.GetsockoptInt(c.socket, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	quarter := time.Duration(granted / datagramCost / 4)
	c.nap = unix.NsecToTimespec(min(longestNap, quarter*time.Second/worstRate).Nanoseconds())
	return nil
}

func (c *conn) learnAddr() error {
	sa, err := unix.Getsockname(c.socket)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	sa4 := sa.(*unix.SockaddrInet4)
	c.local = netip.AddrPortFrom(netip.AddrFrom4(sa4.Addr), uint16(sa4.Port))
	return nil
}

// Addr returns the address that the socket is bound to.
func (c *conn) Addr() netip.AddrPort { return c.local }

// Close ends reads and writes with net.ErrClosed, and returns when they have
// left the socket.
func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	c.interrupt()
	c.mu.Lock()
	defer c.mu.Unlock()
	err := errors.Join(closeDescriptor(c.socket), closeDescriptor(c.wake))
	c.socket, c.wake = -1, -1
	return err
}

func closeDescriptor(fd int) error {
	if fd < 0 {
		return nil
	}
	return os.NewSyscallError("close", unix.Close(fd))
}

// interrupt makes reads return os.ErrDeadlineExceeded instead of waiting, until
// resume.
func (c *conn) interrupt() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	one := binary.NativeEndian.AppendUint64(nil, 1)
	_, _ = unix.Write(c.wake, one) // fails if that is closed, or as high as it counts
}

func (c *conn) resume() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var count [8]byte
	_, _ = unix.Read(c.wake, count[:]) // fails if that is closed, or zero
}

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
	if c.closed.Load() {
		return net.ErrClosed
	}
	if c.poll() {
		return os.ErrDeadlineExceeded
	}
	return nil
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
	return c.accept(batch[:n]), nil
}

// accept makes packets of the datagrams just read, and moves those that are none
// behind the others.
func (c *conn) accept(batch []packet) int {
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
		switch {
		case errno == 0:
			packets, sent = packets[n:], sent+n
		case errno == unix.EBADF:
			return sent, net.ErrClosed
		case errno == unix.EAGAIN:
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

// kernelDrops returns the number of datagrams that the kernel has dropped,
// nearly all because the receive buffer was full (sk_drops, see udp(7)).
func (c *conn) kernelDrops() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var info [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, _ = unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(c.socket), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	return uint64(info[unix.SK_MEMINFO_DROPS])
}
