package gossip

import (
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// TestGossipReplayedPush: what was pushed once may come back for 15 s at most
// (gossip-wire §8.1), and never takes the place of what is newer (§3.3).
func TestGossipReplayedPush(t *testing.T) {
	l := newLab(t, Light, Limits{})
	s := l.knows(newActor(1))
	old := s.push(t, s.hashes(1000, l.clock))
	l.hears(s.addr, old)
	same(t, "slot", l.sees(s), 1000)
	l.clock += 10
	l.hears(s.addr, s.push(t, s.hashes(2000, l.clock)))
	verified := l.stats.Verified
	l.hears(s.addr, old)
	same(t, "slot after the replay", l.sees(s), 2000)
	same(t, "signatures checked for the replay", l.stats.Verified-verified, 0)
	l.clock += 20_000
	l.counted(wire.ProtocolPush, WrongTime, 0)
	l.hears(s.addr, old)
	l.counted(wire.ProtocolPush, WrongTime, 1)
	same(t, "slot", l.sees(s), 2000)
}

// TestGossipReplayedPong proves nothing a second time (gossip-wire §6.2).
func TestGossipReplayedPong(t *testing.T) {
	l := newLab(t, Light, Limits{})
	s := newActor(1)
	ping := only[*wire.Ping](l.hears(s.addr, s.push(t, s.info(l.clock))))[0]
	pong := wire.NewPong(s.key, ping.Token)
	l.hears(s.addr, pong)
	l.counted(wire.ProtocolPong, Accepted, 1)
	l.hears(s.addr, pong)
	l.counted(wire.ProtocolPong, Misdirected, 1)
	l.clock += millis(l.limits.PingTTL) + 1
	l.hears(s.addr, pong)
	l.counted(wire.ProtocolPong, Misdirected, 1)
	l.hears(s.addr, s.push(t, s.info(l.clock)))
	same(t, "is in the table", l.table.Has(s.pubkey), false)
}

// TestGossipReplayedPrune is of no use after half a second (gossip-wire §8.5).
func TestGossipReplayedPrune(t *testing.T) {
	l := newLab(t, Light, Limits{})
	s := l.knows(newActor(1))
	prune := wire.NewPrune(s.key, l.self, []wire.Pubkey{{7}}, l.clock)
	l.hears(s.addr, prune)
	l.counted(wire.ProtocolPrune, Accepted, 1)
	l.clock += 501
	l.hears(s.addr, prune)
	l.counted(wire.ProtocolPrune, WrongTime, 1)
}

// TestGossipReplayedPullRequest is not answered later, and from another address
// only with a ping (gossip-wire §6.2, §7.6).
func TestGossipReplayedPullRequest(t *testing.T) {
	l := newLab(t, Light, Limits{})
	s, other := l.knows(newActor(1)), newActor(2)
	request := s.request(t, partitionOf(l, s), l.clock)
	same(t, "responses", len(only[*wire.PullResponse](l.hears(s.addr, request))), 1)
	out := l.hears(other.addr, request)
	same(t, "datagrams to somebody else", len(out), 1)
	same(t, "pings to somebody else", len(only[*wire.Ping](out)), 1)
	same(t, "datagrams for the same again", len(l.hears(other.addr, request)), 0)
	l.counted(wire.ProtocolPullRequest, Unproved, 2)
	l.clock += 15_001
	same(t, "datagrams later", len(l.hears(s.addr, request)), 0)
	l.counted(wire.ProtocolPullRequest, WrongTime, 1)
}

// partitionOf is the partition of 64 in which a node's contact info is.
func partitionOf(l *lab, s actor) uint64 {
	v, _ := l.table.Get(wire.Label{Kind: wire.KindContactInfo, Origin: s.pubkey})
	return v.Hash().Prefix() >> 58
}

// TestGossipForgedSignatures cost the whole packet, whatever else is in it
// (gossip-wire §2).
func TestGossipForgedSignatures(t *testing.T) {
	l := newLab(t, Light, Limits{})
	victim, liar := l.knows(newActor(1)), l.knows(newActor(2))
	forged := forge(t, victim.push(t, victim.hashes(1000, l.clock)).Values[0])
	honest := liar.push(t, liar.hashes(3000, l.clock)).Values[0]
	for name, m := range map[string]wire.Message{
		"push":          &wire.Push{From: liar.pubkey, Values: []wire.Value{honest, forged}},
		"pull response": &wire.PullResponse{From: liar.pubkey, Values: []wire.Value{forged, honest}},
	} {
		l.hears(liar.addr, m)
		same(t, name+": slot of the victim", l.sees(victim), 0)
		same(t, name+": slot in the same packet", l.sees(liar), 0)
	}
	l.counted(wire.ProtocolPush, Forged, 1)
	l.counted(wire.ProtocolPullResponse, Forged, 1)

	l.hears(liar.addr, &wire.Push{From: liar.pubkey, Values: []wire.Value{honest}}, &wire.Push{From: liar.pubkey, Values: []wire.Value{honest, forged}})
	same(t, "slot of another packet", l.sees(liar), 3000)

	ping := wire.NewPing(liar.key, wire.Token{1})
	ping.From = victim.pubkey
	prune := wire.NewPrune(liar.key, l.self, []wire.Pubkey{{7}}, l.clock)
	prune.From = victim.pubkey
	request := victim.request(t, partitionOf(l, victim), l.clock)
	request.Caller = forge(t, request.Caller)
	same(t, "datagrams for forged messages", len(l.hears(victim.addr, ping, prune, request)), 0)
	for _, p := range []wire.Protocol{wire.ProtocolPing, wire.ProtocolPrune, wire.ProtocolPullRequest} {
		l.counted(p, Forged, 1)
	}
}

// forge spoils the signature of a value.
func forge(t testing.TB, v wire.Value) wire.Value {
	t.Helper()
	b := append([]byte(nil), v.Bytes()...)
	b[40] ^= 1
	forged, err := wire.DecodeValue(b)
	if err != nil {
		t.Fatal(err)
	}
	return forged
}

// TestGossipSpoofedPongs: a pong counts if it answers our ping, is of the node
// that was pinged, and comes from the address that was pinged (gossip-wire §6.2).
func TestGossipSpoofedPongs(t *testing.T) {
	l := newLab(t, Light, Limits{})
	s, other := newActor(1), newActor(2)
	ping := only[*wire.Ping](l.hears(s.addr, s.push(t, s.info(l.clock))))[0]
	l.hears(s.addr, wire.NewPong(s.key, wire.Token{1}))
	l.hears(other.addr, wire.NewPong(s.key, ping.Token))
	l.hears(s.addr, wire.NewPong(other.key, ping.Token))
	l.counted(wire.ProtocolPong, Misdirected, 3)
	stolen := wire.NewPong(other.key, ping.Token)
	stolen.From = s.pubkey
	l.hears(s.addr, stolen)
	l.counted(wire.ProtocolPong, Forged, 1)
	l.hears(s.addr, s.push(t, s.info(l.clock)))
	same(t, "is in the table", l.table.Has(s.pubkey), false)
	l.clock += 60_001
	l.hears(s.addr, wire.NewPong(s.key, ping.Token))
	l.counted(wire.ProtocolPong, Misdirected, 1)
}

// TestGossipOfOtherClusters: nothing is taken from nodes of another shred version,
// and 0 is one like all others (gossip-wire §6.1).
func TestGossipOfOtherClusters(t *testing.T) {
	for _, version := range []uint16{simulated + 1, 0} {
		l := newLab(t, Light, Limits{})
		s := newActor(1)
		info := s.info(l.clock)
		info.ShredVersion = version
		same(t, "datagrams for a contact info", len(l.hears(s.addr, s.push(t, info))), 0)
		l.counted(wire.ProtocolPush, WrongShredVersion, 1)
		same(t, "is in the table", l.table.Has(s.pubkey), false)
		request := s.request(t, 0, l.clock)
		request.Caller = s.push(t, info).Values[0]
		same(t, "datagrams for a pull request", len(l.hears(s.addr, request)), 0)
		l.counted(wire.ProtocolPullRequest, WrongShredVersion, 1)
	}
}

// TestGossipFromTheFuture: no wallclock gets a value in by push that is 15 s wrong
// (gossip-wire §8.1), and none of a light node's memory is lost to it.
func TestGossipFromTheFuture(t *testing.T) {
	const farthest = 1_000_000_000_000_000 - 1
	l := newLab(t, Light, Limits{})
	s := l.knows(newActor(1))
	for _, when := range []uint64{l.clock + 15_001, l.clock - 15_001, farthest, 0} {
		l.hears(s.addr, s.push(t, s.hashes(1000, when)))
		same(t, "slot", l.sees(s), 0)
	}
	l.counted(wire.ProtocolPush, WrongTime, 4)
	l.hears(s.addr, &wire.PullResponse{Values: []wire.Value{madeVote(t, s.key, 0, farthest).Value()}})
	same(t, "refused", l.table.Stats().Refused, 0)
	for i := range uint64(3) {
		l.hears(s.addr, &wire.PullResponse{Values: []wire.Value{madeVote(t, s.key, 0, l.clock+i).Value()}})
		same(t, "refused", l.table.Stats().Refused, 1)
	}
	l.passes(21 * time.Second)
	same(t, "failed, later", l.table.Stats().Failed, 0)
}
