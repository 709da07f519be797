package discovery

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"solsnap/gossip/wire"
)

// ErrSignature means that bytes were not signed by the peer they name.
var ErrSignature = errors.New("signature does not verify")

// domain keeps a signature for one purpose from being used for another. The
// strings must not change: they are under every signature.
type domain string

const (
	entryDomain     domain = "solsnap discovery entry v1\n"
	departureDomain domain = "solsnap discovery departure v1\n"
	pongDomain      domain = "solsnap discovery pong v1\n"
)

const signatureSize = ed25519.SignatureSize

func (d domain) sign(key ed25519.PrivateKey, body string) []byte {
	return ed25519.Sign(key, []byte(string(d)+body))
}

// seal puts the signature before the body.
func (d domain) seal(key ed25519.PrivateKey, body string) string {
	return string(d.sign(key, body)) + body
}

// verify reports whether the peer signed the body. As in package wire, keys and
// points R of small order are refused: with one, a signature fits many messages
// or many keys, and the standard library alone takes them.
func (d domain) verify(peer wire.Pubkey, body string, signature []byte) error {
	r := [32]byte(signature[:32])
	if smallOrder(peer) || smallOrder(r) || !ed25519.Verify(peer[:], []byte(string(d)+body), signature) {
		return fmt.Errorf("peer %v: %w", peer, ErrSignature)
	}
	return nil
}

// smallOrder reports whether the bytes encode a point whose order divides eight,
// canonically or not. The y of the two points of order eight aside, those are 0, 1,
// the prime less 1, and the prime and its successor, which mean 0 and 1.
func smallOrder(point [32]byte) bool {
	point[31] &= 0x7f // the sign of x: the points come in pairs
	if point == eighth || point == otherEighth {
		return true
	}
	first, last := point[0], point[31]
	middle := point[1]
	for _, b := range point[2:31] {
		if b != middle {
			return false
		}
	}
	return first <= 1 && middle == 0 && last == 0 ||
		first >= 0xec && first <= 0xee && middle == 0xff && last == 0x7f
}

// eighth and otherEighth are the y coordinates of the points of order eight, the
// least significant byte first.
var (
	eighth = [32]byte{
		0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
	}
	otherEighth = [32]byte{
		0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
	}
)
