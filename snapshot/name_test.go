package snapshot

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	hash, err := ParseHash(mainnet)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]Name{
		"snapshot-100-" + mainnet + ".tar.zst":                             {Kind: Full, Slot: 100, Hash: hash},
		"snapshot-0-" + mainnet + ".tar.lz4":                               {Kind: Full, Hash: hash, Format: FormatLZ4},
		"snapshot-18446744073709551615-" + mainnet + ".tar.zst":            {Kind: Full, Slot: math.MaxUint64, Hash: hash},
		"incremental-snapshot-100-150-" + mainnet + ".tar.zst":             {Kind: Incremental, Base: 100, Slot: 150, Hash: hash},
		"incremental-snapshot-0-1-" + mainnet + ".tar.lz4":                 {Kind: Incremental, Slot: 1, Hash: hash, Format: FormatLZ4},
		"snapshot-7-" + strings.Repeat("1", 32) + ".tar.zst":               {Kind: Full, Slot: 7},
		"incremental-snapshot-1-9-" + strings.Repeat("1", 32) + ".tar.zst": {Kind: Incremental, Base: 1, Slot: 9},
	} {
		got, err := ParseName(text)
		if err != nil || got != want {
			t.Errorf("ParseName(%q) = %+v, %v; want %+v", text, got, err, want)
		}
		if want.String() != text {
			t.Errorf("%+v prints as %q, want %q", want, want, text)
		}
	}
}

func TestNearMissesAreNotNames(t *testing.T) {
	full := "snapshot-100-" + mainnet
	for name, text := range map[string]string{
		"empty":                    "",
		"extension alone":          ".tar.zst",
		"no extension":             full,
		"bz2":                      full + ".tar.bz2",
		"gz":                       full + ".tar.gz",
		"plain tar":                full + ".tar",
		"zst without tar":          full + ".zst",
		"upper-case extension":     full + ".TAR.ZST",
		"trailing dot":             full + ".tar.zst.",
		"twice the extension":      full + ".tar.zst.tar.zst",
		"suffix":                   full + ".tar.zst.part",
		"space before":             " " + full + ".tar.zst",
		"newline after":            full + ".tar.zst\n",
		"NUL":                      full + "\x00.tar.zst",
		"no slot":                  "snapshot--" + mainnet + ".tar.zst",
		"no hash":                  "snapshot-1-.tar.zst",
		"prefix only":              "snapshot-.tar.zst",
		"slot only":                "snapshot-1.tar.zst",
		"short hash":               "snapshot-1-abc.tar.zst",
		"leading zero":             "snapshot-0100-" + mainnet + ".tar.zst",
		"plus":                     "snapshot-+100-" + mainnet + ".tar.zst",
		"minus":                    "snapshot--100-" + mainnet + ".tar.zst",
		"slot 2^64":                "snapshot-18446744073709551616-" + mainnet + ".tar.zst",
		"two slots in a full":      "snapshot-100-150-" + mainnet + ".tar.zst",
		"one slot in an incr":      "incremental-snapshot-100-" + mainnet + ".tar.zst",
		"three slots in an incr":   "incremental-snapshot-1-2-3-" + mainnet + ".tar.zst",
		"base equal to slot":       "incremental-snapshot-100-100-" + mainnet + ".tar.zst",
		"base above slot":          "incremental-snapshot-150-100-" + mainnet + ".tar.zst",
		"leading zero in the base": "incremental-snapshot-01-150-" + mainnet + ".tar.zst",
		"upper-case prefix":        "Snapshot-100-" + mainnet + ".tar.zst",
		"underscore":               "snapshot_100_" + mainnet + ".tar.zst",
		"temporary of Agave":       "tmp-snapshot-archive-" + full + ".tar.zst",
		"temporary download":       "tmp-" + full + ".tar.zst",
		"temporary of Firedancer":  ".snapshot-x3.partial",
		"directory before":         "remote/" + full + ".tar.zst",
		"dot dot before":           "../" + full + ".tar.zst",
		"dot dot in the hash":      "snapshot-1-../../etc/passwd.tar.zst",
		"slash before":             "/" + full + ".tar.zst",
		"percent":                  "snapshot%2D100-" + mainnet + ".tar.zst",
		"prefix twice":             "incremental-incremental-snapshot-1-2-" + mainnet + ".tar.zst",
	} {
		got, err := ParseName(text)
		var bad *NameError
		if !errors.As(err, &bad) || bad.Name != text || bad.Reason == "" || got != (Name{}) {
			t.Errorf("%s: ParseName(%q) = %+v, %v; want a *NameError about it", name, text, got, err)
		}
	}
}

func TestKindsPrintAsMetricsLabelThem(t *testing.T) {
	if Full.String() != "full" || Incremental.String() != "incremental" {
		t.Errorf("kinds print as %s and %s", Full, Incremental)
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("snapshot-100-" + mainnet + ".tar.zst")
	f.Add("incremental-snapshot-100-150-" + mainnet + ".tar.lz4")
	f.Add("incremental-snapshot-150-100-" + mainnet + ".tar.zst")
	f.Add("snapshot-0100-" + mainnet + ".tar.zst")
	f.Fuzz(func(t *testing.T, text string) {
		name, err := ParseName(text)
		if err != nil {
			return
		}
		if name.String() != text {
			t.Errorf("%q is accepted and prints as %q", text, name)
		}
		if strings.ContainsAny(text, "/\\\x00%") || strings.HasPrefix(text, ".") {
			t.Errorf("%q is accepted as a name", text)
		}
		if name.Kind == Incremental && name.Base >= name.Slot {
			t.Errorf("%q has its base at or above its slot", text)
		}
	})
}

func BenchmarkParseName(b *testing.B) {
	text := "incremental-snapshot-440284702-440290000-" + mainnet + ".tar.zst"
	for b.Loop() {
		if _, err := ParseName(text); err != nil {
			b.Fatal(err)
		}
	}
}
