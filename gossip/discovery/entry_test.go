package discovery

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

var network = wire.Hash{7}

var epoch = time.UnixMilli(1_700_000_000_000)

func seeded(n byte) ed25519.PrivateKey { return keys()[n] }

// keys are made once: that takes longer than most of what they are for.
var keys = sync.OnceValue(func() (all [256]ed25519.PrivateKey) {
	for n := range all {
		all[n] = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(n)}, ed25519.SeedSize))
	}
	return all
})

func peer(n byte) wire.Pubkey { return wire.PubkeyOf(seeded(n)) }

// made is a whole entry of a peer.
func made(n byte, v Version) Entry {
	return Entry{
		Network: network, Peer: peer(n), Version: v,
		Addresses: []string{"https://a.example:8899", "http://[::1]/x"},
		Tags:      []string{"disk=nvme", "region=eu"},
		Streams: []Stream{{
			Full:        Archive{Slot: 100, Hash: wire.Hash{1}, Size: 5, SHA256: [32]byte{9}},
			Incremental: &Archive{Slot: 200, Hash: wire.Hash{2}},
		}},
		Load:    Load{FreeSlots: 3, Rate: 1 << 30},
		Tickets: []Ticket{{"jwt", "abc"}, {"pass", "\x00\xff"}},
	}
}

func signed(t testing.TB, n byte, v Version) SignedEntry {
	t.Helper()
	return signedAs(t, n, made(n, v))
}

func signedAs(t testing.TB, n byte, e Entry) SignedEntry {
	t.Helper()
	s, err := SignEntry(seeded(n), e)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// at is a version of a process that started at the epoch, some time after it.
func at(d time.Duration) Version { return Version{millis(epoch), millis(epoch.Add(d))} }

func TestEntryRoundTrip(t *testing.T) {
	for name, e := range map[string]Entry{"whole": made(1, at(0)), "bare": {Network: network, Peer: peer(1)}} {
		t.Run(name, func(t *testing.T) {
			s := signedAs(t, 1, e)
			raw := s.Append(nil)
			got, err := DecodeEntry(raw)
			if err != nil {
				t.Fatal(err)
			}
			back := got.Entry()
			if !back.Same(&e) || back.Version != e.Version || got.Peer() != e.Peer || !bytes.Equal(got.Append(nil), raw) {
				t.Errorf("got %+v, want %+v", back, e)
			}
		})
	}
}

func TestDC22AnyBitFlippedIsRefused(t *testing.T) {
	raw := signed(t, 1, at(0)).Append(nil)
	for i := range raw {
		for bit := range 8 {
			bad := bytes.Clone(raw)
			bad[i] ^= 1 << bit
			if _, err := DecodeEntry(bad); err == nil {
				t.Fatalf("bit %d of byte %d flipped: no error", bit, i)
			}
		}
		if _, err := DecodeEntry(raw[:i]); err == nil {
			t.Fatalf("cut to %d bytes: no error", i)
		}
	}
	if _, err := DecodeEntry(append(raw, 0)); err == nil {
		t.Fatal("a byte more: no error")
	}
}

func TestDC22AnyBitOfADepartureFlippedIsRefused(t *testing.T) {
	d, err := SignDeparture(seeded(1), Departure{Network: network, Peer: peer(1), Version: at(0), At: 5})
	if err != nil {
		t.Fatal(err)
	}
	raw := d.Append(nil)
	if got, err := DecodeDeparture(raw); err != nil || got.Departure() != d.Departure() {
		t.Fatalf("got %+v, %v", got, err)
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		if _, err := DecodeDeparture(bad); err == nil {
			t.Fatalf("byte %d changed: no error", i)
		}
	}
}

func TestDC21AnotherKeyCannotSign(t *testing.T) {
	if _, err := SignEntry(seeded(2), made(1, at(0))); err == nil {
		t.Error("entry: no error")
	}
	if _, err := SignDeparture(seeded(2), Departure{Peer: peer(1)}); err == nil {
		t.Error("departure: no error")
	}
}

// TestSignaturesAreForOnePurpose signs a body for another purpose.
func TestSignaturesAreForOnePurpose(t *testing.T) {
	e := made(1, at(0))
	body, err := encode(e.walk)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []domain{departureDomain, pongDomain, ""} {
		if _, err := DecodeEntry([]byte(d.seal(seeded(1), body))); !errors.Is(err, ErrSignature) {
			t.Errorf("signed for %q: %v", d, err)
		}
	}
}

// withSmallR signs with R = 0, as whoever has the key can: S is then the hash times
// the scalar of the key (RFC 8032, 5.1.6).
func withSmallR(key ed25519.PrivateKey, message string) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	number := func(b []byte) *big.Int {
		b = bytes.Clone(b)
		slices.Reverse(b)
		return new(big.Int).SetBytes(b)
	}
	secret := sha512.Sum512(key.Seed())
	secret[0], secret[31] = secret[0]&248, secret[31]&63|64
	r := make([]byte, 32)
	r[0] = 1
	hash := sha512.Sum512(slices.Concat(r, key.Public().(ed25519.PublicKey), []byte(message)))
	s := number(hash[:])
	s.Mul(s, number(secret[:32])).Mod(s, order)
	scalar := s.FillBytes(make([]byte, 32))
	slices.Reverse(scalar)
	return append(r, scalar...)
}

// TestSmallOrderKeysAreRefused has signatures that the standard library takes:
// with the neutral element as key, R = S·B fits every message.
func TestSmallOrderKeysAreRefused(t *testing.T) {
	e := made(1, at(0))
	e.Peer = wire.Pubkey{1}
	body, err := encode(e.walk)
	if err != nil {
		t.Fatal(err)
	}
	small := make([]byte, signatureSize)
	small[0] = 1
	base := append(bytes.Repeat([]byte{0x66}, 32), small[:32]...) // R = 1·B
	base[0] = 0x58
	for name, signature := range map[string][]byte{"small R": small, "R is the base point": base} {
		if !ed25519.Verify(e.Peer[:], []byte(string(entryDomain)+body), signature) {
			t.Fatal(name, ": the standard library refuses it by itself; the test shows nothing")
		}
		if _, err := DecodeEntry(append(signature, body...)); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: got %v, want ErrSignature", name, err)
		}
	}
	e.Peer = peer(1)
	body, err = encode(e.walk)
	noError(t, err)
	signature := withSmallR(seeded(1), string(entryDomain)+body)
	if !ed25519.Verify(e.Peer[:], []byte(string(entryDomain)+body), signature) {
		t.Fatal("the standard library refuses it by itself; the test shows nothing")
	}
	if _, err := DecodeEntry(append(signature, body...)); !errors.Is(err, ErrSignature) {
		t.Errorf("a good key and a small R: got %v, want ErrSignature", err)
	}
}

func TestEntryLimits(t *testing.T) {
	long := strings.Repeat("x", 2000)
	many := make([]string, 20)
	for i := range many {
		many[i] = string(rune('a' + i))
	}
	archives := func(n int) (s []Stream) {
		for i := range n {
			s = append(s, Stream{Full: Archive{Slot: uint64(i)}})
		}
		return s
	}
	for name, change := range map[string]func(*Entry){
		"long tag":            func(e *Entry) { e.Tags = []string{long} },
		"many tags":           func(e *Entry) { e.Tags = many },
		"tags not sorted":     func(e *Entry) { e.Tags = []string{"b", "a"} },
		"tag twice":           func(e *Entry) { e.Tags = []string{"a", "a"} },
		"empty tag":           func(e *Entry) { e.Tags = []string{""} },
		"tag with newline":    func(e *Entry) { e.Tags = []string{"a\nb"} },
		"many addresses":      func(e *Entry) { e.Addresses = slices.Repeat([]string{"http://a"}, 5) },
		"ftp":                 func(e *Entry) { e.Addresses = []string{"ftp://a"} },
		"no host":             func(e *Entry) { e.Addresses = []string{"http:///x"} },
		"port without host":   func(e *Entry) { e.Addresses = []string{"http://:80"} },
		"user":                func(e *Entry) { e.Addresses = []string{"http://me:pw@a"} },
		"query":               func(e *Entry) { e.Addresses = []string{"http://a/?x"} },
		"fragment":            func(e *Entry) { e.Addresses = []string{"http://a#x"} },
		"another spelling":    func(e *Entry) { e.Addresses = []string{"HTTP://a"} },
		"many streams":        func(e *Entry) { e.Streams = archives(3) },
		"stream twice":        func(e *Entry) { e.Streams = []Stream{{}, {}} },
		"incremental too low": func(e *Entry) { e.Streams[0].Incremental = &Archive{Slot: 100} },
		"long ticket":         func(e *Entry) { e.Tickets = []Ticket{{"a", long}} },
		"whole too long": func(e *Entry) {
			e.Tickets = []Ticket{{"a", long[:1000]}, {"b", long[:1000]}}
		},
		"ticket twice":    func(e *Entry) { e.Tickets = []Ticket{{"a", "b"}, {"a", "b"}} },
		"ticket no class": func(e *Entry) { e.Tickets = []Ticket{{"", "b"}} },
		"far future":      func(e *Entry) { e.Version.Update = 1 << 60 },
	} {
		t.Run(name, func(t *testing.T) {
			e := made(1, at(0))
			change(&e)
			if _, err := SignEntry(seeded(1), e); err == nil {
				t.Error("no error")
			}
			body, _ := encode(e.walk) // what is wrong with it may arrive, signed
			if s, err := DecodeEntry([]byte(entryDomain.seal(seeded(1), body))); err == nil {
				t.Errorf("decoded: %+v", s.Entry())
			}
		})
	}
}

func TestVersions(t *testing.T) {
	t.Run("is_newer_than_returns_correct_result", func(t *testing.T) {
		rising := []Version{{1, 1}, {1, 2}, {2, 0}, {2, 9}, {3, 1}}
		for i, a := range rising {
			for j, b := range rising {
				if got := a.Compare(b); (got < 0) != (i < j) || (got == 0) != (i == j) {
					t.Errorf("%v against %v: %d", a, b, got)
				}
			}
		}
	})
	t.Run("DC-18 the clock steps back", func(t *testing.T) {
		v := Version{1, millis(epoch)}
		next := v.Next(epoch.Add(-time.Hour))
		if next.Compare(v) <= 0 || next.Start != v.Start {
			t.Errorf("%v follows %v", next, v)
		}
		if got := v.Next(epoch.Add(time.Hour)).Update; got != millis(epoch.Add(time.Hour))+1 {
			t.Errorf("update is %d", got)
		}
	})
}

// FuzzDecodeEntry reads what anybody could send.
func FuzzDecodeEntry(f *testing.F) {
	f.Add(signed(f, 1, at(0)).Append(nil))
	f.Add(make([]byte, 200))
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := parseEntry(string(b))
		if err != nil {
			return
		}
		body, err := encode(u.entry.walk)
		if err != nil || body != u.raw[signatureSize:] {
			t.Fatalf("taken, and not its own encoding: %v", err)
		}
		_, _ = u.verify()
		_, _ = DecodeDeparture(b)
	})
}
