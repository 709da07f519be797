package discovery

import (
	"errors"
	"fmt"

	"solsnap/gossip/wire"
)

// Why Insert refuses an entry.
var (
	// ErrLocal means that the entry is of ourselves.
	ErrLocal = errors.New("the peer is this node")
	// ErrNetwork means that it is of another fleet.
	ErrNetwork = errors.New("the entry is of another network")
	// ErrSigned means that the peer speaks for itself.
	ErrSigned = errors.New("the peer has a signed entry")
	// ErrOutdated means that the entry is older than what is kept.
	ErrOutdated = errors.New("the entry is outdated")
	// ErrFuture means that it is newer than a right clock allows.
	ErrFuture = errors.New("the entry is of the future")
	// ErrNoRoom means that the catalog is full; see Config.MaxUnsigned.
	ErrNoRoom = errors.New("the catalog is full")
	// errSource means that only Upsert takes entries of the fleet.
	errSource = errors.New("entries of the fleet are signed")
)

// Insert takes an entry that nobody signed, in the place of an earlier one whatever
// its version. It is not for other peers. The entry must not be modified afterwards.
// One that says nothing new but its version only keeps the peer from being purged:
// nobody is told.
func (d *Directory) Insert(entry Entry, source Source) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.purge()
	e := d.edit()
	if err := e.insert(&entry, source); err != nil {
		return fmt.Errorf("insert %v: %w", entry.Peer, err)
	}
	e.commit()
	return nil
}

func (e *edit) insert(entry *Entry, source Source) error {
	if err := e.insertable(entry, source); err != nil {
		return err
	}
	p := e.peer(entry, source)
	old := e.next.unsigned.get(entry.Peer)
	switch {
	case old == nil && !e.makeRoom(source, entry.Peer):
		return ErrNoRoom
	case old == nil:
		e.stats.Discovered++
		e.tell(PeerDiscovered, p)
	case old.Source == source && old.Entry.Same(entry):
		e.silent = true
	default:
		e.stats.Updated++
		e.tell(PeerUpdated, p)
	}
	e.put(p)
	return nil
}

func (e *edit) insertable(entry *Entry, source Source) error {
	now, update := e.now(), entry.Version.Update
	switch {
	case source == Fleet:
		return errSource
	case entry.Network != e.cfg.Network:
		return ErrNetwork
	case entry.Peer == e.self:
		return ErrLocal
	case e.next.signed.get(entry.Peer) != nil:
		return ErrSigned
	case update < before(now, e.cfg.PurgeAfter):
		return ErrOutdated
	case update > now+uint64(e.cfg.MaxTimeDrift.Milliseconds()):
		return ErrFuture
	}
	_, err := encode(entry.walk) // what it may hold is what a signed one may
	return err
}

// Remove removes an unsigned entry, and reports whether there was one.
func (d *Directory) Remove(peer wire.Pubkey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.edit()
	p := e.next.unsigned.get(peer)
	if p == nil {
		return false
	}
	e.depart(p)
	e.commit()
	return true
}

// Clear removes all unsigned entries of a source, and returns how many there were.
func (d *Directory) Clear(source Source) int {
	if source == Fleet {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*Peer
	e := d.edit()
	e.next.unsigned.root.each(func(p *Peer) bool {
		if p.Source == source {
			all = append(all, p)
		}
		return true
	})
	e.departAll(all)
	return len(all)
}

func (e *edit) departAll(peers []*Peer) {
	if len(peers) == 0 {
		return
	}
	for _, p := range peers {
		e.depart(p)
	}
	e.commit()
}
