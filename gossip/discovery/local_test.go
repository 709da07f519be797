package discovery

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// savedStart is a Starts in memory.
type savedStart struct {
	last uint64
	err  error
}

func (s *savedStart) LastStart() (uint64, error)   { return s.last, s.err }
func (s *savedStart) SaveStart(start uint64) error { s.last = start; return s.err }

func TestDC17WhatIncrementsTheVersion(t *testing.T) {
	stream := Stream{Full: Archive{Slot: 1}}
	var producer *Producer
	produce := func(d *Directory) (err error) { producer, err = d.Produce(stream); return err }
	for _, tt := range []struct {
		name       string
		do         func(*Directory) error
		increments bool
	}{
		{"add_tags", func(d *Directory) error { return d.AddTags("a", "b") }, true},
		{"add_tags that are there", func(d *Directory) error { return d.AddTags("b") }, false},
		{"remove_tags", func(d *Directory) error { return d.RemoveTags("a") }, true},
		{"remove_tags that are not there", func(d *Directory) error { return d.RemoveTags("a") }, false},
		{"add_streams", produce, true},
		{"replace by the same", func(*Directory) error { return producer.Replace(stream) }, false},
		{"replace", func(*Directory) error { return producer.Replace(Stream{Full: Archive{Slot: 2}}) }, true},
		{"remove_streams", func(*Directory) error { return producer.Close() }, true},
		{"ticket", func(d *Directory) error { return d.AddTicket(Ticket{"a", "x"}) }, true},
		{"ticket twice, DC-23", func(d *Directory) error { return d.AddTicket(Ticket{"a", "x"}) }, false},
		{"replace ticket by the same", func(d *Directory) error { return d.ReplaceTicket(Ticket{"a", "x"}) }, false},
		{"remove tickets", func(d *Directory) error { return d.RemoveTickets("a") }, true},
		{"remove tickets that are not there", func(d *Directory) error { return d.RemoveTickets("a") }, false},
		{"load", func(d *Directory) error { return d.SetLoad(Load{FreeSlots: 1}) }, true},
		{"same load", func(d *Directory) error { return d.SetLoad(Load{FreeSlots: 1}) }, false},
		{"update_address", func(d *Directory) error { return d.SetAddresses("http://a") }, true},
		{"the same address", func(d *Directory) error { return d.SetAddresses("http://a") }, true},
		{"touch", (*Directory).Touch, true},
	} {
		if tt.name == "add_tags" {
			shared, _ = newTestDirectory(t, nil)
		}
		before, changed := shared.Local().Version(), shared.Changed()
		noError(t, tt.do(shared))
		after := shared.Local().Version()
		want(t, tt.name, after.Compare(before) > 0, tt.increments)
		want(t, tt.name+": watchers", isClosed(changed), tt.increments)
		if s, err := DecodeEntry(shared.Local().Append(nil)); err != nil || s.Version() != after {
			t.Errorf("%s: signed entry is of %v, %v", tt.name, s.Version(), err)
		}
	}
}

// shared is the directory of the table above, whose rows follow each other.
var shared *Directory

func TestDC18VersionsRiseWhenTheClockDoesNot(t *testing.T) {
	d, clock := newTestDirectory(t, nil)
	before := d.Local().Version()
	for _, step := range []time.Duration{0, -time.Hour, 0, 2 * time.Hour, -time.Hour} {
		clock.step(step)
		noError(t, d.Touch())
		if after := d.Local().Version(); after.Compare(before) <= 0 || after.Start != before.Start {
			t.Errorf("%v follows %v", after, before)
		}
		before = d.Local().Version()
	}
}

func TestDC20RestartWithAnEarlierClock(t *testing.T) {
	starts := &savedStart{}
	first, _ := newTestDirectory(t, func(c *Config) { c.Starts = starts })
	noError(t, first.Touch())
	second, _ := newTestDirectory(t, func(c *Config) {
		c.Starts = starts
		c.Now = func() time.Time { return epoch.Add(-24 * time.Hour) }
	})
	if a, b := first.Local().Version(), second.Local().Version(); b.Compare(a) <= 0 {
		t.Errorf("%v after %v", b, a)
	}
	_, err := NewDirectory(Config{Key: seeded(1), Network: network, Starts: &savedStart{err: errors.New("disk")}})
	if err == nil {
		t.Error("a start time that is not saved: no error")
	}
}

func TestX8WhatTheEntryCannotHoldChangesNothing(t *testing.T) {
	d, _ := newTestDirectory(t, nil)
	p, err := d.Produce(Stream{Full: Archive{Slot: 1}})
	noError(t, err)
	before := d.Local()
	for name, do := range map[string]func() error{
		"tag":     func() error { return d.AddTags("two words") },
		"address": func() error { return d.SetAddresses("nowhere") },
		"stream":  func() error { return p.Replace(Stream{Full: Archive{Slot: 5}, Incremental: &Archive{Slot: 4}}) },
	} {
		if do() == nil {
			t.Errorf("%s: no error", name)
		}
		want(t, name, d.Local(), before)
	}
	noError(t, d.SetLoad(Load{Rate: 1}))
	entry := d.Local().Entry()
	want(t, "the stream of before is still there", len(entry.Streams) == 1 && entry.Streams[0].Full.Slot == 1, true)
}

// TestDC82AndDC83MutationsAreAtomic has readers that never see two tickets of a
// class, or none, while writers add to other sets.
func TestDC82AndDC83MutationsAreAtomic(t *testing.T) {
	d, _ := newTestDirectory(t, nil)
	noError(t, d.AddTicket(Ticket{"jwt", "0"}))
	var writers sync.WaitGroup
	for _, n := range []string{"1", "2", "3"} {
		writers.Go(func() {
			for range 20 {
				noError(t, d.ReplaceTicket(Ticket{"jwt", n}))
				noError(t, d.AddTags(n))
				if !slices.Contains(d.Local().Entry().Tags, n) {
					t.Errorf("own write of %s is not seen", n)
				}
				noError(t, d.RemoveTags(n))
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for !isClosed(done) {
		if n := len(d.Catalog().Local().Entry().Tickets); n != 1 {
			t.Fatalf("%d tickets", n)
		}
	}
}

func TestDC84TheLastProducerWithdraws(t *testing.T) {
	d, _ := newTestDirectory(t, nil)
	s := Stream{Full: Archive{Slot: 1}}
	one, err := d.Produce(s)
	noError(t, err)
	two, err := d.Produce(s)
	noError(t, err)
	streams := func() int { return len(d.Local().Entry().Streams) }
	want(t, "with two producers", streams(), 1)
	noError(t, one.Close())
	want(t, "with one", streams(), 1)
	if err := one.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
	if err := one.Replace(s); !errors.Is(err, ErrClosed) {
		t.Errorf("replaced after close: %v", err)
	}
	want(t, "closing twice is closing once", streams(), 1)
	noError(t, two.Close())
	want(t, "with none", streams(), 0)
}

func TestDC44TheFarewellIsTheNewest(t *testing.T) {
	d, _ := newTestDirectory(t, nil)
	for range 3 {
		noError(t, d.Touch())
	}
	f, err := d.Farewell()
	noError(t, err)
	want(t, "version", f.Departure().Version, d.Local().Version())
}
