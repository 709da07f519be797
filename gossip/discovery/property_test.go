package discovery

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"solsnap/gossip/wire"
)

// model is a directory that anybody can understand.
type model struct {
	signed, unsigned map[wire.Pubkey]Version
	graves           map[wire.Pubkey]grave
	now              uint64
}

const modelPurge, modelDrift = 60_000, 10_000

// purge removes what is stale, as a Directory does before it looks.
func (m *model) purge() {
	for _, kind := range []map[wire.Pubkey]Version{m.signed, m.unsigned} {
		for k, v := range kind {
			if v.Update < m.now-modelPurge {
				delete(kind, k)
			}
		}
	}
}

func (m *model) upsert(n byte, v Version) Outcome {
	m.purge()
	key := peer(n)
	old, known := m.signed[key]
	g, buried := m.graves[key]
	switch {
	case v.Update < m.now-modelPurge:
		return Outdated
	case v.Update > m.now+modelDrift:
		return Future
	case n == self, known && v.Compare(old) <= 0, !known && buried && m.now <= g.until && v.Compare(g.version) <= 0:
		return Rejected
	}
	m.signed[key] = v
	delete(m.unsigned, key)
	if known {
		return Updated
	}
	return New
}

func (m *model) insert(n byte, v Version) bool {
	m.purge()
	_, taken := m.signed[peer(n)]
	if taken || n == self || v.Update < m.now-modelPurge || v.Update > m.now+modelDrift {
		return false
	}
	m.unsigned[peer(n)] = v
	return true
}

func (m *model) depart(n byte, v Version) bool {
	m.purge()
	old, known := m.signed[peer(n)]
	if n == self || !known || v.Compare(old) < 0 {
		return false
	}
	delete(m.signed, peer(n))
	m.graves[peer(n)] = grave{v, min(max(m.now, v.Update), m.now+modelDrift) + modelPurge}
	return true
}

// visible are the keys of one kind that are not stale, in order.
func (m *model) visible(kind map[wire.Pubkey]Version) (keys []wire.Pubkey) {
	for k, v := range kind {
		if v.Update >= m.now-modelPurge {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b wire.Pubkey) int { return bytes.Compare(a[:], b[:]) })
	return keys
}

// TestDirectoryAgainstAModel does the same to both.
func TestDirectoryAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := &handClock{at: epoch}
		d, err := NewDirectory(Config{
			Key: seeded(self), Network: network, Now: clock.now,
			PurgeAfter: modelPurge * time.Millisecond, MaxTimeDrift: modelDrift * time.Millisecond, EventsBacklog: 10_000,
		})
		if err != nil {
			t.Fatal(err)
		}
		m := &model{map[wire.Pubkey]Version{}, map[wire.Pubkey]Version{}, map[wire.Pubkey]grave{}, millis(epoch)}
		events := d.Subscribe(EventID{})
		followed := map[wire.Pubkey]bool{}
		number := func(t *rapid.T) byte { return rapid.SampledFrom([]byte{1, 2, 3, 4, 5, self}).Draw(t, "peer") }
		version := func(t *rapid.T) Version {
			ago := rapid.Int64Range(-modelDrift-2, modelPurge+2).Draw(t, "ago")
			return Version{millis(epoch) + rapid.Uint64Range(0, 2).Draw(t, "start"), uint64(int64(m.now) - ago)}
		}
		t.Repeat(map[string]func(*rapid.T){
			"upsert": func(t *rapid.T) {
				n, v := number(t), version(t)
				s, err := SignEntry(seeded(n), Entry{Network: network, Peer: peer(n), Version: v})
				if err != nil {
					t.Fatal(err)
				}
				if got, want := d.Upsert(s), m.upsert(n, v); got != want {
					t.Fatalf("upsert: got %v, want %v", got, want)
				}
			},
			"insert": func(t *rapid.T) {
				n, v := number(t), version(t)
				err := d.Insert(Entry{Network: network, Peer: peer(n), Version: v}, Gossip)
				if want := m.insert(n, v); (err == nil) != want {
					t.Fatalf("insert: got %v, want %v", err, want)
				}
			},
			"depart": func(t *rapid.T) {
				n, v := number(t), version(t)
				s, err := SignDeparture(seeded(n), Departure{network, peer(n), v, m.now})
				if err != nil {
					t.Fatal(err)
				}
				if got, want := d.Depart(s), m.depart(n, v); got != want {
					t.Fatalf("depart: got %v, want %v", got, want)
				}
			},
			"remove": func(t *rapid.T) {
				key := peer(number(t))
				_, want := m.unsigned[key]
				delete(m.unsigned, key)
				if got := d.Remove(key); got != want {
					t.Fatalf("remove: got %v, want %v", got, want)
				}
			},
			"time": func(t *rapid.T) {
				ms := rapid.Uint64Range(0, modelPurge/2).Draw(t, "ms")
				clock.step(time.Duration(ms) * time.Millisecond)
				m.now += ms
			},
			"purge": func(*rapid.T) { d.Purge(); m.purge() },
			"": func(t *rapid.T) {
				agree(t, d, m)
				follow(events, followed)
				if len(followed) != len(m.signed)+len(m.unsigned) {
					t.Fatalf("by events there are %d peers, want %d and %d", len(followed), len(m.signed), len(m.unsigned))
				}
			},
		})
	})
}

// follow knows what exists by events alone.
func follow(events *Subscription, known map[wire.Pubkey]bool) {
	for {
		e, more := events.take()
		switch {
		case more != nil:
			return
		case e.Kind == PeerDeparted:
			delete(known, e.Peer)
		case e.Kind != SecondInstance:
			known[e.Peer] = true
		}
	}
}

func agree(t *rapid.T, d *Directory, m *model) {
	c := d.Catalog()
	want := slices.Concat(m.visible(m.signed), m.visible(m.unsigned))
	var got []wire.Pubkey
	for p := range c.Peers() {
		got = append(got, p.Entry.Peer)
		v, ok := m.signed[p.Entry.Peer]
		if p.Source != Fleet {
			v, ok = m.unsigned[p.Entry.Peer]
		}
		if found, visible := c.Get(p.Entry.Peer); !ok || v != p.Entry.Version || !visible || found != p {
			t.Fatalf("%v is %v, want %v", p.Entry.Peer, p.Entry.Version, v)
		}
	}
	if !slices.Equal(got, want) || c.Len() != len(want) {
		t.Fatalf("peers are %v of %d, want %v", got, c.Len(), want)
	}
	checkTree(t, c.state.signed.root)
	checkTree(t, c.state.unsigned.root)
}

// checkTree looks at what must be true of every node.
func checkTree(t *rapid.T, n *node) {
	if n == nil {
		return
	}
	checkTree(t, n.left)
	checkTree(t, n.right)
	again := n.with(n.left, n.right)
	if again.size != n.size || again.oldest != n.oldest || n.left != nil && n.left.priority > n.priority || n.right != nil && n.right.priority > n.priority {
		t.Fatalf("node %+v is not what its children make it", n)
	}
}
