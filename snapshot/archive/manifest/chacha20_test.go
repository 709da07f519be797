package manifest

import (
	"encoding/hex"
	"testing"
)

// TestChacha20Block has the block of RFC 8439, section 2.3.2, and the first of
// its appendix A.1.
func TestChacha20Block(t *testing.T) {
	var counting [32]byte
	for i := range counting {
		counting[i] = byte(i)
	}
	for name, tt := range map[string]struct {
		key     [32]byte
		counter uint32
		nonce   [12]byte
		want    string
	}{
		"section 2.3.2": {counting, 1, [12]byte{3: 9, 7: 0x4a},
			"10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e" +
				"d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"},
		"appendix A.1, 1": {[32]byte{}, 0, [12]byte{},
			"76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7" +
				"da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"},
	} {
		t.Run(name, func(t *testing.T) {
			block := chacha20Block(tt.key, tt.counter, tt.nonce)
			check(t, "block", hex.EncodeToString(block[:]), tt.want)
		})
	}
}

// TestChacha20Numbers shows in which order numbers come off the key stream, and
// that the stream goes on beyond a block.
func TestChacha20Numbers(t *testing.T) {
	random := newChacha20(0)
	check(t, "first number", random.uint64(), 0x903df1a0ade0b876) // of appendix A.1, 1
	for range 7 {
		random.uint64()
	}
	second := chacha20Block([32]byte{}, 1, [12]byte{})
	check(t, "byte of the second block", byte(random.uint64()), second[0])
}

func BenchmarkChacha20(b *testing.B) {
	random := newChacha20(1)
	b.SetBytes(8)
	for b.Loop() {
		random.uint64()
	}
}
