package manifest

import (
	"crypto/sha256"
	"math"
	"slices"
	"testing"

	"solsnap/snapshot"
)

func TestShredVersion(t *testing.T) {
	for name, tt := range map[string]struct {
		genesis string // "" for 32 zero bytes
		forks   HardForks
		want    uint16
	}{
		"zero":       {"", nil, 1},
		"one fork":   {"", HardForks{{1, 1}}, 55551},
		"fork twice": {"", HardForks{{1, 2}}, 46353},
		"mainnet":    {"5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d", nil, 54208},
		"testnet":    {"4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY", nil, 16135},
		"devnet":     {"EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG", nil, 23305},
	} {
		t.Run(name, func(t *testing.T) {
			var genesis snapshot.Hash
			if tt.genesis != "" {
				genesis = parseHash(t, tt.genesis)
			}
			check(t, "shred version", tt.forks.ShredVersion(genesis), tt.want)
		})
	}
}

// TestShredVersionIsNeverZero: the sum of 0xffff stays, instead of going round
// to 0.
func TestShredVersionIsNeverZero(t *testing.T) {
	genesis := snapshot.Hash{0: 0xff, 3: 0xff}
	check(t, "shred version", HardForks(nil).ShredVersion(genesis), math.MaxUint16)
	check(t, "one below", HardForks(nil).ShredVersion(snapshot.Hash{0: 0xff, 3: 0xfe}), math.MaxUint16)
}

// TestShredVersionsOfTestnet adds the last forks of June 2026 one by one.
func TestShredVersionsOfTestnet(t *testing.T) {
	m := decode(t, fixture(t, testnet))
	genesis := snapshot.Hash(sha256.Sum256(fixture(t, "genesis/testnet_genesis.bin")))
	forks := m.Bank.HardForks
	if last := (HardForks{{374301609, 3}, {383520372, 1}, {403818246, 1}, {415524281, 1}}); !slices.Equal(forks[41:], last) {
		t.Fatalf("the last forks are %v, want %v", forks[41:], last)
	}
	for n, want := range map[int]uint16{42: 9604, 43: 27350, 44: 57087, 45: 1516} {
		check(t, "shred version", forks[:n].ShredVersion(genesis), want)
	}
	check(t, "manifest's shred version", m.ShredVersion(genesis), 1516)
	slices.Reverse(forks)
	check(t, "in whatever order", m.ShredVersion(genesis), 1516)
}
