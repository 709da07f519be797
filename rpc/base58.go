package rpc

import (
	"github.com/mr-tron/base58"

	"solsnap/snapshot/archive/manifest"
)

// maxBase58 is the length of the longest base58 text of 32 bytes.
const maxBase58 = 44

// parseBase58 reads base58 of exactly 32 bytes. The error is prefix and the name
// that Agave's ParsePubkeyError and ParseHashError have for what is wrong.
func parseBase58(text, prefix string) ([32]byte, error) {
	if len(text) > maxBase58 {
		return [32]byte{}, &Error{Code: CodeInvalidParams, Message: prefix + "WrongSize"}
	}
	decoded, err := base58.Decode(text)
	switch {
	case err != nil && text != "":
		return [32]byte{}, &Error{Code: CodeInvalidParams, Message: prefix + "Invalid"}
	case len(decoded) != 32:
		return [32]byte{}, &Error{Code: CodeInvalidParams, Message: prefix + "WrongSize"}
	}
	return [32]byte(decoded), nil
}

// optionalPubkey reads a key that is a string to serde, so that it is looked at
// when all types have been seen. nil stays nil.
func optionalPubkey(text *string) (*manifest.Pubkey, error) {
	if text == nil {
		return nil, nil
	}
	key, err := parseBase58(*text, "Invalid param: ")
	return (*manifest.Pubkey)(&key), err
}
