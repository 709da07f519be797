package discovery

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

func TestDC5Upsert(t *testing.T) {
	other := made(1, at(0))
	other.Network = wire.Hash{8}
	otherAndOld := other
	otherAndOld.Version = at(-time.Hour)
	same := made(1, at(0))
	same.Tags = nil
	for name, tt := range map[string]struct {
		before *Entry
		entry  Entry
		want   Outcome
	}{
		"new":                              {nil, made(1, at(0)), New},
		"updated":                          {ptr(made(1, at(0))), made(1, at(1*time.Millisecond)), Updated},
		"updated by a restart, DC-19":      {ptr(made(1, at(0))), made(1, Version{millis(epoch) + 1, millis(epoch) - 5}), Updated},
		"older":                            {ptr(made(1, at(0))), made(1, at(-time.Millisecond)), Rejected},
		"equal":                            {ptr(made(1, at(0))), made(1, at(0)), Rejected},
		"equal, other content, DC-6":       {ptr(made(1, at(0))), same, Rejected},
		"at the threshold":                 {nil, made(1, at(-5*time.Minute)), New},
		"outdated":                         {nil, made(1, at(-5*time.Minute-time.Millisecond)), Outdated},
		"outdated before older, DC-7":      {ptr(made(1, at(0))), made(1, at(-time.Hour)), Outdated},
		"other network":                    {nil, other, OtherNetwork},
		"other network before older, DC-7": {ptr(made(1, at(0))), otherAndOld, OtherNetwork},
		"as far ahead as allowed":          {nil, made(1, at(50*time.Second)), New},
		"future, DC-16":                    {nil, made(1, at(50*time.Second+time.Millisecond)), Future},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := newTestDirectory(t, nil)
			if tt.before != nil {
				want(t, "before", d.Upsert(signedAs(t, 1, *tt.before)), New)
			}
			was, events, changed := d.current.Load(), d.Subscribe(EventID{}), d.Changed()
			want(t, "outcome", d.Upsert(signedAs(t, 1, tt.entry)), tt.want)
			want(t, "catalog changed", d.current.Load() != was, tt.want.Changed())
			want(t, "watchers told, DC-48", isClosed(changed), tt.want.Changed())
			switch tt.want {
			case New:
				wantEvents(t, events, PeerDiscovered)
			case Updated:
				wantEvents(t, events, PeerUpdated)
			default:
				wantEvents(t, events)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestDC1ASnapshotNeverChanges(t *testing.T) {
	d, clock := newTestDirectory(t, nil)
	d.Upsert(signed(t, 1, at(0)))
	c := d.Catalog()
	d.Upsert(signed(t, 2, at(0)))
	d.Depart(leaving(t, 1, at(0), epoch))
	clock.step(time.Hour)
	d.Purge()
	got, ok := c.Get(peer(1))
	if !ok || got.Entry.Peer != peer(1) || c.Len() != 1 {
		t.Errorf("got %v, %v of %d", got, ok, c.Len())
	}
}

func TestDC2OrderAndDC3Local(t *testing.T) {
	d, _ := newTestDirectory(t, nil)
	for _, n := range []byte{5, 1, 9, 3} {
		d.Upsert(signed(t, n, at(0)))
	}
	for _, n := range []byte{6, 2} {
		noError(t, d.Insert(made(n, at(0)), Gossip))
	}
	byKey := func(numbers ...byte) []wire.Pubkey {
		var keys []wire.Pubkey
		for _, n := range numbers {
			keys = append(keys, peer(n))
		}
		slices.SortFunc(keys, func(a, b wire.Pubkey) int { return slices.Compare(a[:], b[:]) })
		return keys
	}
	var listed, replicated []wire.Pubkey
	for p := range d.Catalog().Peers() {
		listed = append(listed, p.Entry.Peer)
	}
	for s := range d.Catalog().Replicated() {
		replicated = append(replicated, s.Peer())
	}
	if got := slices.Concat(byKey(5, 1, 9, 3), byKey(6, 2)); !slices.Equal(listed, got) {
		t.Errorf("listed %v, want %v", listed, got)
	}
	if want := byKey(5, 1, 9, 3, self); !slices.Equal(replicated, want) { // and DC-12
		t.Errorf("replicated %v, want %v", replicated, want)
	}
	if _, ok := d.Catalog().Get(peer(self)); ok {
		t.Error("we are in our own catalog")
	}
}

func TestDC4AndDC14StaleEntriesAreHidden(t *testing.T) {
	d, clock := newTestDirectory(t, nil)
	d.Upsert(signed(t, 1, at(0)))
	noError(t, d.Insert(made(2, at(0)), Gossip))
	d.Upsert(signed(t, 3, at(time.Second)))
	clock.step(5 * time.Minute)
	want(t, "peers at the threshold", d.Catalog().Len(), 3)
	clock.step(time.Millisecond)
	c := d.Catalog()
	want(t, "peers", c.Len(), 1)
	for _, n := range []byte{1, 2} {
		if _, ok := c.Get(peer(n)); ok {
			t.Errorf("%d is visible", n)
		}
	}
	replicated := 0
	for range c.Replicated() {
		replicated++
	}
	want(t, "replicated: ours and one", replicated, 2)
	want(t, "not yet removed", d.Stats().Signed, 2)
}

func TestDC8SignedReplacesUnsigned(t *testing.T) {
	d, _ := newTestDirectory(t, nil)
	noError(t, d.Insert(made(1, at(time.Second)), Gossip))
	want(t, "outcome", d.Upsert(signed(t, 1, at(0))), New)
	p, _ := d.Catalog().Get(peer(1))
	want(t, "source", p.Source, Fleet)
	want(t, "peers", d.Catalog().Len(), 1)
}

func TestDC9Insert(t *testing.T) {
	d, _ := newTestDirectory(t, func(c *Config) { c.MaxUnsigned = 1 })
	d.Upsert(signed(t, 1, at(0)))
	foreign := made(2, at(0))
	foreign.Network = wire.Hash{8}
	bad := made(2, at(0))
	bad.Tags = []string{"b", "a"}
	for name, tt := range map[string]struct {
		entry Entry
		want  error
	}{
		"local":         {made(self, at(0)), ErrLocal},
		"other network": {foreign, ErrNetwork},
		"signed exists": {made(1, at(time.Second)), ErrSigned},
		"outdated":      {made(2, at(-time.Hour)), ErrOutdated},
		"future":        {made(2, at(time.Hour)), ErrFuture},
	} {
		if err := d.Insert(tt.entry, Gossip); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	if err := d.Insert(bad, Gossip); err == nil {
		t.Error("not canonical: no error")
	}
	if err := d.Insert(made(2, at(0)), Fleet); err == nil {
		t.Error("of the fleet: no error")
	}
	noError(t, d.Insert(made(2, at(time.Second)), Gossip))
	older := made(2, at(0))
	older.Tags = nil
	noError(t, d.Insert(older, Gossip)) // whatever its version
	p, _ := d.Catalog().Get(peer(2))
	want(t, "version", p.Entry.Version, at(0))
	if err := d.Insert(made(3, at(0)), Gossip); !errors.Is(err, ErrNoRoom) {
		t.Errorf("full: got %v", err)
	}
}

func TestDC10RemoveAndClearLeaveSigned(t *testing.T) {
	d, _ := newTestDirectory(t, nil)
	d.Upsert(signed(t, 1, at(0)))
	noError(t, d.Insert(made(2, at(0)), Gossip))
	noError(t, d.Insert(made(3, at(0)), Origin))
	want(t, "remove signed", d.Remove(peer(1)), false)
	want(t, "clear the fleet", d.Clear(Fleet), 0)
	want(t, "clear gossip", d.Clear(Gossip), 1)
	want(t, "remove origin", d.Remove(peer(3)), true)
	want(t, "peers", d.Catalog().Len(), 1)
}

func TestDC11AndDC15OurEntryIsOurs(t *testing.T) {
	d, clock := newTestDirectory(t, nil)
	events := d.Subscribe(EventID{})
	own := d.Local().Version()
	want(t, "our own comes back", d.Upsert(d.Local()), Rejected)
	want(t, "an earlier run's", d.Upsert(signed(t, self, Version{own.Start - 1, own.Update})), Rejected)
	wantEvents(t, events)
	second := signed(t, self, Version{own.Start, own.Update + 1})
	want(t, "a second instance's", d.Upsert(second), Rejected)
	want(t, "again", d.Upsert(second), Rejected)
	wantEvents(t, events, SecondInstance)
	want(t, "counted", d.Stats().SecondInstances, 1)
	want(t, "departed", d.Depart(leaving(t, self, Version{own.Start + 1, 0}, epoch)), false)
	want(t, "removed", d.Remove(peer(self)), false)
	clock.step(24 * time.Hour)
	d.Purge()
	want(t, "local", d.Catalog().Local().Version(), own)
	wantEvents(t, events)
}

func TestDC13AndDC69MaxRTT(t *testing.T) {
	d, _ := newTestDirectory(t, func(c *Config) { c.MaxRTT = 100 * time.Millisecond })
	d.Upsert(signed(t, 1, at(0)))
	noError(t, d.Insert(made(2, at(0)), Gossip))
	events, changed := d.Subscribe(EventID{}), d.Changed()
	want(t, "unmeasured are visible", d.Catalog().Len(), 2)
	d.Sample(peer(1), OverHTTP, 100*time.Millisecond)
	want(t, "at the limit", d.Catalog().Len(), 2)
	want(t, "nobody is told", isClosed(changed), false)
	d.Sample(peer(1), OverUDP, time.Hour) // of the other path
	want(t, "other path", d.Catalog().Len(), 2)
	old := d.Catalog()
	d.Sample(peer(1), OverHTTP, 900*time.Millisecond)
	d.Sample(peer(2), OverUDP, time.Second)
	want(t, "too far", d.Catalog().Len(), 0)
	_, ok := d.Catalog().Get(peer(1))
	want(t, "get", ok, false)
	want(t, "DC-1: the catalog from before", old.Len(), 2)
	want(t, "watchers are told", isClosed(changed), true)
	for range 50 {
		d.Sample(peer(1), OverHTTP, time.Millisecond)
	}
	want(t, "near again", d.Catalog().Len(), 1)
	wantEvents(t, events, PeerHidden, PeerHidden, PeerShown)
}

func TestDC56AllRoutesTell(t *testing.T) {
	d, _ := newTestDirectory(t, nil)
	events := d.Subscribe(EventID{})
	want(t, "DC-55: fed", d.Feed(signed(t, 1, at(0))), true)
	want(t, "DC-55: fed again", d.Feed(signed(t, 1, at(0))), false)
	noError(t, d.Insert(made(2, at(0)), Gossip))
	noError(t, d.Insert(made(2, at(time.Second)), Gossip)) // says the same
	changed := made(2, at(time.Second))
	changed.Load.FreeSlots = 9
	noError(t, d.Insert(changed, Gossip))
	d.Remove(peer(2))
	noError(t, d.Insert(made(3, at(0)), Origin))
	d.Clear(Origin)
	wantEvents(t, events, PeerDiscovered, PeerDiscovered, PeerUpdated, PeerDeparted, PeerDiscovered, PeerDeparted)
}

func TestCatalogIsBounded(t *testing.T) {
	d, _ := newTestDirectory(t, func(c *Config) {
		c.MaxSigned = 2
		c.Trusted = func(k wire.Pubkey) bool { return k == peer(1) || k == peer(4) || k == peer(5) }
	})
	want(t, "trusted", d.Upsert(signed(t, 1, at(0))), New)
	want(t, "stranger", d.Upsert(signed(t, 2, at(time.Second))), New)
	want(t, "one more", d.Upsert(signed(t, 3, at(2*time.Second))), NoRoom)
	want(t, "an update needs no room", d.Upsert(signed(t, 2, at(3*time.Second))), Updated)
	events := d.Subscribe(EventID{})
	want(t, "trusted, takes the stranger's place", d.Upsert(signed(t, 4, at(0))), New)
	wantEvents(t, events, PeerDeparted, PeerDiscovered)
	want(t, "trusted, all are", d.Upsert(signed(t, 5, at(0))), NoRoom)
	want(t, "evicted", d.Stats().Evicted, 1)
}

func TestX8Configuration(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"key":      func(c *Config) { c.Key = nil },
		"negative": func(c *Config) { c.PurgeAfter = -1 },
		"address":  func(c *Config) { c.Addresses = []string{"nowhere"} },
	} {
		cfg := Config{Key: seeded(self), Network: network}
		change(&cfg)
		if _, err := NewDirectory(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDC66RTTBelow(t *testing.T) {
	for _, tt := range []struct {
		rtt  time.Duration
		want bool
	}{{0, true}, {9, true}, {10, false}, {11, false}} {
		want(t, fmt.Sprint(tt.rtt), (&Peer{RTT: tt.rtt}).RTTBelow(10), tt.want)
	}
}

func TestZeroCatalogIsEmpty(t *testing.T) {
	var c Catalog
	_, ok := c.Get(peer(1))
	want(t, "get", ok, false)
	want(t, "len", c.Len()+tagsOf(c)+lenReplicated(c), 0)
	want(t, "local", c.Local().IsZero(), true)
	want(t, "version of nobody", c.Local().Version(), Version{})
}
