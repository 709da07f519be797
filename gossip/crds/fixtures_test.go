package crds

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"solsnap/gossip/wire"
)

// now is when most tests are.
const now = 1_700_000_000_000

// self is the owner of tables.
var self = node(0)

// seeded is the key made of one byte, 32 times.
func seeded(b byte) ed25519.PrivateKey { return keys()[b] }

var keys = sync.OnceValue(func() (all [256]ed25519.PrivateKey) {
	for b := range all {
		all[b] = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(b)}, ed25519.SeedSize))
	}
	return all
})

// node is the pubkey of a seeded key.
func node(b byte) wire.Pubkey { return wire.PubkeyOf(seeded(b)) }

// sign makes a value of a seeded key's.
func sign(t testing.TB, key byte, data wire.Data) wire.Verified {
	t.Helper()
	v, err := wire.Sign(seeded(key), data)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func contact(t testing.TB, key byte, outset, wallclock uint64) wire.Verified {
	t.Helper()
	return sign(t, key, &wire.ContactInfo{Pubkey: node(key), Outset: outset, Wallclock: wallclock})
}

func snapshots(t testing.TB, key byte, wallclock uint64) wire.Verified {
	t.Helper()
	return sign(t, key, &wire.SnapshotHashes{From: node(key), Wallclock: wallclock})
}

// shred is a value of which a node may have 512, and of which two that are of the
// same time differ by salt.
func shred(t testing.TB, key byte, index uint16, wallclock, salt uint64) wire.Verified {
	t.Helper()
	return sign(t, key, &wire.DuplicateShred{From: node(key), Index: index, Wallclock: wallclock, Slot: salt, NumChunks: 1})
}

// twins are two values with the same label and wallclock, the second of the
// greater hash.
func twins(t testing.TB, key byte, wallclock uint64) (lesser, greater wire.Verified) {
	t.Helper()
	pair := []wire.Verified{shred(t, key, 0, wallclock, 1), shred(t, key, 0, wallclock, 2)}
	slices.SortFunc(pair, func(a, b wire.Verified) int {
		x, y := a.Hash(), b.Hash()
		return bytes.Compare(x[:], y[:])
	})
	return pair[0], pair[1]
}

// numbered is a hash like any other.
func numbered(i int) wire.Hash {
	return sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(i)))
}

func random() func() uint64 { return rand.New(rand.NewPCG(1, 2)).Uint64 }

func constant(timeout uint64) func(wire.Pubkey) uint64 {
	return func(wire.Pubkey) uint64 { return timeout }
}

func nobody(wire.Pubkey) bool { return false }

// errorer is a test, or one of rapid's many.
type errorer interface {
	Helper()
	Errorf(format string, args ...any)
}

func check[T comparable](t errorer, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// holds checks that a value is, or is not, in the table.
func holds(t testing.TB, table *Table, v wire.Verified, want bool) {
	t.Helper()
	got, ok := table.Get(v.Label())
	if is := ok && got.Hash() == v.Hash(); is != want {
		t.Errorf("that the table holds %v of %d is %v, want %v", v.Label(), v.Wallclock(), is, want)
	}
}

// more gives other numbers by each call, the same in each run.
var more = random()
