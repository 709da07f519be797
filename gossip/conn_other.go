//go:build !linux

package gossip

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// patience is how long a write may take. A deadline of Go counts the time that
// the scheduler takes, too, and so has to be generous.
const patience = time.Second

// conn is one UDP socket for IPv4, without the batches of the one for Linux.
//
// read and write have one caller each; those may run at the same time, and so
// may everything else.
type conn struct {
	counters connCounters
	udp      *net.UDPConn
}

// listenConn binds a socket to the address, whose port 0 takes a free one. The
// kernel is asked to hold receiveBuffer bytes of datagrams that are not read
// yet.
func listenConn(addr netip.AddrPort, receiveBuffer int) (*conn, error) {
	if !addr.Addr().Unmap().Is4() {
		return nil, fmt.Errorf("listen on %v: want an IPv4 address", addr)
	}
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	_ = udp.SetReadBuffer(receiveBuffer) // what there is must do
	_ = udp.SetWriteBuffer(sendBuffer)
	return &conn{udp: udp}, nil
}

// Addr returns the address that the socket is bound to.
func (c *conn) Addr() netip.AddrPort {
	addr := c.udp.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// Close ends reads and writes with net.ErrClosed.
func (c *conn) Close() error { return c.udp.Close() }

// interrupt makes reads return os.ErrDeadlineExceeded instead of waiting, until
// resume.
func (c *conn) interrupt() { _ = c.udp.SetReadDeadline(time.Unix(1, 0)) }

func (c *conn) resume() { _ = c.udp.SetReadDeadline(time.Time{}) }

// read waits for a datagram, and fills the first packet of the batch. Waiting
// ends with net.ErrClosed, or with os.ErrDeadlineExceeded when it is
// interrupted.
func (c *conn) read(batch []packet) (int, error) {
	for {
		n, _, _, from, err := c.udp.ReadMsgUDPAddrPort(batch[0].buf[:], nil)
		switch {
		case err != nil && (errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)):
			return 0, err
		case err != nil: // of the network, not of the socket
			c.counters.unreadable.Add(1)
		case batch[0].accept(n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port())):
			c.counters.received.Add(1)
			return 1, nil
		default:
			c.counters.tooLong.Add(1)
		}
	}
}

// write sends the packets, and tells how many the kernel took. One that it
// refuses, for lack of a route or by a rule of the firewall, does not keep it
// from sending the others; the first such reason is returned. When the socket's
// buffer stays full, the rest is dropped.
func (c *conn) write(packets []packet) (sent int, err error) {
	_ = c.udp.SetWriteDeadline(time.Now().Add(patience))
	for i := range packets {
		e := c.send(&packets[i])
		switch {
		case e == nil:
			sent++
			c.counters.sent.Add(1)
		case errors.Is(e, net.ErrClosed):
			return sent, e
		case errors.Is(e, os.ErrDeadlineExceeded):
			c.counters.unsent.Add(uint64(len(packets) - i))
			return sent, err
		default:
			c.counters.refused.Add(1)
			err = cmp.Or(err, e)
		}
	}
	return sent, err
}

func (c *conn) send(p *packet) error {
	if !p.addr.Addr().Is4() {
		return &net.AddrError{Err: "not an IPv4 address", Addr: p.addr.String()}
	}
	_, err := c.udp.WriteToUDPAddrPort(p.data, p.addr)
	return err
}

// kernelDrops returns 0: only Linux tells.
func (c *conn) kernelDrops() uint64 { return 0 }
