package manifest

import (
	"encoding"

	"solsnap/snapshot"
)

// Pubkey is the 32-byte address of an account or identity of a node, printed in
// base58 like a hash.
type Pubkey [32]byte

var (
	_ encoding.TextMarshaler   = Pubkey{}
	_ encoding.TextUnmarshaler = (*Pubkey)(nil)
)

// String prints the key in base58.
func (k Pubkey) String() string { return snapshot.Hash(k).String() }

// IsZero reports whether every byte is zero. That is the address of the system
// program, and no node's.
func (k Pubkey) IsZero() bool { return k == Pubkey{} }

// MarshalText prints the key in base58.
func (k Pubkey) MarshalText() ([]byte, error) { return snapshot.Hash(k).MarshalText() }

// UnmarshalText reads what MarshalText prints.
func (k *Pubkey) UnmarshalText(text []byte) error { return (*snapshot.Hash)(k).UnmarshalText(text) }
