package manifest

import (
	"bufio"
	"bytes"
	"io"
	"runtime"
	"testing"
)

// Mainnet in June 2026 had a manifest of 316 MB: so many delegations, storages
// and vote accounts, and the latter seven times over.
const (
	benchVoteAccounts = 6_500
	benchVoteData     = 3762
	benchDelegations  = 1_320_000
	benchStorages     = 430_000
	benchEpochs       = 6
)

// repeated gives the same bytes so many times, from one copy.
type repeated struct {
	one  []byte
	left int
	rest []byte
}

func (r *repeated) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.left--
		r.rest = r.one
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// stream is a manifest in pieces, which is never in memory whole.
type stream struct {
	pieces []repeated
}

func (s *stream) add(times int, one []byte) {
	s.pieces = append(s.pieces, repeated{one: one, left: times})
}

func (s *stream) size() (n int64) {
	for _, p := range s.pieces {
		n += int64(len(p.one) * p.left)
	}
	return n
}

func (s *stream) reader() io.Reader {
	readers := make([]io.Reader, len(s.pieces))
	for i := range s.pieces {
		piece := s.pieces[i]
		readers[i] = &piece
	}
	return io.MultiReader(readers...)
}

// walked is what walk writes.
func walked(b *testing.B, walk func(*codec)) []byte {
	b.Helper()
	var written bytes.Buffer
	out := bufio.NewWriter(&written)
	walk(&codec{out: out})
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
	return written.Bytes()
}

// mainnetSized is a manifest of the size of mainnet's.
func mainnetSized(b *testing.B) *stream {
	b.Helper()
	m, s := made(), new(stream)
	vote := m.Bank.Stakes.VoteAccounts[0]
	vote.Account.Data = append(vote.Account.Data, make([]byte, benchVoteData-len(vote.Account.Data))...)
	voteBytes := walked(b, func(c *codec) { vote.walk(c, bankDelegation) })
	s.add(1, walked(b, func(c *codec) { m.Bank.walkSettings(c); m.Bank.walkState(c) }))
	s.add(1, le64(nil, benchVoteAccounts))
	s.add(benchVoteAccounts, voteBytes)
	s.add(1, le64(nil, benchDelegations))
	s.add(benchDelegations, walked(b, func(c *codec) { m.Bank.Stakes.Delegations.All[0].walk(c, bankDelegation) }))
	s.add(1, append(le64(nil, 0, 0, 0, 0, 0, 0, 0), 1)) // unused, epoch, history, obsolete, is_delta
	s.add(1, le64(nil, benchStorages))
	s.add(benchStorages, le64(nil, 100, 1, 5, 4096))
	m.AccountsDB.Storages = nil
	s.add(1, walked(b, func(c *codec) { m.AccountsDB.walk(c, 100) })[8:])
	s.add(1, append(le64(nil, 0, 0, 5000), 0, 0)) // obsolete, fee, none, none
	s.add(1, le64(nil, benchEpochs))
	for epoch := range uint64(benchEpochs) {
		s.add(1, append(le64(nil, epoch), le32(0)...))
		s.add(1, le64(nil, benchVoteAccounts))
		s.add(benchVoteAccounts, voteBytes)
		s.add(1, le64(nil, 0, 0, epoch, 0, 1)) // delegations, unused, epoch, history, total
		s.add(1, le64(nil, benchVoteAccounts))
		s.add(benchVoteAccounts, append(make([]byte, 32), append(le64(nil, 1), make([]byte, 32+8)...)...))
		s.add(1, le64(nil, benchVoteAccounts))
		s.add(benchVoteAccounts, make([]byte, 64))
	}
	s.add(1, append([]byte{1}, make([]byte, 2048)...))
	s.add(1, append([]byte{1}, make([]byte, 32)...))
	return s
}

// BenchmarkDecode reads a manifest of mainnet's size, and reports what stays in
// memory of it.
func BenchmarkDecode(b *testing.B) {
	for name, decoder := range map[string]Decoder{"lean": {}, "whole": {Whole: true}} {
		b.Run(name, func(b *testing.B) {
			s := mainnetSized(b)
			b.SetBytes(s.size())
			b.ReportAllocs()
			before := liveHeap()
			var m *Manifest
			for b.Loop() {
				var err error
				if m, err = decoder.Decode(s.reader(), s.size()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(liveHeap()-before)/(1<<20), "live-MiB")
			if m.Bank.Stakes.Delegations.Count != benchDelegations || m.Tail != TailBlockID || m.Trailing != 0 {
				b.Errorf("decoded %d delegations, tail %d, %d trailing", m.Bank.Stakes.Delegations.Count, m.Tail, m.Trailing)
			}
		})
	}
}

func liveHeap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// BenchmarkEncode writes testnet's manifest: 93,638 storages and the rest.
func BenchmarkEncode(b *testing.B) {
	m := decodeWhole(b, fixture(b, testnet))
	size, err := m.Size()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Encode(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
