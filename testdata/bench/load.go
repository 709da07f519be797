//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// load is many connections driven by one thread with epoll, which takes less of
// the client's core than goroutines would. Bodies are counted and dropped inside
// the kernel (tcp(7), MSG_TRUNC): what is slow is then the server.
type load struct {
	epoll   int
	clients []*client
	scratch []byte // never written to, see MSG_TRUNC
	// calm lets the client sleep while nothing has arrived. By default it spins:
	// on loopback it is the server that pays for waking a sleeping client, and in
	// a virtual machine that took up to three times the CPU of sending, by chance
	// more for one server or the other.
	calm bool
}

// client is one keep-alive connection.
type client struct {
	fd     int
	asked  int // requests sent
	want   request
	head   []byte // of the response, while it is incomplete
	inBody bool
	left   int64 // of the body
}

// script is the n-th request of a client, or false when it has had its last.
type script func(client, n int) (request, bool)

// tally is what a load received.
type tally struct {
	requests int
	bytes    int64 // of bodies
	elapsed  time.Duration
}

// bytesPerSecond is the throughput.
func (t tally) bytesPerSecond() float64 { return float64(t.bytes) / t.elapsed.Seconds() }

// connect opens n connections. A receiveBuffer of 0 bytes leaves its size to
// the kernel; many slow readers need a small one, or the buffers of loopback
// would swallow what they are supposed to wait for.
func connect(address string, n, receiveBuffer int) (*load, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make epoll: %w", err)
	}
	l := &load{epoll: epoll, scratch: make([]byte, 1<<20)}
	for i := range n {
		if err := l.add(address, receiveBuffer); err != nil {
			l.close()
			return nil, fmt.Errorf("open connection %d of %d: %w", i+1, n, err)
		}
	}
	return l, nil
}

func (l *load) add(address string, receiveBuffer int) error {
	fd, err := dial(address, receiveBuffer)
	if err != nil {
		return err
	}
	c := &client{fd: fd, head: make([]byte, 0, maxHead)}
	l.clients = append(l.clients, c)
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(l.clients) - 1)}
	return errors.Join(unix.SetNonblock(fd, true), unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event))
}

// dial returns a blocking socket; the caller closes it.
func dial(address string, receiveBuffer int) (int, error) {
	to, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if receiveBuffer > 0 {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())})
	}
	if err != nil {
		_ = unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

func (l *load) close() {
	for _, c := range l.clients {
		_ = unix.Close(c.fd)
	}
	_ = unix.Close(l.epoll)
}

// run plays the script until every client has had its last response.
func (l *load) run(ctx context.Context, next script) (tally, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var t tally
	began := time.Now()
	busy, err := l.askAll(next)
	events := make([]unix.EpollEvent, 256)
	patience := 0 // milliseconds
	if l.calm {
		patience = 100
	}
	for busy > 0 && err == nil {
		if err := ctx.Err(); err != nil {
			return t, err
		}
		n, errWait := unix.EpollWait(l.epoll, events, patience)
		if errWait != nil && errWait != unix.EINTR {
			return t, fmt.Errorf("wait for responses: %w", errWait)
		}
		for _, event := range events[:max(n, 0)] {
			var more bool
			if more, err = l.advance(int(event.Fd), next, &t); err != nil {
				break
			}
			if !more {
				busy--
			}
		}
	}
	t.elapsed = time.Since(began)
	return t, err
}

// askAll sends the first requests and returns how many clients have one.
func (l *load) askAll(next script) (busy int, err error) {
	for i, c := range l.clients {
		asked, err := c.ask(i, next)
		if err != nil {
			return busy, err
		}
		if asked {
			busy++
		}
	}
	return busy, nil
}

// advance receives what one readable client has, and sends its next request
// once a response is whole. It reports whether the client goes on.
func (l *load) advance(i int, next script, t *tally) (bool, error) {
	c := l.clients[i]
	n, err := c.receive(l.scratch)
	t.bytes += n
	if errors.Is(err, unix.EAGAIN) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("client %d, request %d: %w", i, c.asked, err)
	}
	if !c.inBody || c.left > 0 {
		return true, nil
	}
	t.requests++
	return c.ask(i, next)
}

// ask sends the client's next request, if it has one.
func (c *client) ask(i int, next script) (bool, error) {
	want, ok := next(i, c.asked)
	if !ok {
		return false, nil
	}
	c.want, c.inBody, c.head = want, false, c.head[:0]
	c.asked++
	if n, err := unix.Write(c.fd, want.text); err != nil || n != len(want.text) {
		return false, fmt.Errorf("send request: wrote %d of %d bytes: %w", n, len(want.text), err)
	}
	return true, nil
}

// receive takes at most len(scratch) bytes and returns how many were body. The
// error is EAGAIN when there are none yet.
func (c *client) receive(scratch []byte) (int64, error) {
	if !c.inBody {
		return c.receiveHead()
	}
	n, _, err := unix.Recvfrom(c.fd, scratch[:min(int64(len(scratch)), c.left)], unix.MSG_TRUNC)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, fmt.Errorf("connection closed with %d bytes to come", c.left)
	}
	c.left -= int64(n)
	return int64(n), nil
}

// receiveHead reads the head and whatever of the body comes along.
func (c *client) receiveHead() (int64, error) {
	n, err := unix.Read(c.fd, c.head[len(c.head):cap(c.head)])
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, errors.New("connection closed before the response")
	}
	c.head = c.head[:len(c.head)+n]
	head, body, err := c.want.check(c.head)
	if err != nil || head == 0 {
		return 0, err
	}
	early := int64(len(c.head) - head)
	c.inBody, c.left = true, body-early
	return early, nil
}
