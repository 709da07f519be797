package wire

import (
	"errors"
	"io"
	"math"
	"testing"
)

func TestVarint(t *testing.T) {
	for name, tt := range map[string]struct {
		bits    int
		hex     string
		want    uint64
		refusal string
	}{
		"zero":                {16, "00", 0, ""},
		"one byte":            {16, "7f", 127, ""},
		"two bytes":           {16, "8001", 128, ""},
		"two bytes filled":    {16, "ff7f", 16383, ""},
		"three bytes":         {16, "808001", 16384, ""},
		"highest":             {16, "ffff03", 65535, ""},
		"zero in two":         {16, "8000", 0, "ends in a zero byte"},
		"zero in three":       {16, "808000", 0, "ends in a zero byte"},
		"127 in three":        {16, "ff8000", 0, "ends in a zero byte"},
		"too high":            {16, "ffff04", 0, "more than 16 bits"},
		"too high, even":      {16, "808004", 0, "more than 16 bits"},
		"four bytes":          {16, "80808001", 0, "more than 16 bits"},
		"cut":                 {16, "80", 0, "unexpected EOF"},
		"none":                {16, "", 0, "unexpected EOF"},
		"wide zero":           {64, "00", 0, ""},
		"wide highest bit":    {64, "80808080808080808001", 1 << 63, ""},
		"wide highest":        {64, "ffffffffffffffffff01", math.MaxUint64, ""},
		"wide zero in two":    {64, "8000", 0, "ends in a zero byte"},
		"wide too high":       {64, "80808080808080808002", 0, "more than 64 bits"},
		"wide eleven bytes":   {64, "8080808080808080808001", 0, "more than 64 bits"},
		"wide zero in ten":    {64, "80808080808080808000", 0, "ends in a zero byte"},
		"wide cut after nine": {64, "808080808080808080", 0, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			c := Modern.reader(unhex(t, tt.hex))
			got := c.varint("v", tt.bits)
			if tt.refusal != "" {
				checkError(t, c.finish(), tt.refusal)
				return
			}
			check(t, "error", c.finish(), nil)
			check(t, "number", got, tt.want)
			w := Modern.writer(nil)
			w.varint64("v", &got)
			check(t, "written", string(w.buf), string(unhex(t, tt.hex)))
		})
	}
}

func TestOptionTag(t *testing.T) {
	for tag := range 256 {
		var v bool
		c := Modern.reader([]byte{byte(tag)})
		c.bool("v", &v)
		check(t, "refused", c.err != nil, tag > 1)
		check(t, "value", v, tag == 1)
	}
}

func TestBitVec(t *testing.T) {
	const zero, one = " 0000000000000000", " 0100000000000000"
	for name, tt := range map[string]struct {
		hex     string
		refusal string
	}{
		"none":                {"00" + zero, ""},
		"none with a length":  {"00" + one, "1 bits, want at most 0"},
		"some of no blocks":   {"01" + zero + zero, ""},
		"no blocks, length 1": {"01" + zero + one, "1 bits, want at most 0"},
		"half a block":        {"01" + one + " ffffffff00000000 2000000000000000", ""},
		"a block":             {"01" + one + " ffffffffffffffff 4000000000000000", ""},
		"more than a block":   {"01" + one + " ffffffffffffffff 4100000000000000", "65 bits, want at most 64"},
		"a surplus block":     {"01 0200000000000000 ffffffffffffffff ffffffffffffffff" + one, ""},
		"cut blocks":          {"01 0200000000000000 ffffffffffffffff ffffffff", "2 elements of at least 8 bytes"},
		"as many as fit u64":  {"01 ffffffffffffffff ffffffffffffffff", "18446744073709551615 elements"},
		"other tag":           {"02" + zero, "tag 2, want 0 or 1"},
	} {
		t.Run(name, func(t *testing.T) {
			var v BitVec[uint64]
			c := Modern.reader(unhex(t, tt.hex))
			v.walk(c)
			if tt.refusal != "" {
				checkError(t, c.finish(), tt.refusal)
				return
			}
			check(t, "error", c.finish(), nil)
			w := Modern.writer(nil)
			v.walk(w)
			check(t, "written", string(w.buf), string(unhex(t, tt.hex)))
		})
	}
}

// TestAddressOf1234 is the vector of Sig (v1/src/gossip/data.zig).
func TestAddressOf1234(t *testing.T) {
	var n LegacyContactInfo
	b := append(make([]byte, 32), unhex(t, "00000000 7f000001 d204")...)
	b = append(b, make([]byte, 90+8+2)...)
	check(t, "size", len(b), 142)
	c := Legacy.reader(b)
	n.walk(c)
	check(t, "error", c.finish(), nil)
	check(t, "gossip", n.Sockets[0].String(), "127.0.0.1:1234")
	check(t, "tvu", n.Sockets[1].String(), "0.0.0.0:0")
}

// TestFaultsAreNamed shows what an operator sees, and what a program can ask.
func TestFaultsAreNamed(t *testing.T) {
	n := signed(t, madeContactInfo(t)).Value()
	push := encode(t, &Push{Values: []Value{n, n}})
	_, err := Decode(push[:len(push)-9])
	check(t, "error", err.Error(),
		"decode PushMessage: field values[1].ContactInfo.sockets at offset 332: unexpected EOF: 3 elements of at least 3 bytes, 3 bytes left")
	var fault *FieldError
	check(t, "is a FieldError", errors.As(err, &fault), true)
	check(t, "field", fault.Field(), "values[1].ContactInfo.sockets")
	check(t, "is EOF", errors.Is(err, io.ErrUnexpectedEOF), true)
}
