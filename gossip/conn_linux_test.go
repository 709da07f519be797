package gossip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// pin keeps the goroutine on one processor, whose queue keeps the order of what
// it sends over loopback. Its thread ends with it.
func pin(t *testing.T) {
	runtime.LockOSThread()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Error(err)
		return
	}
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			set.Zero()
			set.Set(cpu)
			break
		}
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		t.Error(err)
	}
}

// TestManySenders holds that 10,000 datagrams come through reader and ring whole
// and in the order of each sender, when no more are under way than fit.
func TestManySenders(t *testing.T) {
	const senders, each, fit = 20, 500, 64
	c, r := listen(t), newRing(fit)
	done := startReading(t.Context(), c, r)
	room := make(chan struct{}, fit)
	for i := range senders {
		sender := listen(t)
		go func() {
			pin(t)
			for n := range each {
				room <- struct{}{}
				send(t, sender, packet{addr: c.Addr(), data: payload(i, n)})
			}
		}()
	}
	next, batch := [senders]int{}, newBatch(fit)
	for taken := 0; taken < senders*each; {
		<-r.ready
		n := r.take(batch)
		for _, p := range batch[:n] {
			i := int(p.data[0])
			if want := payload(i, next[i]); !bytes.Equal(p.data, want) {
				t.Fatalf("sender %d: datagram %d has %d bytes, want %d", i, next[i], len(p.data), len(want))
			}
			next[i]++
			<-room
		}
		taken += n
	}
	c.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if got := c.counters.received.Load(); got != senders*each || r.drops() != 0 || c.kernelDrops() != 0 {
		t.Errorf("counted %d received, %d and %d dropped; want all and none", got, r.drops(), c.kernelDrops())
	}
}

// payload returns the bytes of a sender's datagram of that number: of a random
// length, and random but for the sender.
func payload(sender, number int) []byte {
	random := rand.NewChaCha8([32]byte{byte(sender), byte(number), byte(number >> 8)})
	data := make([]byte, 9+random.Uint64()%(maxPacket-8))
	_, _ = random.Read(data)
	data[0] = byte(sender)
	binary.LittleEndian.PutUint64(data[1:], uint64(number))
	return data
}

// TestReadTakesWholeBatches holds that one call takes what waits, up to a batch.
func TestReadTakesWholeBatches(t *testing.T) {
	c := listen(t)
	for range readBatch + 10 {
		send(t, c, text(c, "x"))
	}
	batch := newBatch(2 * readBatch)
	for _, want := range []int{readBatch, 10} {
		if n, err := c.read(batch); n != want || err != nil {
			t.Errorf("read %d datagrams (%v), want %d", n, err, want)
		}
	}
}

// awaitReader returns when another goroutine waits in c.read.
func awaitReader(c *conn) {
	for c.mu.TryLock() {
		c.mu.Unlock()
		runtime.Gosched()
	}
}

func TestWaitsEnd(t *testing.T) {
	tests := map[string]struct {
		left leftover
		end  func(c *conn)
		want error
	}{
		"nap, interrupted":  {leftLittle, (*conn).interrupt, os.ErrDeadlineExceeded},
		"nap, closed":       {leftLittle, func(c *conn) { c.Close() }, net.ErrClosed},
		"idle, interrupted": {leftNothing, (*conn).interrupt, os.ErrDeadlineExceeded},
		"idle, closed":      {leftNothing, func(c *conn) { c.Close() }, net.ErrClosed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := listen(t)
			c.nap = unix.NsecToTimespec(math.MaxInt64) // none that ends by itself
			c.left = test.left
			done := make(chan error)
			go func() {
				_, err := c.read(newBatch(1))
				done <- err
			}()
			awaitReader(c)
			test.end(c)
			if err := <-done; !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// TestNapsSuitTheBuffer holds that a small receive buffer does not overflow while
// its reader naps.
func TestNapsSuitTheBuffer(t *testing.T) {
	var was int64 = -1
	for _, size := range []int{1, 64 << 10, 128 << 10, 64 << 20} {
		c, err := listenConn(loopback, size)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		granted, err := unix.GetsockoptInt(c.socket, unix.SOL_SOCKET, unix.SO_RCVBUF)
		if err != nil {
			t.Fatal(err)
		}
		nap := c.nap.Nano()
		if nap <= was || nap > longestNap.Nanoseconds() {
			t.Errorf("naps of %d ns with %d bytes, and of %d with fewer", nap, granted, was)
		}
		if come := worstRate * nap / 1e9; come*datagramCost > int64(granted)/4 {
			t.Errorf("%d datagrams may come during a nap, to a buffer of %d bytes", come, granted)
		}
		was = nap
	}
}

func TestKernelDrops(t *testing.T) {
	c, err := listenConn(loopback, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sender := listen(t)
	for c.kernelDrops() == 0 {
		send(t, sender, text(c, "one too many"))
	}
	if got := collect(t, c, 1); got[0] != "one too many" {
		t.Errorf("got %q", got)
	}
}
