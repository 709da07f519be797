package discovery

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"solsnap/gossip/wire"
)

func messages(t testing.TB) map[Kind][2]content {
	entry := signed(t, 1, at(0)).raw
	left := leaving(t, 1, at(0), epoch).raw
	d := &difference{from: entry, has: []listed{{peer(1), at(0)}}}
	d.buckets[3] = 5
	return map[Kind][2]content{
		Announce: {&announcement{[]item{{6, false, entry}, {0, true, left}}}, nothing{}},
		Digest:   {&digest{from: entry, sums: [buckets]uint64{1, 255: 2}}, d},
		Exchange: {&exchange{entries: []string{entry}, wants: []wire.Pubkey{peer(1)}}, &exchange{more: true}},
		Ping:     {&ping{[16]byte{1, 2}}, &pong{entry: entry, signature: [signatureSize]byte{7}}},
	}
}

// blank is where a message of a kind is read into.
func blank(kind Kind, answer bool) content {
	switch kind {
	case Announce:
		if answer {
			return nothing{}
		}
		return new(announcement)
	case Digest:
		if answer {
			return new(difference)
		}
		return new(digest)
	case Exchange:
		return new(exchange)
	default:
		if answer {
			return new(pong)
		}
		return new(ping)
	}
}

// TestWireForm pins the bytes: nodes of different versions must understand each
// other, and signatures are over them. A change here needs a new formatVersion.
func TestWireForm(t *testing.T) {
	pinned := map[string]string{
		"entry":           "0d7ec81e5be614cb",
		"departure":       "c6f94c79a2aac976",
		"announce":        "43a3459e8e5b7ba1",
		"announce answer": "6fc36107f181dc82",
		"digest":          "cd4924f5320e1b15",
		"digest answer":   "49bdaee66e7a9f5f",
		"exchange":        "2b3661d6c2c57a98",
		"exchange answer": "067fee1695d38ab1",
		"ping":            "192d19373795bf2b",
		"ping answer":     "ddf9fc08e5a8f451",
	}
	got := map[string]string{
		"entry":     signed(t, 1, at(0)).raw,
		"departure": leaving(t, 1, at(0), epoch).raw,
	}
	for kind, pair := range messages(t) {
		got[kind.String()] = string(encodeMessage(kind, network, pair[0]))
		got[kind.String()+" answer"] = string(encodeMessage(kind, network, pair[1]))
	}
	for name, b := range got {
		sum := sha256.Sum256([]byte(b))
		want(t, name, hex.EncodeToString(sum[:8]), pinned[name])
	}
	// What the departure is made of, byte by byte, after the signature.
	want(t, "body of the departure", hex.EncodeToString([]byte(got["departure"][signatureSize:])), ""+
		"01"+ // format
		"07"+zeros(31)+ // network
		hex.EncodeToString(bytesOf(peer(1)))+
		"0068e5cf8b010000"+"0068e5cf8b010000"+ // version: start and update
		"0068e5cf8b010000") // at
}

func zeros(n int) string           { return hex.EncodeToString(make([]byte, n)) }
func bytesOf(k wire.Pubkey) []byte { return k[:] }

func TestMessagesRoundTrip(t *testing.T) {
	for kind, pair := range messages(t) {
		for i, m := range pair {
			limit := kind.MaxRequest()
			if i == 1 {
				limit = kind.MaxResponse()
			}
			b := encodeMessage(kind, network, m)
			back := blank(kind, i == 1)
			noError(t, decodeMessage(string(b), limit, kind, network, back))
			want(t, kind.String()+" again", string(encodeMessage(kind, network, back)), string(b))
			for n := range b {
				if decodeMessage(string(b[:n]), limit, kind, network, blank(kind, i == 1)) == nil {
					t.Fatalf("%v cut to %d bytes: no error", kind, n)
				}
			}
		}
	}
}

// FuzzHandle is what anybody can send.
func FuzzHandle(f *testing.F) {
	for kind, pair := range messages(f) {
		f.Add(encodeMessage(kind, network, pair[0]))
	}
	d, _ := newTestDirectory(f, nil)
	w, err := NewWorker(WorkerConfig{Directory: d, Transport: &cable{}})
	noError(f, err)
	f.Fuzz(func(t *testing.T, b []byte) {
		answer, err := w.Handle(b)
		if err != nil {
			return
		}
		kind, _ := kindOf(b)
		if len(answer) > kind.MaxResponse() {
			t.Fatalf("answer of %d bytes", len(answer))
		}
		noError(t, decodeMessage(string(answer), kind.MaxResponse(), kind, network, blank(kind, true)))
	})
}

// FuzzAnswer is what anybody can answer.
func FuzzAnswer(f *testing.F) {
	for kind, pair := range messages(f) {
		f.Add(byte(kind), encodeMessage(kind, network, pair[1]))
	}
	f.Fuzz(func(t *testing.T, k byte, b []byte) {
		kind := Kind(k%byte(kinds-1) + 1)
		m := blank(kind, true)
		if decodeMessage(string(b), kind.MaxResponse(), kind, network, m) == nil {
			want(t, "again", string(encodeMessage(kind, network, m)), string(b))
		}
	})
}

func TestParseTarget(t *testing.T) {
	good := "https://a.example:8899#" + peer(1).String()
	to, err := ParseTarget(good)
	noError(t, err)
	want(t, "peer", to.Peer, peer(1))
	want(t, "address", to.Addresses[0], "https://a.example:8899")
	for _, bad := range []string{"", "https://a.example", "https://a.example#x", "ftp://a#" + peer(1).String(), "#" + peer(1).String()} {
		if _, err := ParseTarget(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestNames(t *testing.T) {
	want(t, "kind", Ping.String()+Kind(99).String(), "pingunknown")
	want(t, "outcome", NoRoom.String()+Outcome(99).String(), "no roomunknown")
	want(t, "event", Lagged.String()+EventKind(99).String(), "laggedunknown")
	want(t, "source", Origin.String()+Source(99).String(), "originunknown")
	want(t, "version", Version{1, 2}.String(), "1.2")
}
