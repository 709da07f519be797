package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func FuzzReader(f *testing.F) {
	tape := buildTar(append(agaveEntries(), sparseEntry("8.8"))...)
	f.Add(tape)
	f.Add(compress(f, tape))
	f.Add(compress(f, tape, zstd.WithEncoderCRC(true)))
	f.Add(slices.Concat([]byte("\x50\x2a\x4d\x18\x01\x00\x00\x00x"), compress(f, tape)))
	f.Add(tape[:len(tape)-tarBlock])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(t.Context(), bytes.NewReader(withTarSums(b)))
		if err != nil {
			return
		}
		r.limits.size, r.limits.stored, r.limits.trailing = 1<<24, 1<<24, 1<<20
		got := walkReader(r)
		if got.err != nil && !errors.As(got.err, new(*MemberError)) {
			t.Errorf("error %v is no *MemberError", got.err)
		}
		if got.container.Stored > r.limits.stored || got.container.Size > r.limits.size {
			t.Errorf("limits were exceeded: %+v", got.container)
		}
		if _, err := r.Next(); err == nil && got.ended {
			t.Error("the end was not final")
		}
	})
}

// withTarSums corrects the checksums of what looks like headers, which a fuzzer
// would hardly hit.
func withTarSums(b []byte) []byte {
	b = slices.Clone(b)
	for at := 0; at+tarBlock <= len(b); at += tarBlock {
		if block := b[at:][:tarBlock]; string(block[tarMagicOffset:][:len(tarMagic)]) == tarMagic {
			putTarSum(block)
		}
	}
	return b
}

// FuzzTarHeader never reads a header differently from what it says.
func FuzzTarHeader(f *testing.F) {
	for _, e := range append(agaveEntries(), sparseEntry("8.8")) {
		f.Add(e.bytes()[:tarBlock])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < tarBlock {
			return
		}
		h, err := parseTarHeader((*[tarBlock]byte)(withTarSums(b)))
		if err != nil {
			return
		}
		if h.stored < 0 || strings.ContainsRune(h.name, 0) {
			t.Errorf("header %+v", h)
		}
		if m, err := parseMember(h); err == nil && (m.Size < 0 || m.Size > m.Kind.maxSize()) {
			t.Errorf("member %+v", m)
		}
	})
}

// benchmarkAccounts is one storage of small accounts, like tokens.
func benchmarkAccounts(seed byte, size int) []byte {
	random := rand.NewChaCha8([32]byte{seed})
	b := make([]byte, 0, size+400)
	for len(b) < size {
		a := account{lamports: 2_039_280, data: make([]byte, 165)}
		_, _ = random.Read(a.pubkey[:])
		_, _ = random.Read(a.data[:72])
		b = a.appendRecord(b)
	}
	return b
}

func BenchmarkReader(b *testing.B) {
	const storages, size = 64, 1 << 20
	entries := []entry{versionEntry, manifestEntry, statusEntry}
	for i := range storages {
		entries = append(entries, entry{name: fmt.Sprintf("accounts/%d.%d", i, i), content: string(benchmarkAccounts(byte(i), size))})
	}
	tape := buildTar(entries...)
	for name, archive := range map[string][]byte{"zstd": compress(b, tape, zstd.WithEncoderLevel(zstd.SpeedFastest)), "tar": tape} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(tape)))
			b.ReportAllocs()
			count := 0
			for b.Loop() {
				count += benchmarkWalk(b, archive)
			}
			b.ReportMetric(float64(count)/b.Elapsed().Seconds(), "accounts/s")
			b.ReportMetric(float64(len(tape))/float64(len(archive)), "ratio")
		})
	}
}

func benchmarkWalk(b *testing.B, archive []byte) (count int) {
	r, err := NewReader(b.Context(), bytes.NewReader(archive))
	if err != nil {
		b.Fatal(err)
	}
	var accounts Accounts
	for {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return count
		}
		if err != nil {
			b.Fatal(err)
		}
		if m.Kind != StorageMember {
			continue
		}
		for accounts.Reset(r, m); accounts.Next(); {
			count += int(accounts.Account().Lamports&1) ^ 1
		}
		if err := accounts.Err(); err != nil {
			b.Fatal(err)
		}
	}
}
