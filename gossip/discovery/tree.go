package discovery

import (
	"bytes"
	"math"

	"solsnap/gossip/wire"
)

// tree is an immutable search tree of peers: a treap. To change one, the nodes on
// the way to it are copied, about 30 of 8,192, and what was handed out stays as it
// was. The zero value is empty.
type tree struct{ root *node }

type node struct {
	peer     *Peer
	priority uint32 // not below those of the children
	size     int32
	oldest   uint64 // the lowest update time below and here
	left     *node
	right    *node
}

func newNode(p *Peer, priority uint32, left, right *node) *node {
	n := &node{peer: p, priority: priority, left: left, right: right}
	n.size = 1 + left.count() + right.count()
	n.oldest = min(p.Entry.Version.Update, left.oldestUpdate(), right.oldestUpdate())
	return n
}

func (n *node) with(left, right *node) *node { return newNode(n.peer, n.priority, left, right) }

func (n *node) count() int32 {
	if n == nil {
		return 0
	}
	return n.size
}

func (n *node) oldestUpdate() uint64 {
	if n == nil {
		return math.MaxUint64
	}
	return n.oldest
}

func (t tree) len() int { return int(t.root.count()) }

// get is nil when the peer is not there.
func (t tree) get(key wire.Pubkey) *Peer {
	for n := t.root; n != nil; {
		switch order := bytes.Compare(key[:], n.peer.Entry.Peer[:]); {
		case order == 0:
			return n.peer
		case order < 0:
			n = n.left
		default:
			n = n.right
		}
	}
	return nil
}

// put is the tree with p in the place of what it had of that peer.
func (t tree) put(p *Peer, priority uint32) tree {
	if t.get(p.Entry.Peer) != nil {
		return tree{replace(t.root, p)}
	}
	less, rest := split(t.root, p.Entry.Peer)
	return tree{join(join(less, newNode(p, priority, nil, nil)), rest)}
}

func replace(n *node, p *Peer) *node {
	switch order := bytes.Compare(p.Entry.Peer[:], n.peer.Entry.Peer[:]); {
	case order == 0:
		return newNode(p, n.priority, n.left, n.right)
	case order < 0:
		return n.with(replace(n.left, p), n.right)
	default:
		return n.with(n.left, replace(n.right, p))
	}
}

// without is the tree less a peer: the same one if it had none.
func (t tree) without(key wire.Pubkey) tree {
	if t.get(key) == nil {
		return t
	}
	return tree{remove(t.root, key)}
}

func remove(n *node, key wire.Pubkey) *node {
	switch order := bytes.Compare(key[:], n.peer.Entry.Peer[:]); {
	case order == 0:
		return join(n.left, n.right)
	case order < 0:
		return n.with(remove(n.left, key), n.right)
	default:
		return n.with(n.left, remove(n.right, key))
	}
}

// split divides by a key that is not there.
func split(n *node, key wire.Pubkey) (less, greater *node) {
	if n == nil {
		return nil, nil
	}
	if bytes.Compare(n.peer.Entry.Peer[:], key[:]) < 0 {
		less, greater = split(n.right, key)
		return n.with(n.left, less), greater
	}
	less, greater = split(n.left, key)
	return less, n.with(greater, n.right)
}

// join puts together trees of which the first has the lower keys.
func join(a, b *node) *node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority >= b.priority:
		return a.with(a.left, join(a.right, b))
	default:
		return b.with(join(a, b.left), b.right)
	}
}

// each yields in the order of keys, and reports whether it came to the end.
func (n *node) each(yield func(*Peer) bool) bool {
	return n == nil || n.left.each(yield) && yield(n.peer) && n.right.each(yield)
}

// stale adds peers whose update time is before a time.
func (n *node) stale(before uint64, found []*Peer) []*Peer {
	if n.oldestUpdate() >= before {
		return found
	}
	found = n.left.stale(before, found)
	if n.peer.Entry.Version.Update < before {
		found = append(found, n.peer)
	}
	return n.right.stale(before, found)
}
