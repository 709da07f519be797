package gossip

import (
	"context"
	"net/netip"
	"sync/atomic"
)

const (
	// maxPacket is the largest datagram of the protocol: the minimal MTU of
	// IPv6 without its headers (PACKET_DATA_SIZE, Agave
	// sdk/packet/src/lib.rs).
	maxPacket = 1232

	// bufferSize leaves room for a datagram to show that it is longer than
	// maxPacket, and is a whole number of cache lines.
	bufferSize = 1280

	// readBatch is the number of datagrams that one system call reads.
	readBatch = 256

	// sendBuffer is the number of bytes that the kernel is asked to hold of
	// datagrams that the link has not taken yet.
	sendBuffer = 4 << 20
)

// packet is one datagram, come from addr or bound for it. IPv4 addresses are
// always bare, never mapped into IPv6.
type packet struct {
	addr netip.AddrPort
	data []byte // of a packet that was read: in buf, and valid as long as that
	buf  *[bufferSize]byte
}

// newBatch returns n packets with buffers to read into.
func newBatch(n int) []packet {
	batch := make([]packet, n)
	slab := make([][bufferSize]byte, n)
	for i := range batch {
		batch[i].buf = &slab[i]
	}
	return batch
}

// accept makes p the datagram of n bytes that was read into its buffer, unless
// that is longer than any of the protocol.
func (p *packet) accept(n int, from netip.AddrPort) bool {
	if n > maxPacket {
		return false
	}
	p.addr, p.data = from, p.buf[:n]
	return true
}

// connCounters counts datagrams. All may be read at any time.
type connCounters struct {
	received   atomic.Uint64 // read and accepted
	tooLong    atomic.Uint64 // read, but longer than maxPacket
	unreadable atomic.Uint64 // failed reads
	sent       atomic.Uint64 // taken by the kernel
	refused    atomic.Uint64 // refused by the kernel, each for its own reason
	unsent     atomic.Uint64 // dropped, since the socket's buffer stayed full
}

// readLoop moves datagrams from the socket to the ring until the context or the
// conn ends. The latter is net.ErrClosed, the former no error; the conn can then
// be read by another loop.
func (c *conn) readLoop(ctx context.Context, r *ring) error {
	defer c.interruptAtEnd(ctx)()
	batch := newBatch(readBatch)
	for ctx.Err() == nil {
		n, err := c.read(batch)
		if err != nil && ctx.Err() == nil {
			return err
		}
		r.put(batch[:n])
	}
	return nil
}

// interruptAtEnd interrupts reads when the context ends. The function returned
// undoes that; after it the conn can be read again.
func (c *conn) interruptAtEnd(ctx context.Context) (undo func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		c.interrupt()
	})
	return func() {
		if !stop() {
			<-done
		}
		c.resume()
	}
}
