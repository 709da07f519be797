package wire

import (
	"encoding"
	"encoding/binary"

	"github.com/mr-tron/base58"
)

// Hash is 32 bytes that Solana prints in base58: the hash of a value, of a pong,
// or of a snapshot.
type Hash [32]byte

var (
	_ encoding.TextMarshaler   = Hash{}
	_ encoding.TextUnmarshaler = (*Hash)(nil)
)

// ParseHash reads what String prints.
func ParseHash(s string) (h Hash, err error) {
	return h, parseBase58(h[:], "hash", s)
}

// String prints the hash in base58.
func (h Hash) String() string { return base58.Encode(h[:]) }

// IsZero reports whether every byte is zero.
func (h Hash) IsZero() bool { return h == Hash{} }

// Prefix is the number by which pull filters divide values among partitions: the
// first eight bytes, the last of them the most significant (Agave
// gossip/src/crds_gossip_pull.rs, hash_as_u64).
func (h Hash) Prefix() uint64 { return binary.LittleEndian.Uint64(h[:]) }

// MarshalText prints the hash in base58.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText prints, and changes nothing if it cannot.
func (h *Hash) UnmarshalText(text []byte) error {
	parsed, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}
