package gossip

import (
	"crypto/ed25519"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// lab is one engine that has joined, with everything that reaches it in the hands
// of the test.
type lab struct {
	*engine
	t     testing.TB
	clock uint64
	all   []sent // that it has sent
}

// sent is a datagram that an engine sends.
type sent struct {
	to      netip.AddrPort
	message wire.Message
	size    int
}

// actor is somebody else.
type actor struct {
	number int
	key    ed25519.PrivateKey
	pubkey wire.Pubkey
	addr   netip.AddrPort
	outset uint64
}

func newActor(number int) actor {
	key := keyOf(number)
	return actor{number: number, key: key, pubkey: wire.PubkeyOf(key), addr: placeOf(number), outset: 1000 * epoch2026}
}

func newLab(t testing.TB, mode Mode, limits Limits) *lab {
	t.Helper()
	cfg, err := Config{Key: keyOf(0), Mode: mode, Limits: limits, Logger: slog.New(slog.DiscardHandler)}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, clock: epoch2026}
	l.engine = newEngine(identity{cfg: cfg, random: rand.New(rand.NewPCG(1, 2)), outset: 1000 * epoch2026})
	l.join(placeOf(0), netip.AddrPortFrom(placeOf(0).Addr(), advertisedRPC), simulated, l.clock)
	l.round(l.clock)
	l.taken()
	return l
}

// taken empties the outbox.
func (l *lab) taken() (out []sent) {
	l.t.Helper()
	for _, p := range l.outbox.packets {
		m, err := wire.Decode(p.data)
		if err != nil {
			l.t.Fatalf("engine sends what nobody understands: %v", err)
		}
		out = append(out, sent{p.addr, m, len(p.data)})
	}
	l.outbox.empty()
	l.all = append(l.all, out...)
	return out
}

// hears is what the engine sends at once when messages come from an address in one
// batch.
func (l *lab) hears(from netip.AddrPort, messages ...wire.Message) []sent {
	l.t.Helper()
	return l.hearsBytes(from, encoded(l.t, messages...)...)
}

func (l *lab) hearsBytes(from netip.AddrPort, datagrams ...[]byte) []sent {
	l.t.Helper()
	in := make([]packet, len(datagrams))
	for i, data := range datagrams {
		in[i] = packet{addr: from, data: data}
	}
	l.receive(in, l.clock)
	return l.taken()
}

func encoded(t testing.TB, messages ...wire.Message) (datagrams [][]byte) {
	t.Helper()
	for _, m := range messages {
		b, err := wire.Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		datagrams = append(datagrams, b)
	}
	return datagrams
}

// passes lets time pass, in rounds, and returns what the engine sends meanwhile.
func (l *lab) passes(d time.Duration) (out []sent) {
	for end := l.clock + millis(d); l.clock < end; {
		l.clock = min(l.clock+roundsInBeat, end)
		l.round(l.clock)
		out = append(out, l.taken()...)
	}
	return out
}

// info is the actor's contact info.
func (s actor) info(now uint64) *wire.ContactInfo {
	info := &wire.ContactInfo{Pubkey: s.pubkey, Wallclock: now, Outset: s.outset, ShredVersion: simulated}
	if err := info.SetSockets(map[wire.SocketKey]netip.AddrPort{wire.SocketGossip: s.addr}); err != nil {
		panic(err)
	}
	return info
}

func (s actor) hashes(slot, now uint64) *wire.SnapshotHashes {
	return &wire.SnapshotHashes{From: s.pubkey, Full: wire.SlotHash{Slot: slot}, Wallclock: now}
}

// push is a push of values that the actor signs.
func (s actor) push(t testing.TB, data ...wire.Data) *wire.Push {
	t.Helper()
	m := &wire.Push{From: s.pubkey}
	for _, d := range data {
		m.Values = append(m.Values, signed(t, s.key, d).Value())
	}
	return m
}

// request is a pull request of whoever has nothing, for one partition in 64.
func (s actor) request(t testing.TB, partition uint64, now uint64) *wire.PullRequest {
	t.Helper()
	f := wire.CrdsFilter{Bloom: wire.NewBloom(100, 0.1, 1024, dice()), Mask: partition<<58 | ^uint64(0)>>6, MaskBits: 6}
	return &wire.PullRequest{Filter: f, Caller: signed(t, s.key, s.info(now)).Value()}
}

// knows makes a actor prove its address, and puts its contact info into the
// table.
func (l *lab) knows(s actor) actor {
	l.t.Helper()
	pings := only[*wire.Ping](l.hears(s.addr, s.push(l.t, s.info(l.clock))))
	if len(pings) != 1 {
		l.t.Fatalf("%d pings for a new contact info, want 1", len(pings))
	}
	l.clock++
	l.hears(s.addr, wire.NewPong(s.key, pings[0].Token))
	l.hears(s.addr, s.push(l.t, s.info(l.clock)))
	if !l.table.Has(s.pubkey) {
		l.t.Fatal("contact info is not in the table though the address is proved")
	}
	return s
}

// only are the messages of one type.
func only[M wire.Message](out []sent) (messages []M) {
	for _, s := range out {
		if m, ok := s.message.(M); ok {
			messages = append(messages, m)
		}
	}
	return messages
}

// counted checks how many packets of a kind got a verdict since the last call for
// them.
func (l *lab) counted(p wire.Protocol, v Verdict, want uint64) {
	l.t.Helper()
	if got := l.stats.PacketsIn[p][v]; got != want {
		l.t.Errorf("%d packets %v are %v, want %d", got, p, v, want)
	}
	l.stats.PacketsIn[p][v] = 0
}

// sees is the slot of the full snapshot that a node announces, 0 for none.
func (l *lab) sees(s actor) uint64 {
	hashes, ok := l.table.SnapshotHashes(s.pubkey)
	if !ok {
		return 0
	}
	return hashes.Full.Slot
}

// signature is of whatever is signed.
func signature(key ed25519.PrivateKey, data []byte) []byte { return ed25519.Sign(key, data) }
