//go:build linux

package main

import (
	"crypto/ed25519"
	"testing"

	"solsnap/gossip/wire"
)

// testNode is a node under test that does as the test says.
type testNode struct {
	*socket
	loop *loop
	key  ed25519.PrivateKey
	id   wire.Pubkey
}

func newTestNode(t *testing.T) *testNode {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	n := &testNode{socket: newTestSocket(t), key: key, id: wire.PubkeyOf(key)}
	n.loop = newTestLoop(t, n.socket)
	return n
}

// tell has the loop take a message to a node.
func (n *testNode) tell(t *testing.T, to int32, m wire.Message) {
	t.Helper()
	b, err := wire.Append(nil, m)
	check(t, "error", err, nil)
	n.loop.take(datagram{from: home(n.socket), to: n.loop.cluster.addr(to), bytes: b})
	check(t, "error of the loop", n.loop.err, nil)
}

// told are the messages that came in return, and which node each is from.
func (n *testNode) told(t *testing.T, want int) (messages []wire.Message, from []int32) {
	t.Helper()
	check(t, "error", n.loop.socket.flush(), nil)
	for _, d := range receiveSome(t, n.socket, want) {
		m, err := wire.Decode(d.bytes)
		check(t, "error", err, nil)
		messages = append(messages, m)
		i, ok := n.loop.cluster.at(d.from.Addr().As4())
		check(t, "is a node", ok, true)
		from = append(from, i)
	}
	check(t, "messages", len(messages), want)
	return messages, from
}

func (n *testNode) info(t *testing.T, when uint64) wire.Verified {
	t.Helper()
	info := wire.ContactInfo{Pubkey: n.id, Wallclock: when, ShredVersion: shredVersion}
	check(t, "error", info.SetSockets(placesOf(home(n.socket))), nil)
	v, err := wire.Sign(n.key, &info)
	check(t, "error", err, nil)
	return v
}

func (n *testNode) request(t *testing.T) *wire.PullRequest {
	t.Helper()
	set, err := wire.NewFilterSet(0, 900, wire.PullShare, wire.MaxFilters, seeded().Uint64)
	check(t, "error", err, nil)
	return &wire.PullRequest{Filter: set.Filters()[0], Caller: n.info(t, n.loop.now).Value()}
}

// pong has the node answer the ping that a peer sends next.
func (n *testNode) pong(t *testing.T, from int32) {
	t.Helper()
	messages, nodes := n.told(t, 1)
	ping, ok := messages[0].(*wire.Ping)
	check(t, "is a ping", ok, true)
	check(t, "is from", nodes[0], from)
	check(t, "signature", ping.Verify(), nil)
	n.tell(t, from, wire.NewPong(n.key, ping.Token))
}

// checkFaults has those that are expected and no others.
func (n *testNode) checkFaults(t *testing.T, want ...fault) {
	t.Helper()
	var faults [numFaults]uint64
	for _, f := range want {
		faults[f]++
	}
	for f := range faults {
		check(t, faultNames[f], n.loop.counts.Faults[f], faults[f])
	}
}

// TestPingIsAnsweredByItsNode has the pong come from the address and the key that
// were pinged.
func TestPingIsAnsweredByItsNode(t *testing.T) {
	n := newTestNode(t)
	token := wire.Token{1, 2, 3}
	n.tell(t, 17, wire.NewPing(n.key, token))
	messages, from := n.told(t, 1)
	pong := messages[0].(*wire.Pong)
	check(t, "from", from[0], 17)
	check(t, "key", pong.From, n.loop.cluster.nodes[17].pubkey)
	check(t, "hash", pong.Hash, wire.PongHash(token))
	check(t, "signature", pong.Verify(), nil)
	n.checkFaults(t)
}

// TestPullRequestIsAnsweredBehindTheGate has a ping come first, and then what
// the filter has not got.
func TestPullRequestIsAnsweredBehindTheGate(t *testing.T) {
	n := newTestNode(t)
	request := n.request(t)
	n.tell(t, 5, request)
	n.pong(t, 5)
	check(t, "gated", n.loop.counts.Gated, 1)
	n.tell(t, 5, request)
	n.loop.answerAtRate(1000)
	want := n.loop.table.missing(&request.Filter, n.loop.now)
	messages, from := n.told(t, int(n.loop.counts.To[wire.ProtocolPullResponse].Packets))
	got := 0
	for i, m := range messages {
		response := m.(*wire.PullResponse)
		check(t, "from", from[i], 5)
		check(t, "from", response.From, n.loop.cluster.nodes[5].pubkey)
		for _, v := range response.Values {
			_, err := v.Verify()
			check(t, "signature", err, nil)
			check(t, "is asked for", request.Filter.Covers(v.Hash()), true)
		}
		got += len(response.Values)
	}
	if got != len(want) || got == 0 {
		t.Errorf("%d values came, want %d", got, len(want))
	}
	n.checkFaults(t)
}

// TestFaults has a node under test do what it must not.
func TestFaults(t *testing.T) {
	n := newTestNode(t)
	n.loop.take(datagram{from: home(n.socket), to: n.loop.cluster.addr(1), bytes: []byte{1}})
	n.loop.take(datagram{from: home(n.loop.socket), to: n.loop.cluster.addr(1)})
	n.loop.take(datagram{from: home(n.socket), to: [4]byte{127, 0, 0, 1}})
	ping := wire.NewPing(n.key, wire.Token{})
	ping.Token[0]++
	n.tell(t, 1, ping)
	n.tell(t, 1, wire.NewPong(n.key, wire.Token{}))
	n.tell(t, 1, &wire.PullRequest{Filter: n.request(t).Filter, Caller: n.info(t, n.loop.now-60_000).Value()})
	n.tell(t, 1, wire.NewPrune(n.key, n.loop.cluster.nodes[2].pubkey, nil, n.loop.now))
	n.tell(t, 1, &wire.Push{From: wire.Pubkey{9}})
	n.checkFaults(t, faultUndecodable, faultAddress, faultAddress, faultSignature, faultPong, faultWallclock, faultPrune, faultIdentity)
}

// TestNodeBecomesKnown has one peer take the ContactInfo, and the others ping
// within the time that it spreads.
func TestNodeBecomesKnown(t *testing.T) {
	n := newTestNode(t)
	push := &wire.Push{From: n.id, Values: []wire.Value{n.info(t, n.loop.now).Value()}}
	n.tell(t, 3, push)
	n.loop.round()
	check(t, "known to", n.loop.counts.Visible, 0)
	n.pong(t, 3)
	n.tell(t, 3, push)
	n.loop.round()
	check(t, "known to", n.loop.counts.Visible, 1)
	n.loop.now += 1001
	n.loop.round()
	messages, from := n.told(t, len(n.loop.cluster.nodes)-1)
	for i, m := range messages {
		n.tell(t, from[i], wire.NewPong(n.key, m.(*wire.Ping).Token))
	}
	n.loop.round()
	check(t, "known to", n.loop.counts.Visible, uint64(len(n.loop.cluster.nodes)))
	n.checkFaults(t)
}

// TestPeersPruneWhatIsRelayed has about as many origins go on as are to be kept.
func TestPeersPruneWhatIsRelayed(t *testing.T) {
	n := newTestNode(t)
	n.loop.subject = n.id
	a := newAuthor(n.loop.cluster, newRandom(1, 0))
	relay := func(origin int32) {
		made, err := a.write(wire.KindContactInfo, origin, 0, n.loop.now)
		check(t, "error", err, nil)
		v, err := wire.DecodeValue(made.bytes)
		check(t, "error", err, nil)
		n.tell(t, 0, &wire.Push{From: n.id, Values: []wire.Value{v}})
	}
	for origin := int32(1); origin < 80; origin++ {
		for range enoughUpserts {
			relay(origin)
		}
	}
	n.loop.sendPrunes()
	messages, _ := n.told(t, int(n.loop.counts.To[wire.ProtocolPrune].Packets))
	pruned := 0
	for _, m := range messages {
		p := m.(*wire.Prune)
		check(t, "signature", p.Verify(), nil)
		check(t, "destination", p.Destination, n.id)
		pruned += len(p.Origins)
		n.loop.now += heedWithin + 1
		relay(n.loop.cluster.index[p.Origins[0]])
	}
	checkWithin(t, "pruned", float64(pruned), 79*(1-n.loop.keep), 0.3)
	check(t, faultNames[faultUnheeded], n.loop.counts.Faults[faultUnheeded], uint64(len(messages)))
	relay(0)
	check(t, faultNames[faultReturned], n.loop.counts.Faults[faultReturned], 1)
}

// TestPeersPull has requests that a node answers, of a filter that has most of
// the table.
func TestPeersPull(t *testing.T) {
	n := newTestNode(t)
	n.loop.seen = []int32{7, 8}
	n.loop.pullAtRate(1000)
	messages, from := n.told(t, int(n.loop.pulls))
	for i, m := range messages {
		request := m.(*wire.PullRequest)
		_, err := request.Caller.Verify()
		check(t, "signature", err, nil)
		check(t, "caller", request.Caller.Origin(), n.loop.cluster.nodes[from[i]].pubkey)
		covered, lacking := 0, 0
		for _, e := range n.loop.table.entries {
			if request.Filter.Covers(e.hash) {
				covered++
				if !request.Filter.Contains(e.hash) {
					lacking++
				}
			}
		}
		if lacking > 1+covered/10 {
			t.Errorf("%d of %d values are lacking, want about a hundredth", lacking, covered)
		}
	}
}

// TestPushesFlow has what is born pushed by three relayers, most of it in a
// packet of its own.
func TestPushesFlow(t *testing.T) {
	n := newTestNode(t)
	l := n.loop
	for i := range int32(40) {
		l.seen = append(l.seen, 40+i)
	}
	s := newStream(l.cluster.mix, l.now, seeded())
	births, a := s.until(l.now+5000), newAuthor(l.cluster, newRandom(1, 0))
	for i := range births {
		b := &births[i]
		var err error
		b.value, err = a.write(b.kind, b.node, b.index, b.at)
		check(t, "error", err, nil)
	}
	given := make(chan []birth, 1)
	given <- births
	l.births = given
	l.round()
	for range 6000 / wheelTick {
		l.now += wheelTick
		l.bear()
		check(t, "error", l.wheel.advance(l.now, l.deliver), nil)
	}
	check(t, "born", l.counts.Born, uint64(len(births)))
	checkWithin(t, "copies", float64(l.counts.Deliveries)/float64(l.counts.Born), 3, 0.05)
	check(t, "late", l.counts.Late, 0)
	pushed := l.counts.To[wire.ProtocolPush]
	check(t, "values", pushed.Values, l.counts.Deliveries)
	messages, from := n.told(t, int(pushed.Packets))
	single := 0
	for i, m := range messages {
		p := m.(*wire.Push)
		check(t, "from", p.From, l.cluster.nodes[from[i]].pubkey)
		if len(p.Values) == 1 {
			single++
		}
	}
	if share := float64(single) / float64(len(messages)); share < 0.9 || share == 1 {
		t.Errorf("%.3f of the packets have one value, want more than 0.9 but not all", share)
	}
}

// TestBurst fills the rate up in the first second of ten.
func TestBurst(t *testing.T) {
	n := newTestNode(t)
	l := n.loop
	l.seen, l.burst = []int32{1, 2, 3}, 5000
	made, err := newAuthor(l.cluster, newRandom(1, 0)).write(wire.KindVote, 1, 1, l.now)
	check(t, "error", err, nil)
	l.recent.add(made.bytes)
	l.now -= l.now % burstEvery
	for range burstEvery / wheelTick {
		l.burstAtRate(wheelTick)
		l.now += wheelTick
	}
	check(t, "pushes", l.counts.To[wire.ProtocolPush].Packets, 4990) // the first turn starts it
	check(t, "packets", l.counts.Burst, 4990)
	check(t, "time", l.counts.BurstTime, burstLength-wheelTick)
}

// TestLine has answers wait for their turn, and those that would wait too long
// lost.
func TestLine(t *testing.T) {
	var a answers
	for i := range 4 {
		check(t, "added", a.add(pack{size: 300}, 5000), i < 3)
	}
	a.owed = 700
	for i := range 4 {
		_, ok := a.next()
		check(t, "sent", ok, i < 2)
	}
	check(t, "added", a.add(pack{size: 300}, 5000), true)
	check(t, "bytes", a.bytes, 600)
}

// TestBudget has no more than five intervals in reserve.
func TestBudget(t *testing.T) {
	b := budget{}
	const now = 1_800_000_000_000
	b.fill(now, 1000)
	check(t, "all of five intervals", b.take(5*1024*1000), true)
	check(t, "a byte more", b.take(1), false)
	b.fill(now+99, 1000)
	b.fill(now+199, 1000)
	check(t, "an interval", b.take(1024*1000), true)
	check(t, "a byte more", b.take(1), false)
	b.fill(now+300, 0)
	check(t, "an interval without stakes", b.take(2048), true)
}
