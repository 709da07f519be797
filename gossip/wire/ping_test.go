package wire

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"testing"
)

// sigKey is the key pair of Sig's tests (v1/src/gossip/ping_pong.zig).
func sigKey(t testing.TB) ed25519.PrivateKey {
	return unhex(t, "7d34a261e78b3a0db9d4398e880c157fe447737e8a34664567b92dff84def38a1975150b3daa261243c4f2db329a04fe4fe3fde5bce6790ce3f8c79cfd90af43")
}

// TestPingIsSignedAsBySig has the bytes of another implementation.
func TestPingIsSignedAsBySig(t *testing.T) {
	p := NewPing(sigKey(t), Token{})
	check(t, "from", p.From.String(), "2iNjxAntSWX79CAtzAC9cYCm51gSXrEtjV8x3v2KVujG")
	check(t, "signature", hex.EncodeToString(p.Signature[:]),
		"34ab5bcdb7d326db359ba376caa90fed9357d11406731872c429d9377bf5238a7e2fe9b65ace0dadd46b5e78a7fe0e0bfdc79e04cb2aad8fd6d1849edf3ed60b")
	check(t, "Verify", p.Verify(), nil)
	hash := PongHash(Token{})
	check(t, "PongHash", hex.EncodeToString(hash[:]), "261e9e32a52b19636f56ffcd091aac94279c4d1df918d783197689eb73975cd5")
}

// TestPongAnswersPing makes both packets of the fixtures anew.
func TestPongAnswersPing(t *testing.T) {
	var token Token
	for i := range token {
		token[i] = byte(i)
	}
	ping, pong := NewPing(seeded(1), token), NewPong(seeded(2), token)
	check(t, "ping", hex.EncodeToString(encode(t, ping)), hex.EncodeToString(fixture(t, "derived_ping.bin")))
	check(t, "pong", hex.EncodeToString(encode(t, pong)), hex.EncodeToString(fixture(t, "derived_pong.bin")))
	check(t, "pong", pong.Verify(), nil)
}

// TestPingAndPongAreBoundToTheirBytes changes one bit of each field.
func TestPingAndPongAreBoundToTheirBytes(t *testing.T) {
	for name, m := range map[string]Message{"ping": NewPing(seeded(1), Token{1}), "pong": NewPong(seeded(1), Token{1})} {
		for _, at := range []int{4, 36, 68, 100} {
			b := encode(t, m)
			b[at] ^= 4
			forged, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			err = forged.(interface{ Verify() error }).Verify()
			if !errors.Is(err, ErrSignature) {
				t.Errorf("%s with byte %d changed: error is %v, want %v", name, at, err, ErrSignature)
			}
		}
	}
}

func encode(t testing.TB, m Message) []byte {
	t.Helper()
	b, err := Append(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
