package snapshot

import "testing"

func TestSlotOfPair(t *testing.T) {
	pair := Pair{Full: Archive{Name: fullName(100, 1)}}
	if pair.Slot() != 100 {
		t.Errorf("slot of a full alone is %d", pair.Slot())
	}
	if pair.Newest() != pair.Full {
		t.Errorf("newest of a full alone is %v", pair.Newest())
	}
	pair.Incremental = &Archive{Name: incrementalName(100, 150, 2)}
	if pair.Slot() != 150 {
		t.Errorf("slot of a pair is %d", pair.Slot())
	}
	if pair.Newest() != *pair.Incremental {
		t.Errorf("newest of a pair is %v", pair.Newest())
	}
}
