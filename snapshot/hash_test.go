package snapshot

import (
	"encoding/json"
	"strings"
	"testing"
)

// The genesis hash of mainnet-beta.
const mainnet = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"

func TestParseHash(t *testing.T) {
	for _, text := range []string{
		mainnet,
		strings.Repeat("1", 32), // all zero
		"JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG", // all 0xff
		strings.Repeat("1", 31) + "2",
	} {
		h, err := ParseHash(text)
		if err != nil || h.String() != text {
			t.Errorf("ParseHash(%q) = %s, %v", text, h, err)
		}
	}
	for name, text := range map[string]string{
		"empty":             "",
		"31 bytes":          strings.Repeat("1", 31),
		"33 bytes":          strings.Repeat("1", 33),
		"letter O":          "O" + mainnet[1:],
		"digit 0":           "0" + mainnet[1:],
		"non-ASCII":         "é" + mainnet[2:],
		"space":             " " + mainnet,
		"newline":           mainnet + "\n",
		"above 2^256":       "JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFH",
		"megabyte":          strings.Repeat("z", 1<<20),
		"leading one extra": "1" + mainnet,
	} {
		if h, err := ParseHash(text); err == nil {
			t.Errorf("%s: ParseHash accepts it as %s", name, h)
		}
	}
}

func TestHashIsTextInJSON(t *testing.T) {
	h, err := ParseHash(mainnet)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(h)
	if err != nil || string(text) != `"`+mainnet+`"` {
		t.Fatalf("hash marshals to %s, %v", text, err)
	}
	var back Hash
	if err := json.Unmarshal(text, &back); err != nil || back != h {
		t.Fatalf("hash comes back as %s, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`"short"`), &back); err == nil || back != h {
		t.Fatalf("a bad text gives %s, %v; want an error and the hash as it was", back, err)
	}
}

func TestZeroHash(t *testing.T) {
	if !(Hash{}).IsZero() || (Hash{31: 1}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(mainnet)
	f.Add(strings.Repeat("1", 32))
	f.Add("JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFH")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHash(text)
		if err == nil && h.String() != text {
			t.Errorf("%q is accepted and prints as %q", text, h)
		}
	})
}
