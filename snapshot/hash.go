package snapshot

import (
	"encoding"
	"fmt"

	"github.com/mr-tron/base58"
)

// Hash is 32 bytes that Solana prints in base58: a snapshot hash, a genesis
// hash, a bank hash. The snapshot hash in an archive's name is the checksum of
// the bank's accounts lattice hash; it says nothing about the archive's bytes.
type Hash [32]byte

var (
	_ encoding.TextMarshaler   = Hash{}
	_ encoding.TextUnmarshaler = (*Hash)(nil)
)

// maxHashText is the length of the longest base58 text of 32 bytes.
const maxHashText = 44

// ParseHash reads base58 text of exactly 32 bytes.
func ParseHash(s string) (Hash, error) {
	if len(s) > maxHashText {
		return Hash{}, fmt.Errorf("hash has %d characters, want at most %d", len(s), maxHashText)
	}
	b, err := base58.Decode(s)
	if err != nil {
		return Hash{}, fmt.Errorf("hash %q is not base58: %w", s, err)
	}
	if len(b) != len(Hash{}) {
		return Hash{}, fmt.Errorf("hash %q decodes to %d bytes, want %d", s, len(b), len(Hash{}))
	}
	h := Hash(b)
	if h.String() != s {
		return Hash{}, fmt.Errorf("hash %q is not in canonical base58, want %s", s, h)
	}
	return h, nil
}

// String prints the hash in base58.
func (h Hash) String() string { return base58.Encode(h[:]) }

// IsZero reports whether every byte is zero, which no real hash is.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText prints the hash in base58.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText prints.
func (h *Hash) UnmarshalText(text []byte) error {
	parsed, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}
