package gossip

import (
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"

	"solsnap/gossip/wire"
)

// inbox is what came in together, on its way from looked at to proved to acted
// upon. Signatures cost a hundred times what everything else does, so they come
// last, only where they decide something, and on every core.
type inbox struct {
	pings    []pingIn
	pongs    []pongIn
	prunes   []pruneIn
	requests []requestIn
	pushes   []arrival
	answers  []arrival
	// values are those of pushes and answers, one arrival after the other.
	values []incoming
	checks []check
	// twins finds the check of a value that is in the batch more than once.
	twins map[wire.Hash]int
	// upserted are the origins of pushed values that were new.
	upserted map[wire.Pubkey]struct{}
	// verify is wire.Value.Verify. Hundreds of nodes in one test share what one of
	// them has verified.
	verify func(wire.Value) (wire.Verified, error)
}

func newInbox() inbox {
	return inbox{twins: make(map[wire.Hash]int), upserted: make(map[wire.Pubkey]struct{}), verify: wire.Value.Verify}
}

type pingIn struct {
	ping  *wire.Ping
	from  netip.AddrPort
	check int
}

type pongIn struct {
	pong  *wire.Pong
	from  netip.AddrPort
	check int
}

type pruneIn struct {
	prune *wire.Prune
	check int
}

type requestIn struct {
	request *wire.PullRequest
	from    netip.AddrPort
	check   int
}

// arrival is a push or a pull response, less the values that were of no use.
type arrival struct {
	from   wire.Pubkey // by its own account
	addr   netip.AddrPort
	values []incoming // a part of inbox.values
}

// incoming is a value that something is to be done with.
type incoming struct {
	value wire.Value
	hash  wire.Hash
	fate  fate
	check int // in inbox.checks; -1 for none
}

// fate is what to do with a value once its packet has been proved.
type fate uint8

const (
	insert    fate = iota // into the table; it has a check
	recount               // it is in the table, or was
	returnOwn             // it is our own contact info; it has a check, unless it is what we last signed
)

// check is one signature.
type check struct {
	value    wire.Value                  // checked unless message is set
	message  interface{ Verify() error } // a ping, pong or prune
	verified wire.Verified
	err      error
}

func (c *check) run(verify func(wire.Value) (wire.Verified, error)) {
	if c.message != nil {
		c.err = c.message.Verify()
		return
	}
	c.verified, c.err = verify(c.value)
}

// reset empties the batch, whose memory is used again.
func (b *inbox) reset() {
	clear(b.checks) // they hold on to messages
	clear(b.values)
	clear(b.twins)
	clear(b.upserted)
	b.pings, b.pongs, b.prunes, b.requests = b.pings[:0], b.pongs[:0], b.prunes[:0], b.requests[:0]
	b.pushes, b.answers, b.values, b.checks = b.pushes[:0], b.answers[:0], b.values[:0], b.checks[:0]
}

// message adds the check of a message.
func (b *inbox) message(m interface{ Verify() error }) int {
	b.checks = append(b.checks, check{message: m})
	return len(b.checks) - 1
}

// caller adds the check of a value that is not for the table: it must not vouch for
// a copy of itself that is, see siftNew.
func (b *inbox) caller(v wire.Value) int {
	b.checks = append(b.checks, check{value: v})
	return len(b.checks) - 1
}

// value adds the check of a value, once for all its copies.
func (b *inbox) value(v wire.Value, h wire.Hash) int {
	if i, ok := b.twins[h]; ok {
		return i
	}
	b.checks = append(b.checks, check{value: v})
	b.twins[h] = len(b.checks) - 1
	return b.twins[h]
}

// prove checks every signature.
func (b *inbox) prove() {
	const worthwhile = 8 // checks, some 40 us each, for a goroutine
	workers := min(runtime.GOMAXPROCS(0), len(b.checks)/worthwhile)
	if workers < 2 {
		for i := range b.checks {
			b.checks[i].run(b.verify)
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(b.checks); i = int(next.Add(1)) - 1 {
				b.checks[i].run(b.verify)
			}
		})
	}
	group.Wait()
}

// forged reports whether a value of the packet was not signed by its origin. Then
// nothing of the packet counts, since every other node loses it whole.
func (b *inbox) forged(a *arrival) bool {
	for _, in := range a.values {
		if in.check >= 0 && b.checks[in.check].err != nil {
			return true
		}
	}
	return false
}
