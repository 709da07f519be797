package rpc

import "github.com/mr-tron/base58"

// Pubkey is an account's address.
type Pubkey [32]byte

// maxPubkeyText is the length of the longest base58 text of 32 bytes.
const maxPubkeyText = 44

// UnmarshalParam reads base58 of exactly 32 bytes, with the texts of Agave's
// verify_pubkey for what is none.
func (p *Pubkey) UnmarshalParam(v any) error {
	text, ok := v.(string)
	if !ok {
		return invalidType(v, "a string")
	}
	if len(text) > maxPubkeyText {
		return &Error{Code: CodeInvalidParams, Message: "Invalid param: WrongSize"}
	}
	decoded, err := base58.Decode(text)
	switch {
	case err != nil && text != "":
		return &Error{Code: CodeInvalidParams, Message: "Invalid param: Invalid"}
	case len(decoded) != len(p):
		return &Error{Code: CodeInvalidParams, Message: "Invalid param: WrongSize"}
	}
	copy(p[:], decoded)
	return nil
}

// String prints the address in base58.
func (p Pubkey) String() string { return base58.Encode(p[:]) }

// MarshalText prints what String does.
func (p Pubkey) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// optionalPubkey reads a key that is a string to serde, so that it is looked at
// when all types have been seen. nil stays nil.
func optionalPubkey(text *string) (*Pubkey, error) {
	if text == nil {
		return nil, nil
	}
	key := new(Pubkey)
	return key, key.UnmarshalParam(*text)
}
