package gossip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// TestGossipSecondInstance: whoever hears of a later start with its own key has to
// stop (gossip-wire §4.5), but not for what its key did not sign, nor for its own
// past, nor for a node of another cluster.
func TestGossipSecondInstance(t *testing.T) {
	self := newActor(0)
	info := func(outset uint64, change func(*wire.ContactInfo)) wire.Value {
		info := self.info(epoch2026 + 1)
		info.Outset = outset
		if change != nil {
			change(info)
		}
		return signed(t, self.key, info).Value()
	}
	later := 1000*epoch2026 + uint64(1)
	for name, tt := range map[string]struct {
		value wire.Value
		want  error
	}{
		"later":                {info(later, nil), ErrDuplicateInstance},
		"same":                 {info(later-1, nil), nil},
		"earlier":              {info(later-2, nil), nil},
		"forged":               {forge(t, info(later, nil)), nil},
		"of another cluster":   {info(later, func(c *wire.ContactInfo) { c.ShredVersion++ }), nil},
		"of the past":          {info(later, func(c *wire.ContactInfo) { c.Wallclock -= 600_000 }), nil},
		"of the future":        {info(later, func(c *wire.ContactInfo) { c.Wallclock += 600_000 }), nil},
		"hashes of our own":    {signed(t, self.key, self.hashes(1, epoch2026)).Value(), nil},
		"of another address":   {info(later, func(c *wire.ContactInfo) { c.Addrs[0] = ip("198.51.100.7") }), ErrDuplicateInstance},
		"of a private address": {info(later, func(c *wire.ContactInfo) { c.Addrs[0] = ip("10.0.0.7") }), ErrDuplicateInstance},
	} {
		for route, m := range map[string]wire.Message{
			"push":          &wire.Push{Values: []wire.Value{tt.value}},
			"pull response": &wire.PullResponse{Values: []wire.Value{tt.value}},
		} {
			l := newLab(t, Light, Limits{})
			l.hears(placeOf(1), m)
			if !errors.Is(l.failed, tt.want) {
				t.Errorf("%s by %s: %v, want %v", name, route, l.failed, tt.want)
			}
		}
	}
}

// TestGossipAddressesThatAreNone: who names a place where nobody on the internet
// can be is not pinged and not known (gossip-wire §6.2), unless that is allowed.
func TestGossipAddressesThatAreNone(t *testing.T) {
	for addr, private := range map[string]bool{
		"10.1.2.3:8001": true, "172.16.0.1:8001": true, "192.168.7.7:8001": true, "127.0.0.1:8001": true,
		"0.0.0.0:8001": false, "224.0.0.1:8001": false, "198.51.100.7:0": false,
	} {
		for _, allowed := range []bool{false, true} {
			l := newLab(t, Light, Limits{})
			l.allowPrivate, l.outbox.allowPrivate = allowed, allowed
			s := newActor(1)
			info := s.info(l.clock)
			place := at(addr)
			info.Addrs[0], info.Sockets[0].Port = place.Addr(), place.Port()
			pings := len(l.hears(placeOf(1), s.push(t, info)))
			same(t, addr+": pings", pings > 0, private && allowed)
		}
	}
}

// TestGossipIPv6ContactInfo is no contact info (gossip-wire §4.4).
func TestGossipIPv6ContactInfo(t *testing.T) {
	l := newLab(t, Light, Limits{})
	s := newActor(1)
	data := encoded(t, s.push(t, s.info(l.clock)))[0]
	i := bytes.Index(data, s.addr.Addr().AsSlice())
	v6 := slices.Concat(data[:i-4], []byte{1, 0, 0, 0}, make([]byte, 16), data[i+4:])
	same(t, "datagrams", len(l.hearsBytes(s.addr, v6)), 0)
	same(t, "malformed", l.stats.PacketsIn[0][Malformed], 1)
}

// TestGossipAmplification: an address that has not been proved gets no more bytes
// than came from whoever named it (gossip-wire §14.1).
func TestGossipAmplification(t *testing.T) {
	for name, lie := range map[string]func(actor, uint64) wire.Message{
		"pings":         func(s actor, _ uint64) wire.Message { return wire.NewPing(s.key, wire.Token{1}) },
		"contact infos": func(s actor, now uint64) wire.Message { return s.push(t, s.info(now)) },
		"pull requests": func(s actor, now uint64) wire.Message { return s.request(t, 1, now) },
		"full packets": func(s actor, now uint64) wire.Message {
			m := s.push(t, s.info(now))
			for i := 1; i < wire.MaxValues/143; i++ {
				other := newActor(s.number*1000 + i)
				other.addr = s.addr
				m.Values = append(m.Values, other.push(t, other.info(now)).Values...)
			}
			return m
		},
		"hashes": func(s actor, now uint64) wire.Message { return s.push(t, s.info(now), s.hashes(1000, now)) },
	} {
		l := newLab(t, Full, Limits{PullBudget: 1 << 20})
		l.announce(snapshotsAt(1000, 0), l.clock)
		l.fill(20, 1000)
		l.passes(10 * time.Second)
		victim := placeOf(99)
		got, sent := 0, 0
		for i := range 100 {
			s := newActor(20_000 + i)
			s.addr = victim
			data := encoded(t, lie(s, l.clock))
			sent += len(data[0])
			got += sizeTo(victim, l.hearsBytes(victim, data...)) + sizeTo(victim, l.passes(100*time.Millisecond))
		}
		if got == 0 || got > sent {
			t.Errorf("%s: %d bytes to the victim for %d from the attacker, want some and no more", name, got, sent)
		}
		t.Logf("%s: %d bytes to the victim for %d from the attacker", name, got, sent)
	}
}

// TestGossipPrunesThatDoNotCount: one for somebody else, one that is old, and any
// of our own values (gossip-wire §8.5).
func TestGossipPrunesThatDoNotCount(t *testing.T) {
	l := newLab(t, Light, Limits{})
	peer, origin := l.knows(newActor(1)), l.knows(newActor(2))
	l.active.rotate([]candidate{{pubkey: peer.pubkey}}, 2)
	relays := func() bool { return slices.Contains(slices.Collect(l.active.nodes(0, origin.pubkey)), peer.pubkey) }
	l.hears(peer.addr, wire.NewPrune(peer.key, wire.Pubkey{1}, []wire.Pubkey{origin.pubkey}, l.clock))
	l.counted(wire.ProtocolPrune, Misdirected, 1)
	l.hears(peer.addr, wire.NewPrune(peer.key, l.self, []wire.Pubkey{origin.pubkey}, l.clock-501))
	l.counted(wire.ProtocolPrune, WrongTime, 1)
	same(t, "still relays", relays(), true)
	l.hears(peer.addr, wire.NewPrune(peer.key, l.self, []wire.Pubkey{origin.pubkey, l.self}, l.clock))
	l.counted(wire.ProtocolPrune, Accepted, 1)
	same(t, "relays after a prune", relays(), false)
	same(t, "pushes its own", slices.Contains(slices.Collect(l.active.nodes(0, l.self)), peer.pubkey), true)
	l.announce(snapshotsAt(1000, 0), l.clock)
	out := only[*wire.Push](l.passes(2 * time.Second))
	same(t, "own hashes are pushed", slices.ContainsFunc(out, func(p *wire.Push) bool { return p.Values[0].Kind() == wire.KindSnapshotHashes }), true)
}

// TestGossipExtensionsAreNotRelayed: a contact info with extensions would make
// Agave drop the packet (gossip-wire §4.4).
func TestGossipExtensionsAreNotRelayed(t *testing.T) {
	l := newLab(t, Light, Limits{})
	peer, s := l.knows(newActor(1)), newActor(2)
	l.active.rotate([]candidate{{pubkey: peer.pubkey}}, 2)
	l.introduces(s)
	l.clock++
	l.passes(100 * time.Millisecond)
	l.hears(s.addr, &wire.Push{Values: []wire.Value{extended(t, s, l.clock)}})
	v, _ := l.table.Get(wire.Label{Kind: wire.KindContactInfo, Origin: s.pubkey})
	same(t, "is known with its extensions", v.Relayable(), false)
	out := l.passes(5 * time.Second)
	for partition := range uint64(64) {
		out = append(out, l.hears(peer.addr, peer.request(t, partition, l.clock))...)
	}
	for _, s := range out {
		var values []wire.Value
		switch m := s.message.(type) {
		case *wire.Push:
			values = m.Values
		case *wire.PullResponse:
			values = m.Values
		}
		for _, v := range values {
			same(t, "value is for relaying", v.Relayable(), true)
		}
	}
}

// extended is a contact info that ends with an extension.
func extended(t *testing.T, s actor, now uint64) wire.Value {
	t.Helper()
	b := signed(t, s.key, s.info(now)).Bytes()
	data := slices.Concat(b[64:len(b)-1], []byte{1, 9, 1, 7}) // one, of type 9, of one byte, 7
	v, err := wire.DecodeValue(slices.Concat(signature(s.key, data), data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestGossipDeadKinds cost the packet (gossip-wire §3.1).
func TestGossipDeadKinds(t *testing.T) {
	l := newLab(t, Full, Limits{})
	s := l.knows(newActor(1))
	l.clock++
	for _, tag := range []uint32{0, 3, 4, 6, 7, 8, 14, 1 << 31} {
		dead := slices.Concat(binary.LittleEndian.AppendUint32(nil, tag), s.pubkey[:], make([]byte, 120))
		live := signed(t, s.key, s.hashes(1000, l.clock)).Bytes()
		packet := slices.Concat([]byte{2, 0, 0, 0}, s.pubkey[:], []byte{2, 0, 0, 0, 0, 0, 0, 0}, live, signature(s.key, dead), dead)
		l.hearsBytes(s.addr, packet)
		same(t, "slot", l.sees(s), 0)
	}
	same(t, "malformed", l.stats.PacketsIn[0][Malformed], 8)
}

// TestGossipHashesWaitForTheContactInfo: in one packet with the first contact info
// of their node they are lost, and they come later (gossip-wire §6.1).
func TestGossipHashesWaitForTheContactInfo(t *testing.T) {
	l := newLab(t, Light, Limits{})
	s := newActor(1)
	both := func() *wire.Push { return s.push(t, s.info(l.clock), s.hashes(1000, l.clock)) }
	ping := only[*wire.Ping](l.hears(s.addr, both()))[0]
	l.hears(s.addr, wire.NewPong(s.key, ping.Token))
	l.clock++
	l.hears(s.addr, both())
	same(t, "contact info is known", l.table.Has(s.pubkey), true)
	same(t, "slot", l.sees(s), 0)
	l.hears(s.addr, both())
	same(t, "slot, later", l.sees(s), 1000)
}

// TestGossipOwnHashesTravelAlone: none of our packets has our contact info and our
// hashes together, whatever made us send it (gossip-wire §11.2).
func TestGossipOwnHashesTravelAlone(t *testing.T) {
	l := newLab(t, Light, Limits{})
	l.setDoors([]netip.AddrPort{placeOf(50)})
	l.announce(snapshotsAt(1000, 0), l.clock)
	l.passes(3 * time.Second)
	for i := range 5 {
		l.knows(newActor(1 + i))
		l.announce(snapshotsAt(1000, uint64(1001+i)), l.clock)
		l.passes(5 * time.Second)
		l.setServing(false, l.clock)
		l.setServing(true, l.clock) // makes both anew
		l.passes(time.Second)
	}
	var infos, hashes int
	for _, s := range l.all {
		push, ok := s.message.(*wire.Push)
		if !ok {
			continue
		}
		var info, hash int
		for _, v := range push.Values {
			if v.Origin() != l.self {
				continue
			}
			if v.Kind() == wire.KindContactInfo {
				info++
			} else {
				hash++
			}
		}
		if info > 0 && hash > 0 {
			t.Error("a push has our contact info and our snapshot hashes")
		}
		infos, hashes = infos+info, hashes+hash
	}
	if infos == 0 || hashes == 0 {
		t.Errorf("%d contact infos and %d hashes were pushed, want some", infos, hashes)
	}
}
