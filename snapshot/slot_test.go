package snapshot

import (
	"math"
	"testing"
)

func TestParseSlot(t *testing.T) {
	for text, want := range map[string]Slot{
		"0": 0, "1": 1, "440284702": 440284702, "18446744073709551615": math.MaxUint64,
	} {
		got, err := ParseSlot(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParseSlot(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "00", "01", "+1", "-1", " 1", "1 ", "1_000", "0x1", "1.0", "18446744073709551616", "١"} {
		if got, err := ParseSlot(text); err == nil {
			t.Errorf("ParseSlot(%q) = %d, want an error", text, got)
		}
	}
}
