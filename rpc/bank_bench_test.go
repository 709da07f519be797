package rpc

import (
	"io"
	"strings"
	"testing"

	"solsnap/snapshot/archive/manifest"
)

func benchBank(b *testing.B, bank *Bank) *Server {
	s := NewServer(Config{})
	if err := s.Register(bankMethods(bank)); err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkEpochInfo(b *testing.B) {
	benchmark(b, benchBank(b, testBank(nil)), `{"jsonrpc":"2.0","id":1,"method":"getEpochInfo"}`, `"epoch":31`)
}

// manyVotes has as many vote accounts as mainnet.
func manyVotes(m *manifest.Manifest) {
	for i := range 6000 {
		v := testVote{key: 9, stake: uint64(i), last: 999, root: 968, credits: 64}.account()
		v.Pubkey[0], v.Pubkey[1] = byte(i), byte(i>>8)
		m.Bank.Stakes.VoteAccounts = append(m.Bank.Stakes.VoteAccounts, v)
	}
}

func BenchmarkVoteAccounts(b *testing.B) {
	s := benchBank(b, testBank(manyVotes))
	for name, params := range map[string]string{
		"usual": `[]`, "unstaked": `[{"keepUnstakedDelinquents":true}]`, "one": `[{"votePubkey":"` + testKey(1).String() + `"}]`,
	} {
		b.Run(name, func(b *testing.B) {
			benchmarkLong(b, s, `{"jsonrpc":"2.0","id":1,"method":"getVoteAccounts","params":`+params+`}`)
		})
	}
}

func BenchmarkLeaderSchedule(b *testing.B) {
	m := fixtureManifest(b, "testnet-417955321/manifest.bin.gz")
	benchmarkLong(b, benchBank(b, NewBank(m, nil)), `{"jsonrpc":"2.0","id":1,"method":"getLeaderSchedule"}`)
}

// benchmarkLong measures the server alone, with a client that takes an answer
// without looking.
func benchmarkLong(b *testing.B, s *Server, body string) {
	r := newRequest(body)
	reader := strings.NewReader(body)
	r.Body = readCloser{reader}
	w := &sink{recorder: newRecorder()}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		w.taken = 0
		s.ServeHTTP(w, r)
	}
	if w.taken < 100 {
		b.Fatalf("the answer has %d bytes", w.taken)
	}
}

type sink struct {
	*recorder
	taken int64
}

func (s *sink) Write(p []byte) (int, error) {
	s.taken += int64(len(p))
	return io.Discard.Write(p)
}

// BenchmarkNewBank is what a decoded manifest costs beyond its decoding.
func BenchmarkNewBank(b *testing.B) {
	m := fixtureManifest(b, "testnet-417955321/manifest.bin.gz")
	manyVotes(m)
	b.ReportAllocs()
	for b.Loop() {
		NewBank(m, nil)
	}
}
