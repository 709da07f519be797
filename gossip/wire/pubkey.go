package wire

import (
	"crypto/ed25519"
	"encoding"

	"github.com/mr-tron/base58"
)

// Pubkey is the identity of a node: an Ed25519 public key, printed in base58.
type Pubkey [32]byte

var (
	_ encoding.TextMarshaler   = Pubkey{}
	_ encoding.TextUnmarshaler = (*Pubkey)(nil)
)

// ParsePubkey reads what String prints.
func ParsePubkey(s string) (k Pubkey, err error) {
	return k, parseBase58(k[:], "pubkey", s)
}

// PubkeyOf is the public half of a key. The key is whole, as ed25519 makes it.
func PubkeyOf(key ed25519.PrivateKey) Pubkey {
	return Pubkey(key[ed25519.SeedSize:])
}

// String prints the key in base58.
func (k Pubkey) String() string { return base58.Encode(k[:]) }

// IsZero reports whether every byte is zero. No node has that key.
func (k Pubkey) IsZero() bool { return k == Pubkey{} }

// MarshalText prints the key in base58.
func (k Pubkey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText prints, and changes nothing if it cannot.
func (k *Pubkey) UnmarshalText(text []byte) error {
	parsed, err := ParsePubkey(string(text))
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}

func (k *Pubkey) walk(c *codec) { c.array("pubkey", k[:]) }
