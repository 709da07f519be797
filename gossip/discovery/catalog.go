package discovery

import (
	"bytes"
	"iter"
	"time"

	"solsnap/gossip/wire"
)

// state is everything that catalogs show. It is replaced whole, never modified.
type state struct {
	signed, unsigned tree
	local            *Peer
}

// Catalog is what a Directory knew at one moment: it never changes. Reading it
// allocates nothing. The zero value is empty.
type Catalog struct {
	state  *state
	oldest uint64        // entries not updated since are hidden
	maxRTT time.Duration // peers with more are hidden; 0 hides none
}

// Local is our own entry.
func (c Catalog) Local() SignedEntry {
	if c.state == nil {
		return SignedEntry{}
	}
	return c.state.local.Signed
}

// Get finds a visible peer other than ourselves.
func (c Catalog) Get(peer wire.Pubkey) (*Peer, bool) {
	if c.state == nil {
		return nil, false
	}
	p := c.state.find(peer)
	if p == nil || !c.visible(p) {
		return nil, false
	}
	return p, true
}

func (s *state) find(peer wire.Pubkey) *Peer {
	if p := s.signed.get(peer); p != nil {
		return p
	}
	return s.unsigned.get(peer)
}

// Peers are the visible peers, without ourselves: first those with a signed entry,
// and of each kind by key.
func (c Catalog) Peers() iter.Seq[*Peer] {
	return func(yield func(*Peer) bool) {
		if c.state == nil {
			return
		}
		seen := func(p *Peer) bool { return !c.visible(p) || yield(p) }
		_ = c.state.signed.root.each(seen) && c.state.unsigned.root.each(seen)
	}
}

// Len is how many Peers has.
func (c Catalog) Len() int {
	if c.state == nil {
		return 0
	}
	s := c.state
	if c.maxRTT == 0 && min(s.signed.root.oldestUpdate(), s.unsigned.root.oldestUpdate()) >= c.oldest {
		return s.signed.len() + s.unsigned.len()
	}
	n := 0
	for range c.Peers() {
		n++
	}
	return n
}

// Replicated are the entries for others, by key, our own among them. How far away
// a peer is from us is not the others' business.
func (c Catalog) Replicated() iter.Seq[SignedEntry] {
	return func(yield func(SignedEntry) bool) {
		if c.state == nil {
			return
		}
		local := c.state.local
		told := false
		all := c.state.signed.root.each(func(p *Peer) bool {
			if !told && bytes.Compare(local.Entry.Peer[:], p.Entry.Peer[:]) < 0 {
				told = true
				if !yield(local.Signed) {
					return false
				}
			}
			return !c.fresh(p) || yield(p.Signed)
		})
		if all && !told {
			yield(local.Signed)
		}
	}
}

// replicated finds an entry for others.
func (c Catalog) replicated(peer wire.Pubkey) (SignedEntry, bool) {
	if peer == c.state.local.Entry.Peer {
		return c.state.local.Signed, true
	}
	if p := c.state.signed.get(peer); p != nil && c.fresh(p) {
		return p.Signed, true
	}
	return SignedEntry{}, false
}

func (c Catalog) fresh(p *Peer) bool { return p.Entry.Version.Update >= c.oldest }

func (c Catalog) visible(p *Peer) bool { return c.fresh(p) && !hidden(p, c.maxRTT) }

// hidden reports whether a peer is too far away.
func hidden(p *Peer, maxRTT time.Duration) bool { return maxRTT > 0 && p.RTT > maxRTT }
