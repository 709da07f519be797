package gossip

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"solsnap/gossip/wire"
)

// numbered is a public key that is told from others by its number.
func numbered(n uint64) (k wire.Pubkey) {
	binary.BigEndian.PutUint64(k[:], n)
	return k
}

// dice gives the same random numbers in each run.
func dice() func() uint64 { return rand.New(rand.NewPCG(1, 2)).Uint64 }

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// says checks that an error has all parts.
func says(t testing.TB, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error is %v, want one with %q", err, part)
		}
	}
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func at(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// captured reads a file of the collection that is kept beside the repository, and
// skips the test where there is none.
func captured(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../shared/fixtures/gossip", name))
	if os.IsNotExist(err) {
		t.Skipf("no fixture %s beside the repository", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}
