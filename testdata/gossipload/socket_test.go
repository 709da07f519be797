//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

func newTestSocket(t *testing.T) *socket {
	t.Helper()
	s, err := listenAll(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

// home is where a socket is for the tests that stand in for a node.
func home(s *socket) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), s.port())
}

// receiveSome waits until n datagrams have come, and copies them.
func receiveSome(t *testing.T, s *socket, n int) (received []datagram) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if err := s.receive(mostAtOnce, func(d datagram) {
			d.bytes = bytes.Clone(d.bytes)
			received = append(received, d)
		}); err != nil {
			t.Fatal(err)
		}
		if len(received) >= n {
			return received
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d datagrams came, want %d", len(received), n)
		}
	}
}

// TestSocketHasManyAddresses sends more than a batch, from one address each to
// one address each, and has both arrive.
func TestSocketHasManyAddresses(t *testing.T) {
	here, there := newTestSocket(t), newTestSocket(t)
	c := cluster{nodes: make([]node, 1000), port: there.port()}
	const n = 2*batchSize + 5
	for i := range int32(n) {
		b, err := here.next()
		check(t, "error", err, nil)
		here.put(binary.BigEndian.AppendUint32(b, uint32(i)), c.addr(i), c.place(999-i))
	}
	check(t, "error", here.flush(), nil)
	for i, d := range receiveSome(t, there, n) {
		check(t, "bytes", binary.BigEndian.Uint32(d.bytes), uint32(i))
		check(t, "from", d.from, netip.AddrPortFrom(netip.AddrFrom4(c.addr(int32(i))), here.port()))
		check(t, "to", d.to, c.addr(999-int32(i)))
	}
}

// TestSocketWaitsForNothing has nothing to receive and nothing to send.
func TestSocketWaitsForNothing(t *testing.T) {
	s := newTestSocket(t)
	check(t, "error", s.receive(1, func(datagram) { t.Error("received") }), nil)
	check(t, "error", s.flush(), nil)
}
