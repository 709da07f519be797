package wire

import (
	"bytes"
	"math"
	"runtime"
	"testing"
)

// mostAllocated is what no packet may exceed: some 40 times its own size, for a
// list of the smallest extensions.
const mostAllocated = 48 << 10

// TestHugeCountsCostNothing writes huge numbers over every place in every
// message, among them the counts. None may cost memory.
func TestHugeCountsCostNothing(t *testing.T) {
	numbers := map[string][]byte{
		"u64":       bytes.Repeat([]byte{0xff}, 8),
		"int64":     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"million":   {0, 0, 16, 0, 0, 0, 0, 0},
		"eighth":    {0, 0, 0, 0, 0, 0, 0, 0x20}, // times eight it is zero
		"short_vec": {0xff, 0xff, 0x03},
		"thousand":  {0xe8, 0x07},
	}
	for name, m := range madeMessages(t) {
		t.Run(name, func(t *testing.T) {
			whole := encode(t, m)
			for what, number := range numbers {
				for at := range len(whole) - len(number) {
					b := bytes.Clone(whole)
					copy(b[at:], number)
					checkAllocated(t, b, what, at)
				}
			}
		})
	}
}

func checkAllocated(t *testing.T, packet []byte, what string, at int) {
	t.Helper()
	for _, dialect := range []Dialect{Modern, Legacy} {
		allocated := allocatedBy(func() { _, _ = dialect.Decode(packet) })
		if allocated > mostAllocated {
			t.Fatalf("%s at %d: %d bytes allocated, want at most %d", what, at, allocated, mostAllocated)
		}
	}
}

func allocatedBy(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestTheWorstPacketsAreCheap fill a packet with the smallest elements.
func TestTheWorstPacketsAreCheap(t *testing.T) {
	from := PubkeyOf(seeded(1))
	for name, d := range map[string]Data{
		"extensions": &ContactInfo{Pubkey: from, Extensions: make([]Extension, 530)},
		"entries":    &EpochSlots{From: from, Slots: make([]CompressedSlots, 38)},
		"runs":       &RestartLastVotedForkSlots{From: from, Offsets: SlotsOffsets{Runs: make([]uint16, 1020)}},
	} {
		v := forge(t, d)
		checkAllocated(t, encode(t, &Push{Values: []Value{v}}), name, math.MaxInt)
	}
}
