package wire

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestValueListIsItsOwnEncoding(t *testing.T) {
	values := make([]Value, 100) // more than a packet holds
	for i := range values {
		values[i] = signed(t, madeContactInfo(t)).Value()
	}
	b, err := AppendValues([]byte("before"), values)
	if err != nil || !bytes.HasPrefix(b, []byte("before")) {
		t.Fatalf("appended %q, %v", b[:6], err)
	}
	again, err := DecodeValues(b[6:])
	if err != nil || len(again) != len(values) {
		t.Fatalf("%d values, %v; want %d", len(again), err, len(values))
	}
	for i, v := range again {
		check(t, "value", hex.EncodeToString(v.Bytes()), hex.EncodeToString(values[i].Bytes()))
	}
}

func TestValueListRefusals(t *testing.T) {
	b, err := AppendValues(nil, []Value{signed(t, madeContactInfo(t)).Value()})
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := DecodeValues(b[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken", n, len(b))
		}
	}
	for name, bad := range map[string][]byte{
		"a byte more":                     append(bytes.Clone(b), 0),
		"a count that nothing stands for": {255, 255, 255, 255, 255, 255, 255, 127},
	} {
		if _, err := DecodeValues(bad); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := AppendValues(nil, make([]Value, 1)); err == nil {
		t.Error("an empty value is written")
	}
}

func FuzzDecodeValues(f *testing.F) {
	b, _ := AppendValues(nil, []Value{signed(f, madeContactInfo(f)).Value(), signed(f, madeSnapshotHashes()).Value()})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := DecodeValues(b)
		if err != nil {
			return
		}
		again, err := AppendValues(nil, values)
		check(t, "error", err, nil)
		check(t, "encoded again", hex.EncodeToString(again), hex.EncodeToString(b))
	})
}
