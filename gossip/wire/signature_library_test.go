package wire

import (
	"crypto/ed25519"
	"crypto/sha512"
	"math/rand/v2"
	"slices"
	"testing"

	voi "github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// TestVerifyIsTheStandardLibrary's where the two could differ: for keys and points
// R with a part of small order, which a check that multiplies by eight would take
// all of. Others would lose a packet of ours with such a value.
func TestVerifyIsTheStandardLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	verdicts := map[bool]int{}
	for i := range 400 {
		key, message, s := mixedSignature(t, random, i%8, i/8%8)
		ours, standard := key.Verify(message, &s), ed25519.Verify(key[:], message, s[:])
		check(t, "ours is the standard library's", ours, standard)
		verdicts[ours]++
		s[40] ^= 1
		check(t, "of another number", key.Verify(message, &s), false)
	}
	if verdicts[true] < 20 || verdicts[false] < 200 {
		t.Errorf("%d of 400 are taken, want some, and most refused", verdicts[true])
	}
}

// mixedSignature is right but for points of small order, by their number, that
// were added to the key and to R.
func mixedSignature(t *testing.T, random *rand.Rand, ofKey, ofR int) (key Pubkey, message []byte, s Signature) {
	t.Helper()
	a, r := randomScalar(t, random), randomScalar(t, random)
	message = []byte{byte(random.Uint32()), byte(random.Uint32())}
	copy(key[:], withTorsion(t, a, ofKey))
	copy(s[:], withTorsion(t, r, ofR))
	hash := sha512.Sum512(slices.Concat(s[:32], key[:], message))
	k, err := scalar.NewFromBytesModOrderWide(hash[:])
	if err != nil {
		t.Fatal(err)
	}
	sum := scalar.New().Add(r, scalar.New().Mul(k, a))
	if err := sum.ToBytes(s[32:]); err != nil {
		t.Fatal(err)
	}
	return key, message, s
}

func randomScalar(t *testing.T, random *rand.Rand) *scalar.Scalar {
	t.Helper()
	b := make([]byte, 64)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	s, err := scalar.NewFromBytesModOrderWide(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withTorsion is the point of a number, and one of the eight of small order.
func withTorsion(t *testing.T, s *scalar.Scalar, torsion int) []byte {
	t.Helper()
	point := voi.NewEdwardsPoint().MulBasepoint(voi.ED25519_BASEPOINT_TABLE, s)
	point.Add(point, voi.EIGHT_TORSION[torsion])
	b, err := point.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
