package discovery

import (
	"errors"
	"fmt"
	"slices"
)

// Local is our own entry.
func (d *Directory) Local() SignedEntry { return d.current.Load().local.Signed }

func localPeer(s SignedEntry) *Peer { return &Peer{Entry: s.entry, Source: Fleet, Signed: s} }

// tidy sorts the sets of an entry.
func tidy(e Entry) Entry {
	slices.Sort(e.Tags)
	e.Tags = slices.Compact(e.Tags)
	slices.SortFunc(e.Streams, Stream.Compare)
	e.Streams = slices.CompactFunc(e.Streams, func(a, b Stream) bool { return a.Compare(b) == 0 })
	slices.SortFunc(e.Tickets, Ticket.Compare)
	e.Tickets = slices.Compact(e.Tickets)
	return e
}

// clone is e with slices of its own.
func (e *Entry) clone() Entry {
	c := *e
	c.Addresses, c.Tags = slices.Clone(e.Addresses), slices.Clone(e.Tags)
	c.Streams, c.Tickets = slices.Clone(e.Streams), slices.Clone(e.Tickets)
	return c
}

// change makes a new version of our entry if change makes a difference. It is seen
// by whoever reads the catalog from then on. With an error nothing has changed.
func (d *Directory) change(change func(*Entry)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changeLocked(false, change)
}

func (d *Directory) changeLocked(always bool, change func(*Entry)) error {
	e := d.edit()
	old := e.next.local.Entry
	c := old.clone()
	change(&c)
	c = tidy(c)
	if !always && c.Same(old) {
		return nil
	}
	c.Version = old.Version.Next(d.cfg.Now())
	s, err := SignEntry(d.cfg.Key, c)
	if err != nil {
		return fmt.Errorf("our own entry: %w", err)
	}
	e.next.local = localPeer(s)
	e.commit()
	return nil
}

// Touch makes a new version of our entry that says the same.
func (d *Directory) Touch() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changeLocked(true, func(*Entry) {})
}

// SetAddresses says where we can be reached, the preferred address first.
func (d *Directory) SetAddresses(addresses ...string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changeLocked(true, func(e *Entry) { e.Addresses = slices.Clone(addresses) })
}

// SetLoad says how much more we can serve.
func (d *Directory) SetLoad(l Load) error {
	return d.change(func(e *Entry) { e.Load = l })
}

// AddTags adds those that are not there.
func (d *Directory) AddTags(tags ...string) error {
	return d.change(func(e *Entry) { e.Tags = append(e.Tags, tags...) })
}

// RemoveTags removes those that are there.
func (d *Directory) RemoveTags(tags ...string) error {
	return d.change(func(e *Entry) {
		e.Tags = slices.DeleteFunc(e.Tags, func(t string) bool { return slices.Contains(tags, t) })
	})
}

// AddTicket adds a ticket unless it is there.
func (d *Directory) AddTicket(t Ticket) error {
	return d.change(func(e *Entry) { e.Tickets = append(e.Tickets, t) })
}

// RemoveTickets removes all of a class.
func (d *Directory) RemoveTickets(class string) error {
	return d.change(func(e *Entry) { e.dropTickets(class) })
}

// ReplaceTicket puts a ticket in the place of all of its class, at once: nobody sees
// none, or two.
func (d *Directory) ReplaceTicket(t Ticket) error {
	return d.change(func(e *Entry) {
		e.dropTickets(t.Class)
		e.Tickets = append(e.Tickets, t)
	})
}

func (e *Entry) dropTickets(class string) {
	e.Tickets = slices.DeleteFunc(e.Tickets, func(t Ticket) bool { return t.Class == class })
}

// Producer keeps a stream in our entry until it is closed. Two may have the same
// stream, which then is there until both are closed.
type Producer struct{ directory *Directory }

// ErrClosed means that a Producer was closed before.
var ErrClosed = errors.New("producer is closed")

// Produce says that we serve a pair.
func (d *Directory) Produce(s Stream) (*Producer, error) {
	p := &Producer{d}
	d.mu.Lock()
	defer d.mu.Unlock()
	return p, d.produce(p, &s)
}

// Replace serves another pair, at once: nobody sees none, or two.
func (p *Producer) Replace(s Stream) error {
	d := p.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, open := d.producers[p]; !open {
		return ErrClosed
	}
	return d.produce(p, &s)
}

// Close withdraws the stream, unless another Producer has it. A second call is
// ErrClosed.
func (p *Producer) Close() error {
	d := p.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, open := d.producers[p]; !open {
		return ErrClosed
	}
	return d.produce(p, nil)
}

// produce makes the streams of our entry those of the producers; s is nil to take p
// out. With an error everything is as before.
func (d *Directory) produce(p *Producer, s *Stream) error {
	old, was := d.producers[p]
	delete(d.producers, p)
	if s != nil {
		d.producers[p] = *s
	}
	err := d.changeLocked(false, func(e *Entry) {
		e.Streams = e.Streams[:0]
		for _, s := range d.producers {
			e.Streams = append(e.Streams, s)
		}
	})
	if err != nil {
		delete(d.producers, p)
		if was {
			d.producers[p] = old
		}
	}
	return err
}
