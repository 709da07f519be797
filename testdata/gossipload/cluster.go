//go:build linux

package main

import (
	"crypto/ed25519"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"

	"solsnap/gossip/wire"
)

// shredVersion is that of the cluster that is played.
const shredVersion = 50093

// firstAddress is the one of the first node, as a number; the others follow.
// They are apart from 127.0.0.1, which is the node under test's.
const firstAddress = 127<<24 | 10<<16 | 1

// node is one that is played.
type node struct {
	key       ed25519.PrivateKey
	nonce     nonce // the key again
	pubkey    wire.Pubkey
	info      wire.ContactInfo     // without a wallclock
	vote      wire.Pubkey          // the vote account of a voter
	templates map[wire.Kind][]byte // values to change and sign again
}

// cluster is who is played. Nothing of it changes.
type cluster struct {
	of     population
	mix    mix
	port   uint16 // of gossip, the same for all nodes
	nodes  []node
	index  map[wire.Pubkey]int32
	nonces []nonce
}

// newCluster makes the nodes of a seed.
func newCluster(p population, port uint16, seed uint64) (*cluster, error) {
	m, err := newMix(p)
	if err != nil {
		return nil, err
	}
	c := &cluster{of: p, mix: m, port: port, nodes: make([]node, p.nodes), index: make(map[wire.Pubkey]int32, p.nodes)}
	random := newRandom(seed, 0)
	c.nonces = newNonces(p.values, random)
	for i := range c.nodes {
		if err := c.makeNode(i, random); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *cluster) makeNode(i int, random *rand.ChaCha8) error {
	var seed [ed25519.SeedSize]byte
	_, _ = random.Read(seed[:])
	n := &c.nodes[i]
	n.key = ed25519.NewKeyFromSeed(seed[:])
	n.nonce, n.pubkey = newNonce(n.key), wire.PubkeyOf(n.key)
	_, _ = random.Read(n.vote[:])
	c.index[n.pubkey] = int32(i)
	started := time.Now().Add(-time.Duration(random.Uint64() % uint64(30*24*time.Hour)))
	n.info = wire.ContactInfo{
		Pubkey: n.pubkey, Outset: uint64(started.UnixMicro()), ShredVersion: shredVersion,
		Version: wire.Version{Major: 4, Commit: 0x1a2b3c4d, FeatureSet: 0x5e6f7081, Client: 3},
	}
	if err := n.info.SetSockets(c.places(i)); err != nil {
		return err
	}
	return c.makeTemplates(int32(i), random)
}

// makeTemplates signs one value of each kind that there are many new ones of.
func (c *cluster) makeTemplates(i int32, random *rand.ChaCha8) error {
	kinds := []wire.Kind{wire.KindContactInfo}
	if int(i) < c.of.voters {
		kinds = append(kinds, wire.KindVote, wire.KindEpochSlots)
	}
	n := &c.nodes[i]
	a := newAuthor(c, random)
	templates := make(map[wire.Kind][]byte, len(kinds))
	for _, kind := range kinds {
		v, err := a.write(kind, i, 0, millis(time.Now()))
		if err != nil {
			return err
		}
		templates[kind] = v.bytes
	}
	n.templates = templates
	return nil
}

// places are the sockets that nodes of its sort have: voters most, spies gossip
// alone.
func (c *cluster) places(i int) map[wire.SocketKey]netip.AddrPort {
	addr := c.addr(int32(i))
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.AddrFrom4(addr), port) }
	places := map[wire.SocketKey]netip.AddrPort{wire.SocketGossip: at(c.port)}
	if i >= c.of.voters+c.of.servers() {
		return places
	}
	for key, port := range map[wire.SocketKey]uint16{
		wire.SocketTVU: 8002, wire.SocketTVUQUIC: 8003, wire.SocketServeRepair: 8012, wire.SocketServeRepairQUIC: 8013,
		wire.SocketTPUQUIC: 8009, wire.SocketTPUForwardsQUIC: 8010, wire.SocketTPUVote: 8005, wire.SocketTPUVoteQUIC: 8011,
	} {
		places[key] = at(port)
	}
	if i >= c.of.voters {
		places[wire.SocketRPC], places[wire.SocketRPCPubsub] = at(8899), at(8900)
	}
	return places
}

// entrypoint is which node is one: the last, a spy.
func (c *cluster) entrypoint() int32 { return int32(len(c.nodes) - 1) }

// addr is the address of a node.
func (c *cluster) addr(i int32) (addr [4]byte) {
	binary.BigEndian.PutUint32(addr[:], uint32(firstAddress+i))
	return addr
}

// place is where a node's gossip is.
func (c *cluster) place(i int32) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4(c.addr(i)), c.port)
}

// at is which node has an address.
func (c *cluster) at(addr [4]byte) (int32, bool) {
	i := int64(binary.BigEndian.Uint32(addr[:])) - firstAddress
	return int32(i), i >= 0 && i < int64(len(c.nodes))
}

// newRandom is the nth source of random numbers of a seed.
func newRandom(seed, n uint64) *rand.ChaCha8 {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], n)
	return rand.NewChaCha8(key)
}

// millis is a time as gossip writes it.
func millis(t time.Time) uint64 { return uint64(t.UnixMilli()) }

// exponential is a random number of a mean.
func exponential(mean float64, random *rand.Rand) float64 {
	return -mean * math.Log(1-random.Float64())
}
