package wire

import (
	"encoding/hex"
	"strings"
	"testing"
)

// TestRestartValuesAreEncodedAsBySig has the vectors of v1/src/gossip/data.zig.
func TestRestartValuesAreEncodedAsBySig(t *testing.T) {
	from := pubkey(t, "6ZsiX6YcwEa93yWtVwGRiK8Ceoxq2VieVh2pvEiUtpCW")
	key := "52b65d77c17b04eb444052e93322e87bf5edec8efb017b7c1a28db54a574d03f"
	zeros := strings.Repeat("00", 32)
	blocks := unhex(t, "ffffeffffffeffffffffffffffffffff")
	for name, tt := range map[string]struct {
		data Data
		want string
	}{
		"heaviest fork": {&RestartHeaviestFork{From: from, Wallclock: 19, LastSlot: 12, ObservedStake: 11, ShredVersion: 20},
			"0d000000" + key + "1300000000000000 0c00000000000000" + zeros + "0b00000000000000 1400"},
		"last voted fork": {&RestartLastVotedForkSlots{From: from, Offsets: SlotsOffsets{Raw: &BitVec[uint8]{blocks, 128}}},
			"0c000000" + key + "0000000000000000 01000000 01 1000000000000000 ffffeffffffeffffffffffffffffffff 8000000000000000" + "0000000000000000" + zeros + "0000"},
	} {
		t.Run(name, func(t *testing.T) {
			c := Modern.writer(nil)
			c.data(&tt.data)
			check(t, "error", c.finish(), nil)
			check(t, "encoded", hex.EncodeToString(c.buf), strings.ReplaceAll(tt.want, " ", ""))
			v, err := DecodeValue(append(make([]byte, 64), c.buf...))
			check(t, "error", err, nil)
			check(t, "deprecated", v.Kind().Deprecated(), true)
			checkDataIsItsOwnEncoding(t, v)
		})
	}
}
