package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
)

// numbered is a key that is zero but for byte 7, as Rust's Pubkey::from makes it.
func numbered(i byte) (k Pubkey) {
	k[7] = i
	return k
}

// TestPruneIsSignedAsByAgave has the data of Agave's own test
// (gossip/src/protocol.rs), signed in both ways.
func TestPruneIsSignedAsByAgave(t *testing.T) {
	key := unhex(t, "bb81392076fc5c40215bc6042d8e2390f7eccf5d8cda850e910e79945643f3c94a2c5b2db12560b6b393bf8f8a2f0a38acf91be6661db68b063d231ce9063fe5")
	p := NewPrune(key, numbered(4), []Pubkey{numbered(1), numbered(2), numbered(3)}, 1736887210868)
	check(t, "from", p.From.String(), "5zYQ7PqYa81fw3rXAYUtmUcoL9TFwG67wcE9LW8hwtfE")
	check(t, "signature", p.Signature.String(), "XjXQxG6vhrfPPQtddCgkfmKsH69YoUvG6GTrQfvmB73GUTjXCL5VDBE3Na94e4uT2MWPTBP3cinVdpHdBb9zAxY")
	check(t, "Verify", p.Verify(), nil)

	p.Signature = sign(key, p.signable(""))
	check(t, "signature without prefix", p.Signature.String(), "3DLhX5BP4TdQhX8FGaznmMeuP9zumgZnAKsVjxKirkwyzotn5gFX8zcrCr4mewq56rroAghZ4J1D1anFncxHC1xx")
	check(t, "Verify without prefix", p.Verify(), nil)
}

// TestPruneOfNothingIsSignedAsBySig has no origins.
func TestPruneOfNothingIsSignedAsBySig(t *testing.T) {
	key := sigKey(t)
	p := NewPrune(key, PubkeyOf(key), nil, 0)
	p.Signature = sign(key, p.signable(""))
	check(t, "signature", hex.EncodeToString(p.Signature[:]),
		"506207b58160f9f72227fb297df11f197a67ca304ea0de41e451abede957f81d2500134253cf4e56e89db890470cdf5690a9a0ab8bf86a3fc2b29077333cc907")
	check(t, "Verify", p.Verify(), nil)
}

func madePrune() *Prune {
	var origins []Pubkey
	for i := range 3 {
		origins = append(origins, sha256.Sum256(fmt.Appendf(nil, "origin%d", i)))
	}
	return NewPrune(seeded(1), PubkeyOf(seeded(2)), origins, 1750000000002)
}

// TestPruneIsMadeAnew makes both packets of the fixtures.
func TestPruneIsMadeAnew(t *testing.T) {
	p := madePrune()
	check(t, "with prefix", hex.EncodeToString(encode(t, p)), hex.EncodeToString(fixture(t, "derived_prune_prefix.bin")))
	p.Signature = sign(seeded(1), p.signable(""))
	check(t, "without prefix", hex.EncodeToString(encode(t, p)), hex.EncodeToString(fixture(t, "derived_prune_noprefix.bin")))
}

// TestPruneIsBoundToItsBytes changes a bit of each signed field.
func TestPruneIsBoundToItsBytes(t *testing.T) {
	for name, change := range map[string]func(*Prune){
		"from":        func(p *Prune) { p.From = PubkeyOf(seeded(3)) },
		"origin":      func(p *Prune) { p.Origins[1][0] ^= 1 },
		"fewer":       func(p *Prune) { p.Origins = p.Origins[:2] },
		"destination": func(p *Prune) { p.Destination[0] ^= 1 },
		"wallclock":   func(p *Prune) { p.Wallclock++ },
		"signature":   func(p *Prune) { p.Signature[0] ^= 1 },
	} {
		p := madePrune()
		change(p)
		if err := p.Verify(); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: error is %v, want %v", name, err, ErrSignature)
		}
	}
}

// TestPruneHoldsAsManyAsFit shows that MaxPruneOrigins is the limit of a packet.
func TestPruneHoldsAsManyAsFit(t *testing.T) {
	full := NewPrune(seeded(1), Pubkey{}, make([]Pubkey, MaxPruneOrigins), 1)
	got, err := Decode(encode(t, full))
	check(t, "error", err, nil)
	check(t, "origins", len(got.(*Prune).Origins), MaxPruneOrigins)
	prefix := []byte("kept")
	b, err := Append(prefix, NewPrune(seeded(1), Pubkey{}, make([]Pubkey, MaxPruneOrigins+1), 1))
	checkError(t, err, "1236 bytes, want at most 1232")
	check(t, "bytes after a refusal", bytes.Equal(b, prefix), true)
}
