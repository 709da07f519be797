package gossip

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"solsnap/gossip/crds"
	"solsnap/gossip/wire"
)

// network is a cluster in memory, and a clock that only step moves. Datagrams take
// their time, get lost, come twice or overtake each other, all by one seed: the
// same test does the same every time.
type network struct {
	t       testing.TB
	random  *rand.Rand
	clock   uint64 // the true time in ms
	weather weather
	members []*member
	at      map[netip.AddrPort]*member
	slots   [horizon][]flight // by the ms of their arrival
	chunk   []byte            // of memory for datagrams
	proofs  proofs
	total   traffic
}

const (
	horizon       = 1024 // ms that a datagram may take at most
	epoch2026     = 1_790_000_000_000
	simulated     = 4242 // the shred version of the cluster
	roundsInBeat  = 100  // ms
	gossipPort    = 8001
	advertisedRPC = 8899
)

// weather is what happens to datagrams.
type weather struct {
	delay, jitter uint64                      // ms
	loss, twice   float64                     // probabilities
	cut           func(from, to *member) bool // nil for never
}

// member is an engine in a network.
type member struct {
	*engine
	number int
	addr   netip.AddrPort
	skew   int64 // of its clock, in ms
	in     []packet
	out    traffic
	got    traffic
	// tap sees what is sent, and what is received, before anything happens to it.
	tap func(from, to netip.AddrPort, data []byte)
}

type traffic struct{ packets, bytes uint64 }

func (t *traffic) add(data []byte) {
	t.packets++
	t.bytes += uint64(len(data))
}

// flight is a datagram on its way.
type flight struct {
	from netip.AddrPort
	to   *member
	data []byte
}

// proofs are what the nodes of a network have verified: each value is verified
// once, and not once by every node.
type proofs struct {
	mu    sync.Mutex
	known map[wire.Hash]wire.Verified
}

func (p *proofs) verify(v wire.Value) (wire.Verified, error) {
	h := v.Hash()
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.known[h]; ok {
		return known, nil
	}
	verified, err := v.Verify()
	if err == nil {
		p.known[h] = verified
	}
	return verified, err
}

func newNetwork(t testing.TB, seed uint64) *network {
	return &network{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), clock: epoch2026,
		weather: weather{delay: 20, jitter: 60},
		at:      make(map[netip.AddrPort]*member),
		proofs:  proofs{known: make(map[wire.Hash]wire.Verified)},
	}
}

// keyOf is the key of a node, by its number.
func keyOf(number int) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	binary.BigEndian.PutUint64(seed, uint64(number)+1)
	return ed25519.NewKeyFromSeed(seed)
}

// placeOf is the address of a node, of those set aside for measurements (RFC 2544).
func placeOf(number int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18 + byte(number>>16), byte(number >> 8), byte(number)}), gossipPort)
}

// add makes a node that has not joined.
func (n *network) add(mode Mode, limits Limits) *member {
	number := len(n.members)
	cfg := Config{Key: keyOf(number), Mode: mode, Limits: limits, Logger: slog.New(slog.DiscardHandler)}
	cfg, err := cfg.withDefaults()
	if err != nil {
		n.t.Fatal(err)
	}
	m := &member{
		engine: newEngine(identity{cfg: cfg, random: rand.New(rand.NewPCG(n.random.Uint64(), 0)), outset: 1000 * n.clock}),
		number: number, addr: placeOf(number),
	}
	m.inbox.verify = n.proofs.verify
	n.members = append(n.members, m)
	n.at[m.addr] = m
	return m
}

// join makes a node that joins now by way of others.
func (n *network) join(mode Mode, limits Limits, doors ...*member) *member {
	m := n.add(mode, limits)
	var addrs []netip.AddrPort
	for _, d := range doors {
		addrs = append(addrs, d.addr)
	}
	m.setDoors(addrs)
	m.enter(n)
	return m
}

// enter joins.
func (m *member) enter(n *network) {
	m.join(m.addr, netip.AddrPortFrom(m.addr.Addr(), advertisedRPC), simulated, m.now(n))
}

func (m *member) now(n *network) uint64 { return uint64(int64(n.clock) + m.skew) }

// settled makes a cluster whose nodes have been there for long: everybody has
// proved its address to everybody and is in every table.
func settled(t testing.TB, seed uint64, size int, mode Mode, limits Limits) *network {
	t.Helper()
	n := newNetwork(t, seed)
	limits.PingRate = cmp.Or(limits.PingRate, size) // to get to know everybody at once
	for range size {
		n.add(mode, limits)
	}
	n.acquaint()
	return n
}

// acquaint makes every node know every other, spreading their timers.
func (n *network) acquaint() {
	var infos []wire.Verified
	for _, m := range n.members {
		m.enter(n)
		m.joined -= joining
		m.refreshed = m.now(n) - n.random.Uint64N(millis(m.limits.RefreshInterval))
		m.pulled = m.now(n) - n.random.Uint64N(millis(m.limits.PullInterval))
		v, _ := m.sign(m.contactInfo(m.refreshed))
		infos = append(infos, v)
	}
	for _, m := range n.members {
		for i, v := range infos {
			if other := n.members[i]; other != m {
				m.meet(other, n.clock)
			}
			m.table.Insert(v, crds.Local, m.now(n))
		}
		m.cursor = m.table.Ordinal()
		m.active.rotate(m.candidates(m.now(n)), len(infos))
	}
}

// meet makes m believe that another node is where it says.
func (m *member) meet(other *member, now uint64) {
	_, token := m.pings.check(other.self, other.addr, now)
	m.pings.pong(&wire.Pong{From: other.self, Hash: wire.PongHash(*token)}, other.addr, now)
}

// step lets a millisecond pass.
func (n *network) step() {
	n.clock++
	for _, m := range n.deliver() {
		m.receive(m.in, m.now(n))
		m.in = m.in[:0]
		n.collect(m)
	}
	for i, m := range n.members {
		if (n.clock+uint64(i)*37)%roundsInBeat == 0 {
			m.round(m.now(n))
			n.collect(m)
		}
	}
}

// deliver puts what arrives now before its receivers.
func (n *network) deliver() (receivers []*member) {
	slot := &n.slots[n.clock%horizon]
	for _, f := range *slot {
		if len(f.to.in) == 0 {
			receivers = append(receivers, f.to)
		}
		f.to.got.add(f.data)
		if f.to.tap != nil {
			f.to.tap(f.from, f.to.addr, f.data)
		}
		f.to.in = append(f.to.in, packet{addr: f.from, data: f.data})
	}
	clear(*slot)
	*slot = (*slot)[:0]
	return receivers
}

// collect sends what a node has to say, in an order that is always the same.
func (n *network) collect(m *member) {
	slices.SortFunc(m.outbox.packets, func(a, b packet) int {
		return cmp.Or(a.addr.Compare(b.addr), bytes.Compare(a.data, b.data))
	})
	for _, p := range m.outbox.packets {
		if len(p.data) > wire.MaxPacket {
			n.t.Fatalf("node %d sends %d bytes", m.number, len(p.data))
		}
		m.out.add(p.data)
		n.total.add(p.data)
		if m.tap != nil {
			m.tap(m.addr, p.addr, p.data)
		}
		n.send(m, p.addr, p.data)
	}
	m.outbox.empty()
}

// send puts a datagram on its way, as the weather is.
func (n *network) send(from *member, to netip.AddrPort, data []byte) {
	receiver, ok := n.at[to]
	if !ok || n.weather.cut != nil && n.weather.cut(from, receiver) || n.random.Float64() < n.weather.loss {
		return
	}
	f := flight{from.addr, receiver, n.keep(data)}
	n.fly(f)
	if n.random.Float64() < n.weather.twice {
		n.fly(f)
	}
}

func (n *network) fly(f flight) {
	due := n.clock + 1 + n.weather.delay + n.random.Uint64N(n.weather.jitter+1)
	n.slots[due%horizon] = append(n.slots[due%horizon], f)
}

// keep copies a datagram.
func (n *network) keep(data []byte) []byte {
	if cap(n.chunk)-len(n.chunk) < len(data) {
		n.chunk = make([]byte, 0, 1<<16)
	}
	start := len(n.chunk)
	n.chunk = append(n.chunk, data...)
	return n.chunk[start:len(n.chunk):len(n.chunk)]
}

// run lets time pass.
func (n *network) run(d time.Duration) {
	for range d.Milliseconds() {
		n.step()
	}
}

// until lets time pass until something is so, and returns how many rounds that
// took. It fails when it takes longer than so many.
func (n *network) until(what string, rounds int, so func() bool) int {
	n.t.Helper()
	for round := range rounds + 1 {
		if so() {
			return round
		}
		n.run(roundsInBeat * time.Millisecond)
	}
	n.t.Fatalf("not after %d rounds: %s", rounds, what)
	return 0
}
