package gossip

import (
	"crypto/ed25519"
	"encoding/binary"
	"slices"
	"testing"

	"solsnap/gossip/wire"
)

// madeVote is a vote of a node. Its transaction is a TowerSync, of the form that
// validators send since 2025 (gossip-wire §3.2).
func madeVote(t testing.TB, key ed25519.PrivateKey, index uint8, wallclock uint64) wire.Verified {
	t.Helper()
	program, err := wire.ParsePubkey("Vote111111111111111111111111111111111111111")
	if err != nil {
		t.Fatal(err)
	}
	data := []byte{14, 0, 0, 0}
	data = binary.LittleEndian.AppendUint64(data, wallclock) // root
	data = append(data, 2, 1, 31, 0x80, 1, 30)               // lockouts
	data = append(data, make([]byte, 32)...)                 // bank hash
	data = append(data, 1)
	data = binary.LittleEndian.AppendUint64(data, wallclock/1000)
	data = append(data, make([]byte, 32)...) // block id
	transaction := slices.Concat(
		[]byte{1}, make([]byte, 64),
		[]byte{1, 0, 1}, // header
		[]byte{3}, make([]byte, 31), []byte{1}, make([]byte, 31), []byte{2}, program[:],
		make([]byte, 32), // block hash
		[]byte{1, 2, 2, 1, 0, byte(len(data))}, data,
	)
	return signed(t, key, &wire.Vote{Index: index, From: wire.PubkeyOf(key), Transaction: transaction, Wallclock: wallclock})
}

// madeEpochSlots are the slots that a node has, of a size as on mainnet.
func madeEpochSlots(t testing.TB, key ed25519.PrivateKey, index uint8, wallclock uint64) wire.Verified {
	t.Helper()
	slots := []wire.CompressedSlots{{First: wallclock / 400, Num: 100, Flate2: make([]byte, 700)}}
	return signed(t, key, &wire.EpochSlots{Index: index, From: wire.PubkeyOf(key), Slots: slots, Wallclock: wallclock})
}

func signed(t testing.TB, key ed25519.PrivateKey, data wire.Data) wire.Verified {
	t.Helper()
	v, err := wire.Sign(key, data)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
