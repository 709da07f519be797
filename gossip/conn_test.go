package gossip

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// listen returns a conn on a free port of the loopback.
func listen(t testing.TB) *conn {
	t.Helper()
	c, err := listenConn(loopback, 32<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// send writes the packets and checks that all were taken.
func send(t testing.TB, c *conn, packets ...packet) {
	t.Helper()
	if n, err := c.write(packets); n != len(packets) || err != nil {
		t.Errorf("sent %d of %d datagrams: %v", n, len(packets), err)
	}
}

// text returns the datagram that carries s to c.
func text(c *conn, s string) packet { return packet{addr: c.Addr(), data: []byte(s)} }

// collect reads until it has n datagrams, and returns what they carry.
func collect(t testing.TB, c *conn, n int) []string {
	t.Helper()
	batch := newBatch(readBatch)
	var got []string
	for len(got) < n {
		read, err := c.read(batch)
		if err != nil {
			t.Fatalf("read after %d of %d datagrams: %v", len(got), n, err)
		}
		for _, p := range batch[:read] {
			got = append(got, string(p.data))
		}
	}
	return got
}

// startReading runs a loop that reads c into the ring, and sends what it returns.
func startReading(ctx context.Context, c *conn, r *ring) <-chan error {
	done := make(chan error, 1)
	go func() { done <- c.readLoop(ctx, r) }()
	return done
}

// next waits for packets in the ring, and returns what they carry.
func next(r *ring) []string {
	<-r.ready
	batch := newBatch(len(r.slots))
	var got []string
	for _, p := range batch[:r.take(batch)] {
		got = append(got, string(p.data))
	}
	return got
}

func TestListenConn(t *testing.T) {
	taken := listen(t).Addr()
	if !taken.Addr().Is4() || taken.Port() == 0 {
		t.Errorf("bound to %v, want the free port that was taken", taken)
	}
	mapped := netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), 0)
	c, err := listenConn(mapped, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.Addr().Addr(); got != loopback.Addr() {
		t.Errorf("bound to %v, want %v", got, loopback.Addr())
	}
	for _, addr := range []netip.AddrPort{taken, netip.MustParseAddrPort("[::1]:0"), {}} {
		if c, err := listenConn(addr, 1<<20); err == nil {
			t.Errorf("listens on %v, want an error", addr)
			c.Close()
		} else if !strings.Contains(err.Error(), "listen") {
			t.Errorf("error %q does not say what was tried", err)
		}
	}
}

func TestDatagramsArriveFromTheirSender(t *testing.T) {
	c, a, b := listen(t), listen(t), listen(t)
	send(t, a, text(c, "a"))
	send(t, b, text(c, "b"))
	batch := newBatch(2)
	from := map[string]netip.AddrPort{}
	for len(from) < 2 {
		n, err := c.read(batch)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range batch[:n] {
			from[string(p.data)] = p.addr
		}
	}
	if from["a"] != a.Addr() || from["b"] != b.Addr() {
		t.Errorf("come from %v, want %v and %v", from, a.Addr(), b.Addr())
	}
}

// TestLengths holds that a datagram is delivered whole or not at all.
func TestLengths(t *testing.T) {
	c, sender := listen(t), listen(t)
	long := []int{maxPacket + 1, bufferSize - 1, bufferSize, bufferSize + 1, 9000}
	short := []int{0, 1, maxPacket - 1, maxPacket}
	for i := range max(len(long), len(short)) { // mixed, so that good ones have bad ones before them
		for _, lengths := range [][]int{long, short} {
			if i < len(lengths) {
				send(t, sender, text(c, strings.Repeat("x", lengths[i])))
			}
		}
	}
	got := collect(t, c, len(short))
	slices.SortFunc(got, func(a, b string) int { return len(a) - len(b) })
	for i, data := range got {
		if data != strings.Repeat("x", short[i]) {
			t.Errorf("got %d bytes, want %d", len(data), short[i])
		}
	}
	for c.counters.tooLong.Load() < uint64(len(long)) { // those behind the last short one
		send(t, sender, text(c, "probe"))
		collect(t, c, 1)
	}
	if got := c.counters.tooLong.Load(); got != uint64(len(long)) {
		t.Errorf("counted %d that are too long, want %d", got, len(long))
	}
}

func TestWriteToMany(t *testing.T) {
	const receivers, each = 32, 20 // more than one system call takes
	sender := listen(t)
	var conns []*conn
	var packets []packet
	for range receivers {
		conns = append(conns, listen(t))
	}
	for i := range each {
		for _, c := range conns {
			packets = append(packets, text(c, c.Addr().String()+strings.Repeat("!", i)))
		}
	}
	send(t, sender, packets...)
	for _, c := range conns {
		got := collect(t, c, each)
		slices.Sort(got)
		for i, data := range got {
			if want := c.Addr().String() + strings.Repeat("!", i); data != want {
				t.Errorf("got %q, want %q", data, want)
			}
		}
	}
	if got := sender.counters.sent.Load(); got != receivers*each {
		t.Errorf("counted %d sent, want %d", got, receivers*each)
	}
}

// TestClosedPort holds that ICMP errors, which answer datagrams to a port that is
// not open, disturb neither writes nor reads.
func TestClosedPort(t *testing.T) {
	c, sender, gone := listen(t), listen(t), listen(t)
	gone.Close()
	for range 10 {
		send(t, sender, text(gone, "to nobody"), text(c, "ping"), text(gone, "to nobody"))
	}
	collect(t, c, 10)
	send(t, c, text(sender, "pong"))
	if got := collect(t, sender, 1); got[0] != "pong" {
		t.Errorf("got %q, want the answer", got)
	}
}

// TestRefusedDatagrams holds that what the kernel will not send is skipped.
func TestRefusedDatagrams(t *testing.T) {
	c, sender := listen(t), listen(t)
	bad := []packet{
		{addr: netip.MustParseAddrPort("127.0.0.1:0")},
		{addr: netip.MustParseAddrPort("[::1]:9")},
		{addr: netip.MustParseAddrPort("127.0.0.1:9"), data: make([]byte, 1<<16)},
		{},
	}
	var packets []packet
	for _, p := range bad {
		packets = append(packets, p, text(c, "good"))
	}
	n, err := sender.write(packets)
	if n != len(bad) || err == nil || !strings.Contains(err.Error(), bad[0].addr.String()) {
		t.Errorf("sent %d, error %v; want %d, and an error that names %v", n, err, len(bad), bad[0].addr)
	}
	if got := sender.counters.refused.Load(); got != uint64(len(bad)) {
		t.Errorf("counted %d refused, want %d", got, len(bad))
	}
	collect(t, c, len(bad))
}

func TestClose(t *testing.T) {
	c := listen(t)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close: %v, want net.ErrClosed", err)
	}
	if _, err := c.read(newBatch(1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read: %v, want net.ErrClosed", err)
	}
	if _, err := c.write([]packet{text(c, "")}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write: %v, want net.ErrClosed", err)
	}
	if err := c.readLoop(t.Context(), newRing(1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("readLoop: %v, want net.ErrClosed", err)
	}
	again, err := listenConn(c.Addr(), 1<<20)
	if err != nil {
		t.Fatal("port is not free: ", err)
	}
	again.Close()
}

func TestCloseEndsReadLoop(t *testing.T) {
	for range 50 { // at whatever point it is then
		c, r := listen(t), newRing(1)
		done := startReading(t.Context(), c, r)
		send(t, c, text(c, "I am reading"))
		next(r)
		c.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Fatalf("readLoop: %v, want net.ErrClosed", err)
		}
	}
}

// TestReadLoopStartsAgain holds that the end of a loop's context ends the loop
// and nothing else.
func TestReadLoopStartsAgain(t *testing.T) {
	c, r := listen(t), newRing(8)
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		done := startReading(ctx, c, r)
		send(t, c, text(c, "hello"))
		if got := next(r); !slices.Equal(got, []string{"hello"}) {
			t.Fatalf("got %q", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadLoopEndsInAFlood is for a loop that never needs to wait.
func TestReadLoopEndsInAFlood(t *testing.T) {
	c, r, sender := listen(t), newRing(64), listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := startReading(ctx, c, r)
	over := make(chan struct{})
	var flooding sync.WaitGroup
	flooding.Go(func() {
		packets := slices.Repeat([]packet{text(c, "flood")}, 512)
		for {
			select {
			case <-over:
				return
			default:
				send(t, sender, packets...)
			}
		}
	})
	for range 10 {
		next(r)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	close(over)
	flooding.Wait()
}

func TestReadsAndWritesDoNotAllocate(t *testing.T) {
	c, r := listen(t), newRing(64)
	in, out := newBatch(16), newBatch(16)
	packets := slices.Repeat([]packet{{addr: c.Addr(), data: bytes.Repeat([]byte("x"), maxPacket)}}, len(in))
	allocs := testing.AllocsPerRun(100, func() {
		send(t, c, packets...)
		for got := 0; got < len(packets); {
			n, err := c.read(in)
			if err != nil {
				t.Fatal(err)
			}
			r.put(in[:n])
			got += r.take(out)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}
