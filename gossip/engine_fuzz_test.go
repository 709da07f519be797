package gossip

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// FuzzEngineReceive: nothing that comes from anywhere makes the engine panic, or
// send more to an address that is not proved than came from it and a ping.
func FuzzEngineReceive(f *testing.F) {
	for _, datagrams := range fuzzSeeds(f) {
		f.Add(slices.Concat(datagrams...), uint16(len(datagrams[0])), uint32(7), uint16(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, cut uint16, host uint32, port uint16) {
		l := newLab(t, Mode(port%2), Limits{})
		known := l.knows(newActor(1))
		l.hears(known.addr, known.push(t, known.hashes(1000, l.clock)))
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(host >> 24), byte(host >> 16), byte(host >> 8), byte(host)}), port)
		in := [][]byte{data[:min(int(cut), len(data))], data[min(int(cut), len(data)):]}
		for i := range in {
			in[i] = in[i][:min(len(in[i]), wire.MaxPacket)]
		}
		proved := l.proves(from)
		out := l.hearsBytes(from, in...)
		out = append(out, l.passes(300*time.Millisecond)...)
		if size, got := sizeTo(from, out), len(in[0])+len(in[1]); !proved && size > got+pingSize {
			t.Errorf("%v sent %d bytes and got %d", from, got, size)
		}
		l.hearsBytes(known.addr, in...)
		l.passes(300 * time.Millisecond)
	})
}

const pingSize = 132

// proves reports whether somebody has proved to be at an address.
func (l *lab) proves(addr netip.AddrPort) bool {
	for key := range l.pings.pairs.index {
		if l.pings.rtt(key.pubkey, addr, l.clock) > 0 {
			return true
		}
	}
	return false
}

// sizeTo is how many bytes went to an address.
func sizeTo(addr netip.AddrPort, out []sent) (size int) {
	for _, s := range out {
		if s.to == addr {
			size += s.size
		}
	}
	return size
}

// fuzzSeeds are pairs of datagrams of every kind.
func fuzzSeeds(t testing.TB) (seeds [][][]byte) {
	s, now := newActor(1), uint64(epoch2026+1)
	all := encoded(t,
		wire.NewPing(s.key, wire.Token{1}), wire.NewPong(s.key, wire.Token{1}),
		wire.NewPrune(s.key, wire.PubkeyOf(keyOf(0)), []wire.Pubkey{{1}}, now),
		s.push(t, s.info(now), s.hashes(1000, now)),
		s.request(t, 5, now),
		&wire.PullResponse{From: s.pubkey, Values: []wire.Value{madeEpochSlots(t, s.key, 1, now).Value()}},
		&wire.Push{From: s.pubkey, Values: []wire.Value{madeVote(t, s.key, 1, now).Value()}},
	)
	for i := range all {
		seeds = append(seeds, [][]byte{all[i], all[(i+1)%len(all)]})
	}
	return seeds
}
