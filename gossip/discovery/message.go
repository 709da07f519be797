package discovery

import (
	"errors"
	"fmt"

	"solsnap/gossip/wire"
)

// Kind is what a request asks for. The numbers are on the wire and must not change.
type Kind uint8

const (
	// Announce spreads entries and departures. There is nothing to answer.
	Announce Kind = iota + 1
	// Digest asks which entries differ: the first round trip of a sync.
	Digest
	// Exchange hands over entries and asks for others: the second.
	Exchange
	// Ping asks for the peer's current entry, and for a proof that it is there.
	Ping
	kinds
)

var kindNames = [kinds]string{"none", "announce", "digest", "exchange", "ping"}

// String is for logs and paths.
func (k Kind) String() string {
	if k >= kinds {
		return "unknown"
	}
	return kindNames[k]
}

// maxMessage bounds an exchange of entries, which is what is longest: room for a
// usual entry of each of 8,192 peers. What does not fit goes into a next sync.
const maxMessage = 8 << 20

// What one message may have. The digest of a sync divides peers by the first byte of
// their keys.
const (
	maxItems   = 128
	maxListed  = 16 << 10
	buckets    = 256
	header     = 1 + 1 + 32
	listedSize = 32 + 16
)

// MaxRequest is how long a request may be, in bytes. No more need be read.
func (k Kind) MaxRequest() int {
	switch k {
	case Announce:
		return header + 4 + maxItems*(4+MaxEntry)
	case Digest:
		return header + 2 + MaxEntry + 8*buckets
	case Exchange:
		return maxMessage
	case Ping:
		return header + 16
	}
	return 0
}

// MaxResponse is how long a response may be, in bytes.
func (k Kind) MaxResponse() int {
	switch k {
	case Announce:
		return header
	case Digest:
		return header + 2 + MaxEntry + buckets/8 + 4 + maxListed*listedSize
	case Exchange:
		return maxMessage
	case Ping:
		return header + 2 + MaxEntry + signatureSize
	}
	return 0
}

// Why a message is refused. Either is the fault of who sent it.
var (
	// ErrMessage means that bytes are no message, or too many.
	ErrMessage = errors.New("malformed message")
	// ErrOtherNetwork means that a message is of another fleet.
	ErrOtherNetwork = errors.New("message is of another network")
)

// content is what follows the header of a message.
type content interface{ walk(c *codec) }

func walkHeader(c *codec, kind Kind, network wire.Hash) {
	c.format()
	k, n := uint8(kind), network
	c.uint8("kind", &k)
	if c.array("network", n[:]); c.err != nil {
		return
	}
	if Kind(k) != kind {
		c.fail("kind", fmt.Errorf("%v, want %v: %w", Kind(k), kind, ErrMessage))
	}
	if n != network {
		c.fail("network", ErrOtherNetwork)
	}
}

func encodeMessage(kind Kind, network wire.Hash, m content) []byte {
	c := &codec{writing: true}
	walkHeader(c, kind, network)
	m.walk(c)
	if c.err != nil {
		panic(c.err) // only this package can have broken it
	}
	return c.out
}

func decodeMessage(b string, limit int, kind Kind, network wire.Hash, m content) error {
	if len(b) > limit {
		return fmt.Errorf("%v: %d bytes, want at most %d: %w", kind, len(b), limit, ErrMessage)
	}
	c := &codec{in: b}
	walkHeader(c, kind, network)
	m.walk(c)
	err := c.finish()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrOtherNetwork):
		return fmt.Errorf("%v: %w", kind, err)
	}
	return fmt.Errorf("%v: %w: %w", kind, ErrMessage, err)
}

// kindOf is what a request says that it is.
func kindOf(request []byte) (Kind, error) {
	if len(request) < header || request[0] != formatVersion || request[1] == 0 || Kind(request[1]) >= kinds {
		return 0, fmt.Errorf("request: %w", ErrMessage)
	}
	return Kind(request[1]), nil
}

// nothing is the content of a response that only says that there was no error.
type nothing struct{}

func (nothing) walk(*codec) {}

// item is an entry or a departure on its way through the fleet, signed but not
// verified.
type item struct {
	hops     uint8 // how often it may still be handed on
	departed bool
	raw      string
}

func walkItem(c *codec, i *item) {
	c.uint8("hops", &i.hops)
	c.flag("departed", &i.departed)
	c.text("signed", &i.raw, MaxEntry)
}

type announcement struct{ items []item }

func (m *announcement) walk(c *codec) { list(c, "items", maxItems, 4, &m.items, walkItem) }

// digest is what a node has: for each bucket, all ids together.
type digest struct {
	from string // the signed entry of who asks
	sums [buckets]uint64
}

func (m *digest) walk(c *codec) {
	c.text("from", &m.from, MaxEntry)
	for i := range m.sums {
		c.uint64("sum", &m.sums[i])
	}
}

// listed is a version that a node has of a peer.
type listed struct {
	peer    wire.Pubkey
	version Version
}

func walkListed(c *codec, l *listed) {
	c.array("peer", l.peer[:])
	l.version.walk(c)
}

// difference is what a node has in the buckets that differ.
type difference struct {
	from    string
	buckets [buckets / 8]byte // a bit for each that differs
	has     []listed
}

func (m *difference) walk(c *codec) {
	c.text("from", &m.from, MaxEntry)
	c.array("buckets", m.buckets[:])
	list(c, "has", maxListed, listedSize, &m.has, walkListed)
}

func (m *difference) differs(bucket byte) bool { return m.buckets[bucket/8]>>(bucket%8)&1 == 1 }

// exchange hands over entries, and asks for others.
type exchange struct {
	entries []string
	wants   []wire.Pubkey
	more    bool // there was no room for all
}

func (m *exchange) walk(c *codec) {
	list(c, "entries", maxListed, 2, &m.entries, func(c *codec, raw *string) { c.text("entry", raw, MaxEntry) })
	list(c, "wants", maxListed, 32, &m.wants, func(c *codec, k *wire.Pubkey) { c.array("peer", k[:]) })
	c.flag("more", &m.more)
}

// add takes an entry, if there is room for it beside what there is.
func (m *exchange) add(raw string, size *int) {
	if *size += 2 + len(raw); *size > maxMessage || len(m.entries) == maxListed {
		*size -= 2 + len(raw)
		m.more = true
		return
	}
	m.entries = append(m.entries, raw)
}

type ping struct{ token [16]byte }

func (m *ping) walk(c *codec) { c.array("token", m.token[:]) }

// pong proves that whoever answers has the key of the entry, now.
type pong struct {
	entry     string
	signature [signatureSize]byte
}

func (m *pong) walk(c *codec) {
	c.text("entry", &m.entry, MaxEntry)
	c.array("signature", m.signature[:])
}
