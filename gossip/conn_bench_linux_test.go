package gossip

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// copies returns n datagrams of the largest size to the address.
func copies(to netip.AddrPort, n int) []packet {
	return slices.Repeat([]packet{{addr: to, data: make([]byte, maxPacket)}}, n)
}

// reportPackets reports how many datagrams the timed part of a benchmark moved, each
// iteration n of them.
func reportPackets(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "datagrams/s")
}

// BenchmarkReceive reads batches that wait in the socket through the ring, and
// drops them.
func BenchmarkReceive(b *testing.B) {
	c, sender, r := listen(b), listen(b), newRing(1024)
	in, out := newBatch(readBatch), newBatch(readBatch)
	packets := copies(c.Addr(), readBatch)
	b.ReportAllocs()
	b.SetBytes(readBatch * maxPacket)
	for b.Loop() {
		b.StopTimer()
		send(b, sender, packets...)
		b.StartTimer()
		for got := 0; got < readBatch; {
			n, err := c.read(in)
			if err != nil {
				b.Fatal(err)
			}
			r.put(in[:n])
			got += r.take(out)
		}
	}
	reportPackets(b, readBatch)
}

// BenchmarkSend writes batches to a socket that drops them. Over loopback that is
// the receiver's part of the kernel's work, too.
func BenchmarkSend(b *testing.B) {
	c, sender := listen(b), listen(b)
	packets := copies(c.Addr(), readBatch)
	b.ReportAllocs()
	b.SetBytes(readBatch * maxPacket)
	for b.Loop() {
		send(b, sender, packets...)
	}
	reportPackets(b, readBatch)
}

// trafficTo is set to an address and a number for every millisecond in the
// process that BenchmarkTraffic starts.
const trafficTo = "SOLSNAP_TEST_TRAFFIC"

// BenchmarkTraffic reads what another process sends for two seconds, through the
// ring into nothing: 50,000 datagrams a second, which is more than mainnet
// sends, then 100,000, then as many as one thread can. %core is the processor
// time of the whole process.
func BenchmarkTraffic(b *testing.B) {
	if to := os.Getenv(trafficTo); to != "" {
		sendTraffic(b, to)
		return
	}
	for _, perMillisecond := range []int{50, 100, 1000} {
		b.Run(fmt.Sprintf("%dk", perMillisecond), func(b *testing.B) {
			c := listen(b)
			stop := drop(b, c)
			for b.Loop() {
				receiveTraffic(b, c, perMillisecond)
			}
			stop()
		})
	}
}

// receiveTraffic reports what came while another process sent, and at what cost.
func receiveTraffic(b *testing.B, c *conn, perMillisecond int) {
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkTraffic$", "-test.benchtime=1x")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%v %d", trafficTo, c.Addr(), perMillisecond))
	cpu, start, received := processorTime(b), time.Now(), c.counters.received.Load()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	cpu = processorTime(b) - cpu
	seconds, n := time.Since(start).Seconds(), float64(c.counters.received.Load()-received)
	b.ReportMetric(100*cpu.Seconds()/seconds, "%core")
	b.ReportMetric(float64(cpu.Nanoseconds())/n, "cpu-ns/datagram")
	b.ReportMetric(n/seconds, "datagrams/s")
	b.ReportMetric(float64(c.kernelDrops()), "lost")
}

// sendTraffic sends for two seconds from many ports, every millisecond if it can.
func sendTraffic(b *testing.B, order string) {
	var to string
	var perMillisecond int
	if _, err := fmt.Sscan(order, &to, &perMillisecond); err != nil {
		b.Fatal(err)
	}
	packets := copies(netip.MustParseAddrPort(to), perMillisecond)
	senders := []*conn{listen(b), listen(b), listen(b), listen(b), listen(b), listen(b), listen(b), listen(b)}
	start := time.Now()
	for i := 0; time.Since(start) < 2*time.Second; i++ {
		send(b, senders[i%len(senders)], packets...)
		rest := unix.NsecToTimespec(time.Until(start.Add(time.Duration(i+1) * time.Millisecond)).Nanoseconds())
		_ = unix.Nanosleep(&rest, nil) // refuses to go back in time
	}
}

// drop reads the conn into a ring, and from that into nothing, until stop.
func drop(b *testing.B, c *conn) (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	r := newRing(16384)
	done := startReading(ctx, c, r)
	go func() {
		batch := newBatch(1024)
		for ctx.Err() == nil {
			select {
			case <-r.ready:
				r.take(batch)
			case <-ctx.Done():
			}
		}
	}()
	runtime.GC() // whose cost is not that of what follows
	return func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}

// processorTime returns what the process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
