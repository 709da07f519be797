package wire

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
)

// FuzzDecode holds any datagram against what must be true of every message that
// is taken: it is its own encoding, its values are too, and nothing of the past
// is in it.
func FuzzDecode(f *testing.F) {
	for _, m := range madeMessages(f) {
		f.Add(encode(f, m))
	}
	f.Add(encode(f, &Push{Values: []Value{forge(f, &NodeInstance{From: PubkeyOf(seeded(1))})}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		original := bytes.Clone(b)
		m, err := Legacy.Decode(b)
		modern, modernErr := Decode(b)
		if err != nil {
			check(t, "taken by the modern dialect only", modernErr != nil, true)
			return
		}
		again, err := Legacy.Append(nil, m)
		check(t, "error", err, nil)
		check(t, "encoded again", hex.EncodeToString(again), hex.EncodeToString(b))
		for _, v := range valuesOf(m) {
			checkFuzzedValue(t, v)
		}
		if signed, ok := m.(interface{ Verify() error }); ok {
			_ = signed.Verify()
		}
		if modernErr == nil {
			checkModern(t, modern, b)
		}
		check(t, "bytes are left alone", bytes.Equal(b, original), true)
	})
}

func checkFuzzedValue(t *testing.T, v Value) {
	t.Helper()
	checkDataIsItsOwnEncoding(t, v)
	check(t, "label", v.Data().Label(), v.Label())
	check(t, "wallclock", v.Data().When(), v.Wallclock())
	if _, err := Legacy.DecodeValue(v.Bytes()); err != nil {
		t.Errorf("alone it is refused: %v", err)
	}
	if verified, err := v.Verify(); err == nil {
		check(t, "hash", verified.Hash(), v.Hash())
	}
	if n := v.ContactInfo(); n != nil {
		checkSockets(t, n)
	}
}

func checkModern(t *testing.T, m Message, b []byte) {
	t.Helper()
	again, err := Append(nil, m)
	check(t, "error", err, nil)
	check(t, "encoded again", bytes.Equal(again, b), true)
	for _, v := range valuesOf(m) {
		check(t, "dead", v.Kind().Dead(), false)
		check(t, "relayable", v.Relayable(), v.ContactInfo() == nil || len(v.ContactInfo().Extensions) == 0)
	}
}

// checkSockets looks at what is true of any ContactInfo.
func checkSockets(t *testing.T, n *ContactInfo) {
	t.Helper()
	sorted := slices.IsSortedFunc(n.Sockets, func(a, b Socket) int { return int(a.Port) - int(b.Port) })
	check(t, "sorted by port", sorted, true)
	for _, s := range n.Sockets {
		place, ok := n.Socket(s.Key)
		check(t, "port", place.Port(), s.Port)
		check(t, "address", place.Addr(), n.Addrs[s.Addr])
		check(t, "reachable", ok, reachable(place))
	}
}

// FuzzDecodeValue reads a value alone.
func FuzzDecodeValue(f *testing.F) {
	for _, d := range madeData(f) {
		f.Add(signed(f, d).Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := DecodeValue(b)
		if err != nil {
			return
		}
		check(t, "bytes", bytes.Equal(v.Bytes(), b), true)
		checkFuzzedValue(t, v)
	})
}

// FuzzContactInfo reads the structure without tag and signature, and compares
// with another decoder.
func FuzzContactInfo(f *testing.F) {
	c := Modern.writer(nil)
	madeContactInfo(f).walk(c)
	f.Add(c.buf)
	for _, rest := range []string{"00 00 00", "02" + addr1 + addr2 + "02 000001 010101 00", "00 00 02 0103aabbcc 0100", "01" + addr6 + "01 000001 00"} {
		f.Add(encodeContactInfo(f, rest))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var n ContactInfo
		c := Modern.reader(b)
		n.walk(c)
		other, taken := otherContactInfo(b)
		check(t, "taken", c.finish() == nil, taken)
		if !taken || c.finish() != nil {
			return
		}
		if diff := diffData(other, n); diff != "" {
			t.Errorf("-other +ours:\n%s", diff)
		}
		w := Modern.writer(nil)
		n.walk(w)
		check(t, "error", w.finish(), nil)
		check(t, "encoded again", bytes.Equal(w.buf, b), true)
		checkSockets(t, &n)
	})
}

// FuzzBloom reads a filter, and asks it.
func FuzzBloom(f *testing.F) {
	c := Modern.writer(nil)
	madeMessages(f)["pull request"].(*PullRequest).Filter.walk(c)
	f.Add(c.buf, []byte("item"))
	c = Legacy.writer(nil)
	new(CrdsFilter).walk(c)
	f.Add(c.buf, []byte{})
	f.Fuzz(func(t *testing.T, b, item []byte) {
		for _, dialect := range []Dialect{Modern, Legacy} {
			var filter CrdsFilter
			c := dialect.reader(b)
			if filter.walk(c); c.finish() != nil {
				continue
			}
			w := dialect.writer(nil)
			filter.walk(w)
			check(t, "encoded again", bytes.Equal(w.buf, b), true)
			filter.Covers(Hash{1})
			check(t, "contains, without bits", filter.Bloom.Bits.Len == 0 && filter.Bloom.Contains(item), filter.Bloom.Bits.Len == 0 && len(filter.Bloom.Keys) == 0)
			if filter.Bloom.Bits.Len > 0 {
				filter.Bloom.Add(item)
				check(t, "contains what was added", filter.Bloom.Contains(item), true)
			}
		}
	})
}

// FuzzIPEcho reads either side.
func FuzzIPEcho(f *testing.F) {
	f.Add((&IPEchoRequest{TCPPorts: [4]uint16{1}}).Append(nil))
	f.Add([]byte("HTTP/1.1 400 Bad Request"))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 1, 5, 6})
	f.Fuzz(func(t *testing.T, b []byte) {
		if request, err := DecodeIPEchoRequest(b); err == nil {
			check(t, "request again", bytes.Equal(request.Append(nil)[:IPEchoRequestSize-1], b[:IPEchoRequestSize-1]), true)
		}
		response, err := DecodeIPEchoResponse(b)
		if err != nil {
			return
		}
		again, err := response.Append(nil)
		check(t, "error", err, nil)
		decoded, err := DecodeIPEchoResponse(again)
		check(t, "error", err, nil)
		check(t, "response again", decoded, response)
	})
}
