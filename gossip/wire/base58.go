package wire

import (
	"fmt"

	"github.com/mr-tron/base58"
)

// parseBase58 fills dst from the one text that prints it. The text of n bytes
// has at most 11 characters for every 8 of them.
func parseBase58(dst []byte, what, text string) error {
	if longest := (len(dst)*11 + 7) / 8; len(text) > longest {
		return fmt.Errorf("%s has %d characters, want at most %d", what, len(text), longest)
	}
	b, err := base58.Decode(text)
	if err != nil {
		return fmt.Errorf("%s %q is not base58: %w", what, text, err)
	}
	if len(b) != len(dst) {
		return fmt.Errorf("%s %q decodes to %d bytes, want %d", what, text, len(b), len(dst))
	}
	if base58.Encode(b) != text {
		return fmt.Errorf("%s %q is not in canonical base58", what, text)
	}
	copy(dst, b)
	return nil
}
