package wire

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// votes is a push as most are on mainnet: of one value, a vote.
func votes(b *testing.B) []byte {
	return encode(b, &Push{Values: []Value{signed(b, &Vote{From: PubkeyOf(seeded(1)), Transaction: madeTransaction(), Wallclock: 1}).Value()}})
}

func BenchmarkDecode(b *testing.B) {
	pair := encode(b, &Push{Values: []Value{signed(b, madeContactInfo(b)).Value(), signed(b, madeSnapshotHashes()).Value()}})
	request := encode(b, madeMessages(b)["pull request"])
	for name, packet := range map[string][]byte{"vote": votes(b), "contact-info+snapshot-hashes": pair, "pull-request": request, "ping": encode(b, NewPing(seeded(1), Token{}))} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(packet)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(packet); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRefuse is what a hostile datagram costs.
func BenchmarkRefuse(b *testing.B) {
	packet := votes(b)
	packet = packet[:len(packet)-1]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(packet); err == nil {
			b.Fatal("taken")
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	v := signed(b, madeSnapshotHashes()).Value()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	hashes := madeSnapshotHashes()
	b.ReportAllocs()
	for b.Loop() {
		signed(b, hashes)
	}
}

func BenchmarkValueHash(b *testing.B) {
	v := signed(b, madeContactInfo(b)).Value()
	for b.Loop() {
		v.Hash()
	}
}

func BenchmarkData(b *testing.B) {
	v := signed(b, madeContactInfo(b)).Value()
	b.ReportAllocs()
	for b.Loop() {
		v.ContactInfo()
	}
}

func BenchmarkPong(b *testing.B) {
	for b.Loop() {
		NewPong(seeded1, Token{})
	}
}

var seeded1 = seeded(1)

func filters(b *testing.B, items int) *FilterSet {
	s, err := NewFilterSet(items, 1078, PullShare, MaxFilters, rand.New(rand.NewPCG(1, 2)).Uint64)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func hashes(n int) []Hash {
	all := make([]Hash, n)
	for i := range all {
		all[i] = sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(i)))
	}
	return all
}

// BenchmarkContains asks a filter as full as it is made for.
func BenchmarkContains(b *testing.B) {
	f := &filters(b, minItems).Filters()[0]
	all := hashes(2048)
	for _, h := range all[:1024] {
		f.Bloom.Add(h[:])
	}
	i := 0
	for b.Loop() {
		f.Contains(all[i%len(all)])
		i++
	}
}

// BenchmarkFilterSet fills the filters of a table of mainnet's size.
func BenchmarkFilterSet(b *testing.B) {
	all := hashes(350_000)
	for b.Loop() {
		s := filters(b, len(all))
		for _, h := range all {
			s.Add(h)
		}
	}
}
