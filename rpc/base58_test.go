package rpc

import (
	"strings"
	"testing"
)

func TestParseBase58(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"zeroes":       {strings.Repeat("1", 32), ""},
		"above 2^256":  {strings.Repeat("z", 44), "WrongSize"},
		"short":        {"1111", "WrongSize"},
		"empty":        {"", "WrongSize"},
		"one too many": {strings.Repeat("1", 33), "WrongSize"},
		"very long":    {strings.Repeat("0", 45), "WrongSize"},
		"not base58":   {"0OIl", "Invalid"},
	} {
		got, err := parseBase58(c.text, "Wrong: ")
		switch {
		case c.want == "" && (err != nil || got != [32]byte{}):
			t.Errorf("%s: got %x, %v", name, got, err)
		case c.want != "" && (err == nil || err.Error() != "json-rpc error -32602: Wrong: "+c.want):
			t.Errorf("%s: error is %v, want %s", name, err, c.want)
		}
	}
}

func TestOptionalPubkey(t *testing.T) {
	key := testKey(7)
	text := key.String()
	if got, err := optionalPubkey(&text); err != nil || *got != key {
		t.Errorf("%s was read as %v, %v", text, got, err)
	}
	if got, err := optionalPubkey(nil); err != nil || got != nil {
		t.Errorf("none was read as %v, %v", got, err)
	}
}
