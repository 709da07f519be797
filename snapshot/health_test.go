package snapshot

import "testing"

func TestAssessHealth(t *testing.T) {
	slot := func(s Slot) *Slot { return &s }
	for name, tt := range map[string]struct {
		mine, cluster *Slot
		distance      uint64
		word          string
		behind        uint64
	}{
		"nothing known":         {nil, nil, 128, "unknown", 0},
		"no pair":               {nil, slot(5), 128, "unknown", 0},
		"no cluster":            {slot(5), nil, 128, "unknown", 0},
		"equal":                 {slot(5), slot(5), 0, "ok", 0},
		"ahead":                 {slot(9), slot(5), 0, "ok", 0},
		"just within":           {slot(100), slot(228), 128, "ok", 0},
		"just beyond":           {slot(100), slot(229), 128, "behind", 129},
		"slot 0 is a slot":      {slot(0), slot(1), 0, "behind", 1},
		"a distance above 2^63": {slot(0), slot(1), 1 << 63, "ok", 0},
	} {
		got := AssessHealth(tt.mine, tt.cluster, tt.distance)
		if got.State.String() != tt.word || got.SlotsBehind != tt.behind || got.Mine != tt.mine || got.Cluster != tt.cluster {
			t.Errorf("%s: got %s, %d behind; want %s, %d", name, got.State, got.SlotsBehind, tt.word, tt.behind)
		}
	}
}
