package discovery

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// numbered is an entry whose signature nobody made, for sizes.
func numbered(n int, e Entry) SignedEntry {
	binary.BigEndian.PutUint64(e.Peer[:], rand.Uint64())
	binary.BigEndian.PutUint32(e.Peer[8:], uint32(n))
	body, _ := encode(e.walk)
	u, err := parseEntry(strings.Repeat("s", signatureSize) + body)
	if err != nil {
		panic(err)
	}
	return newSigned(u.entry, u.raw)
}

func full(t testing.TB, e Entry) *Directory {
	t.Helper()
	d, _ := newTestDirectory(t, nil)
	for n := range d.cfg.MaxSigned {
		if got := d.Upsert(numbered(n, e)); got != New {
			t.Fatalf("entry %d: %v", n, got)
		}
	}
	return d
}

// TestBudgetMemory holds 8,192 of the largest entries there can be, and of such as
// are usual, in 32 MiB.
func TestBudgetMemory(t *testing.T) {
	largest := made(1, at(0))
	largest.Tickets = []Ticket{{"jwt", strings.Repeat("x", 1000)}, {"pass", strings.Repeat("x", 620)}}
	if size := len(signedAs(t, 1, largest).raw); size < MaxEntry-50 {
		t.Fatalf("the largest entry has %d bytes, want about %d", size, MaxEntry)
	}
	for name, e := range map[string]Entry{"usual": made(1, at(0)), "largest": largest} {
		before := heapInUse()
		d := full(t, e)
		used := heapInUse() - before
		t.Logf("%s: %.1f MiB, %d bytes an entry", name, float64(used)/(1<<20), int(used)/d.cfg.MaxSigned)
		if used > 32<<20 {
			t.Errorf("%s: %d bytes, want at most 32 MiB", name, used)
		}
		runtime.KeepAlive(d)
	}
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestBudgetReadsAllocateNothing(t *testing.T) {
	d, _ := newTestDirectory(t, func(c *Config) { c.MaxRTT = time.Second })
	for n := range byte(50) {
		d.Upsert(signed(t, n, at(0)))
	}
	c, n := d.Catalog(), 0
	for name, read := range map[string]func(){
		"catalog":    func() { c = d.Catalog() },
		"get":        func() { _, _ = c.Get(peer50) },
		"len":        func() { n += c.Len() },
		"local":      func() { _ = c.Local() },
		"peers":      func() { n += tagsOf(c) },
		"replicated": func() { n += lenReplicated(c) },
	} {
		if allocs := testing.AllocsPerRun(100, read); allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

var peer50 = peer(50)

func tagsOf(c Catalog) (n int) {
	for p := range c.Peers() {
		n += len(p.Entry.Tags)
	}
	return n
}

func lenReplicated(c Catalog) (n int) {
	for s := range c.Replicated() {
		n += len(s.raw)
	}
	return n
}

// TestBudgetAnEventCopiesLittle counts what a change of a full catalog allocates.
func TestBudgetAnEventCopiesLittle(t *testing.T) {
	d := full(t, Entry{Network: network, Version: at(0)})
	updates := make([]SignedEntry, 0, 200)
	for p := range d.Catalog().Peers() {
		e := *p.Entry
		e.Version = at(time.Second)
		s := newSigned(&e, p.Signed.raw)
		if updates = append(updates, s); len(updates) == cap(updates) {
			break
		}
	}
	i := 0
	allocs := testing.AllocsPerRun(len(updates)-1, func() {
		if got := d.Upsert(updates[i]); got != Updated {
			t.Fatal(got)
		}
		i++
	})
	t.Logf("%v allocations", allocs)
	if allocs > 80 {
		t.Errorf("%v allocations, want those of one path through a tree of %d", allocs, d.Stats().Signed)
	}
}

func BenchmarkUpsert(b *testing.B) {
	d := full(b, Entry{Network: network, Version: at(0)})
	var known []wire.Pubkey
	for p := range d.Catalog().Peers() {
		known = append(known, p.Entry.Peer)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e := Entry{Network: network, Peer: known[i%len(known)], Version: at(time.Duration(i/len(known)+1) * time.Millisecond)}
		d.Upsert(newSigned(&e, ""))
	}
}

func BenchmarkDecodeEntry(b *testing.B) {
	raw := signed(b, 1, at(0)).Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeEntry(raw); err != nil {
			b.Fatal(err)
		}
	}
}
