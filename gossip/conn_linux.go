package gossip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
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
