//go:build linux

package main

import (
	"crypto/ed25519"
	"crypto/sha512"
	"math/big"
	"math/rand/v2"
	"slices"
)

// nonceUses is how many values of the table have the same nonce, on average.
const nonceUses = 40

// nonce is a secret scalar and its point. A key pair is that, too.
type nonce struct {
	scalar *big.Int
	point  ed25519.PublicKey
}

// newNonce makes one of the pair that ed25519 makes of a seed (RFC 8032, 5.1.5).
func newNonce(key ed25519.PrivateKey) nonce {
	h := sha512.Sum512(key.Seed())
	h[0] &= 248
	h[31] &= 127
	h[31] |= 64
	return nonce{littleEndian(new(big.Int), h[:32]), key.Public().(ed25519.PublicKey)}
}

// newNonces makes enough for a table.
func newNonces(values int, random *rand.ChaCha8) []nonce {
	nonces := make([]nonce, values/nonceUses)
	var seed [ed25519.SeedSize]byte
	for i := range nonces {
		_, _ = random.Read(seed[:])
		nonces[i] = newNonce(ed25519.NewKeyFromSeed(seed[:]))
	}
	return nonces
}

// groupOrder is L, by which scalars are reduced.
var groupOrder, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

// quickSigner signs for a tenth of what it costs others, which is nearly all for
// the point of a nonce: these were made beforehand, and come again and again. The
// signatures are as good as others to who verifies them, and cost as much; but two
// of a key with one nonce give the key away. These keys protect nothing. It has
// one owner.
type quickSigner struct {
	nonces []nonce
	random *rand.ChaCha8
	hashed []byte
	k, sum big.Int
}

// sign writes the signature of a key, R and S = r + H(R, A, M) a, in front of
// what is signed.
func (q *quickSigner) sign(key nonce, value []byte) {
	n := q.nonces[q.random.Uint64()%uint64(len(q.nonces))]
	signature, message := value[:ed25519.SignatureSize], value[ed25519.SignatureSize:]
	q.hashed = append(append(append(q.hashed[:0], n.point...), key.point...), message...)
	h := sha512.Sum512(q.hashed)
	littleEndian(&q.k, h[:])
	q.sum.Mul(&q.k, key.scalar)
	q.sum.Add(&q.sum, n.scalar)
	q.k.Mod(&q.sum, groupOrder)
	copy(signature, n.point)
	q.k.FillBytes(signature[32:])
	slices.Reverse(signature[32:])
}

// littleEndian reads a number whose first byte is the least. It turns the bytes.
func littleEndian(z *big.Int, b []byte) *big.Int {
	slices.Reverse(b)
	return z.SetBytes(b)
}
