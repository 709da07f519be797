package wire

import (
	"crypto/ed25519"
	"encoding"
	"encoding/hex"
	"errors"

	"github.com/mr-tron/base58"
	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// Signature is an Ed25519 signature: 32 bytes of a point R, 32 of a scalar.
type Signature [64]byte

var (
	_ encoding.TextMarshaler   = Signature{}
	_ encoding.TextUnmarshaler = (*Signature)(nil)
)

// ErrSignature means that bytes were not signed by the key they name. Agave
// loses the whole packet for it, Firedancer only the value.
var ErrSignature = errors.New("signature does not verify")

// ParseSignature reads what String prints.
func ParseSignature(text string) (s Signature, err error) {
	return s, parseBase58(s[:], "signature", text)
}

// String prints the signature in base58.
func (s Signature) String() string { return base58.Encode(s[:]) }

// MarshalText prints the signature in base58.
func (s Signature) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText prints, and changes nothing if it cannot.
func (s *Signature) UnmarshalText(text []byte) error {
	parsed, err := ParseSignature(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// sign signs a message with a whole key.
func sign(key ed25519.PrivateKey, message []byte) Signature {
	return Signature(ed25519.Sign(key, message))
}

// Verify reports whether k signed the message. The standard library alone takes
// keys and points R of small order, with which one signature fits many messages
// or many keys. Agave and Firedancer do not (verify_strict of ed25519-dalek), and
// would drop a packet of ours that has one.
//
// The check is that of the standard library, by a package that needs three fifths
// of the time for it: signatures are most of what a node costs that relays all.
func (k *Pubkey) Verify(message []byte, s *Signature) bool {
	r := [32]byte(s[:32])
	return !smallOrder(*k) && !smallOrder(r) && voi.VerifyWithOptions(k[:], message, s[:], &asStandardLibrary)
}

var asStandardLibrary = voi.Options{Verify: voi.VerifyOptionsStdLib}

// smallOrder reports whether the bytes encode one of the eight points whose
// order divides eight, canonically or not.
func smallOrder(point [32]byte) bool {
	point[31] &= 0x7f // the sign of x: the points come in pairs
	for i := range smallOrderY {
		if point == smallOrderY[i] {
			return true
		}
	}
	return false
}

// smallOrderY are the y coordinates of points of small order, and the two
// numbers below 2^255 that mean one of them without being it: the prime, for 0,
// and the number above it, for 1.
var smallOrderY = [...][32]byte{
	coordinate("0000000000000000000000000000000000000000000000000000000000000000"), // order 4
	coordinate("0100000000000000000000000000000000000000000000000000000000000000"), // order 1
	coordinate("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), // order 2
	coordinate("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), // order 8
	coordinate("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), // order 8
	coordinate("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), // 0 again
	coordinate("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), // 1 again
}

// coordinate reads a constant of the table above.
func coordinate(digits string) [32]byte {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic(err) // only this file can have broken it
	}
	return [32]byte(b)
}
