package discovery

import (
	"context"
	"slices"

	"solsnap/gossip/wire"
)

// contact is what the loop knows of a peer that it deals with. Owned by the loop.
type contact struct {
	peer      wire.Pubkey
	addresses []string // as given by hand
	pinned    bool     // a bootstrap member, never forgotten
	listed    bool     // in the catalog, signed
	synced    bool     // since it was last observed
	failures  int      // of syncs in a row
	pinging   bool
	sync      *flight // nil when none is under way
	sending   bool
	outbox    []letter // at most maxItems, one of each peer
}

// letter is an item to tell a contact.
type letter struct {
	of   wire.Pubkey
	item item
}

// post puts an item into the outbox, in the place of an older one of the same peer.
// It reports whether another one had to go.
func (c *contact) post(of wire.Pubkey, i item) (dropped bool) {
	c.outbox = slices.DeleteFunc(c.outbox, func(l letter) bool { return l.of == of })
	if dropped = len(c.outbox) == maxItems; dropped {
		c.outbox = slices.Delete(c.outbox, 0, 1)
	}
	c.outbox = append(c.outbox, letter{of, i})
	return dropped
}

// collect empties the outbox.
func (c *contact) collect() *announcement {
	m := new(announcement)
	for _, l := range c.outbox {
		m.items = append(m.items, l.item)
	}
	c.outbox = nil
	return m
}

// flight is a sync that is under way, for all who want it.
type flight struct {
	waiters int // owned by the loop
	cancel  context.CancelFunc
	done    chan struct{} // closed when err is set
	err     error
}

// leave is called by the loop for a waiter that gave up.
func (f *flight) leave() {
	if f.waiters--; f.waiters == 0 {
		f.cancel()
	}
}
