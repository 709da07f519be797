package crds

import (
	"crypto/ed25519"
	"encoding/binary"
	"math"
	"runtime"
	"sync"
	"testing"

	"solsnap/gossip/wire"
)

// A table as on mainnet, as far as it counts here: 350,000 values of 450 bytes of
// 5000 nodes.
const (
	mainnetNodes  = 5000
	mainnetValues = 350_000
	perNode       = mainnetValues / mainnetNodes
	replacements  = 20_000
)

// mainnet is the values of such a table, and newer ones for the first
// replacements. It takes seconds to sign them.
var mainnet = sync.OnceValues(func() (held, newer []wire.Verified) {
	held, newer = make([]wire.Verified, mainnetValues), make([]wire.Verified, replacements)
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for worker := range workers {
		wg.Go(func() {
			for n := worker; n < mainnetNodes; n += workers {
				signNode(n, held[n*perNode:][:perNode], now)
				if end := (n + 1) * perNode; end <= replacements {
					signNode(n, newer[n*perNode:end], now+1)
				}
			}
		})
	}
	wg.Wait()
	return held, newer[:replacements/perNode*perNode]
})

// signNode makes the values of a node: a ContactInfo, and else such as have
// indexes.
func signNode(n int, values []wire.Verified, wallclock uint64) {
	key := ed25519.NewKeyFromSeed(binary.LittleEndian.AppendUint64(make([]byte, 24), uint64(n)))
	from := wire.PubkeyOf(key)
	for i := range values {
		var data wire.Data = &wire.DuplicateShred{From: from, Index: uint16(i), NumChunks: 1, Wallclock: wallclock, Chunk: make([]byte, 450-134)}
		if i == 0 {
			data = &wire.ContactInfo{Pubkey: from, Wallclock: wallclock}
		}
		v, err := wire.Sign(key, data)
		if err != nil {
			panic(err) // only this file can have broken it
		}
		values[i] = v
	}
}

// filled is a table with all of them.
func filled(b *testing.B) (table *Table, held, newer []wire.Verified) {
	b.Helper()
	held, newer = mainnet()
	table = NewTable(self, Limits{})
	for _, v := range held {
		table.Insert(v, Pushed, now)
	}
	b.ReportAllocs()
	return table, held, newer
}

// BenchmarkInsert is of values with new labels, and of such that replace others.
func BenchmarkInsert(b *testing.B) {
	b.Run("new", func(b *testing.B) {
		held, _ := mainnet()
		var table *Table
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if i%len(held) == 0 {
				b.StopTimer()
				table = NewTable(self, Limits{})
				b.StartTimer()
			}
			table.Insert(held[i%len(held)], Pushed, now)
		}
	})
	b.Run("replaces", func(b *testing.B) {
		table, held, newer := filled(b)
		for i := 0; b.Loop(); i++ {
			if i%len(newer) == 0 {
				b.StopTimer()
				putBack(table, held[:len(newer)])
				b.StartTimer()
			}
			table.Insert(newer[i%len(newer)], Pushed, now)
		}
	})
}

// putBack makes older values win once.
func putBack(table *Table, values []wire.Verified) {
	for _, v := range values {
		table.remove(table.find(v.Label()))
		table.Insert(v, Pushed, now)
	}
}

// BenchmarkJudge is what every value costs that comes.
func BenchmarkJudge(b *testing.B) {
	table, held, newer := filled(b)
	run := func(name string, values []wire.Verified) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				v := &values[i%len(values)]
				table.Judge(v.Value(), v.Hash())
				i += 71 // another node
			}
		})
	}
	run("duplicate", held)
	run("replaces", newer)
	for _, v := range newer {
		table.Insert(v, Pushed, now)
	}
	run("stale", held[:len(newer)])
}

// BenchmarkMissing answers a pull request of a node that has everything, which is
// the dearest, with filters as they are for a table of this size.
func BenchmarkMissing(b *testing.B) {
	table, _, _ := filled(b)
	set, err := table.Filters(1078, wire.PullShare, wire.MaxFilters, random())
	if err != nil {
		b.Fatal(err)
	}
	fs, scanned := set.Filters(), 0
	i := 0
	for b.Loop() {
		work := math.MaxInt
		for range table.Missing(&fs[i%len(fs)], now, &work) {
			b.Fatal("has everything")
		}
		scanned += math.MaxInt - work
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(scanned), "ns/scanned")
}

// BenchmarkFilters is what is done twice a second: with the values alone, and with
// the hashes that are purged in 75 s.
func BenchmarkFilters(b *testing.B) {
	table, _, _ := filled(b)
	run := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := table.Filters(1078, wire.PullShare, wire.MaxFilters, more); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("values", run)
	for i := range 850_000 {
		table.purged.add(numbered(i), now)
	}
	b.Run("and-purged", run)
}

// BenchmarkExpire is one round of 100 ms in which nothing expires, and one of a
// second.
func BenchmarkExpire(b *testing.B) {
	table, _, _ := filled(b)
	for name, ms := range map[string]uint64{"100ms": 100, "1s": 1000} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			at := uint64(now)
			for b.Loop() {
				at += ms
				table.Expire(at, constant(math.MaxUint64/2))
			}
		})
	}
}

// BenchmarkRefuse is of hashes that come again, and of such that replace others.
func BenchmarkRefuse(b *testing.B) {
	held, _ := mainnet()
	table := NewTable(self, Limits{})
	for n := range mainnetNodes {
		table.Insert(held[n*perNode], Pushed, now)
	}
	var wallclock uint64
	refuse := func(i int) { table.Refuse(held[i].Label(), wallclock, held[i].Hash(), now) }
	for i := range held {
		refuse(i)
	}
	b.Run("duplicate", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i += 71 {
			refuse(i % len(held))
		}
	})
	b.Run("replaces", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			wallclock = 1 + uint64(i/len(held))
			j := i % len(held)
			table.Refuse(held[j].Label(), wallclock, numbered(i), now)
		}
	})
}

// BenchmarkSince is what the push of a round costs: to read 1200 values.
func BenchmarkSince(b *testing.B) {
	table, _, _ := filled(b)
	for b.Loop() {
		for range table.Since(table.Ordinal() - 1200) {
		}
	}
}

// BenchmarkEvict inserts into a full table.
func BenchmarkEvict(b *testing.B) {
	held, _ := mainnet()
	table := NewTable(self, Limits{Values: mainnetValues / 2})
	for _, v := range held {
		table.Insert(v, Pushed, now)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		table.Insert(held[i%len(held)], Pushed, now)
	}
}

// BenchmarkMemory has no time, but what a table takes for each value and for each
// refusal, without the bytes of the value.
func BenchmarkMemory(b *testing.B) {
	held, _ := mainnet()
	before := inUse()
	var table *Table
	for b.Loop() {
		table = NewTable(self, Limits{})
		for _, v := range held {
			table.Insert(v, Pushed, now)
		}
	}
	values := inUse()
	b.ReportMetric((values-before)/mainnetValues, "B/value")
	for i := range held {
		table.Refuse(held[i].Label(), now, held[i].Hash(), now)
	}
	refusals := inUse()
	b.ReportMetric((refusals-values)/mainnetValues, "B/refusal")
	for i := range 850_000 {
		table.purged.add(numbered(i), now)
	}
	b.ReportMetric((inUse()-refusals)/850_000, "B/purged")
	runtime.KeepAlive(table)
}

func inUse() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
