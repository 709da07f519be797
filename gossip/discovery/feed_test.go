package discovery

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestX5SlowSubscribersAreTold(t *testing.T) {
	d, _ := newTestDirectory(t, func(c *Config) { c.EventsBacklog = 4 })
	slow, quick := d.Subscribe(EventID{}), d.Subscribe(EventID{})
	for i := range 10 {
		d.Upsert(signed(t, 1, at(time.Duration(i)*time.Millisecond)))
		if i == 0 {
			wantEvents(t, quick, PeerDiscovered)
		} else {
			wantEvents(t, quick, PeerUpdated)
		}
	}
	e, err := slow.Next(t.Context())
	noError(t, err)
	want(t, "kind", e.Kind, Lagged)
	want(t, "lost", e.Lost, 6)
	e, err = slow.Next(t.Context())
	noError(t, err)
	want(t, "then the oldest that is left", e.ID.Number, 7)
	want(t, "of the version", e.Entry.Version, at(6*time.Millisecond))
	wantEvents(t, slow, PeerUpdated, PeerUpdated, PeerUpdated)
}

func TestEventsResume(t *testing.T) {
	d, _ := newTestDirectory(t, func(c *Config) { c.EventsBacklog = 4 })
	for i := range 6 {
		d.Upsert(signed(t, 1, at(time.Duration(i)*time.Millisecond)))
	}
	run := d.feed.run
	wantEvents(t, d.Subscribe(EventID{run, 4}), PeerUpdated, PeerUpdated)
	wantEvents(t, d.Subscribe(EventID{run, 6}))
	wantEvents(t, d.Subscribe(EventID{run, 1}), Lagged, PeerUpdated, PeerUpdated, PeerUpdated, PeerUpdated)
	wantEvents(t, d.Subscribe(EventID{run - 1, 6}), Lagged)
	wantEvents(t, d.Subscribe(EventID{run, 7}), Lagged)
}

func TestEventID(t *testing.T) {
	id := EventID{17, 4}
	got, err := ParseEventID(id.String())
	noError(t, err)
	want(t, "id", got, id)
	for _, bad := range []string{"", "-", "1", "1-", "-1", "1-2-3", "+1-2", "01-2", "1--2", "99999999999999999999-1"} {
		if _, err := ParseEventID(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// TestX4TheCatalogHasTheChange reads events while they happen.
func TestX4TheCatalogHasTheChange(t *testing.T) {
	d, _ := newTestDirectory(t, nil)
	s := d.Subscribe(EventID{})
	entries := make([]SignedEntry, 50)
	for i := range entries {
		entries[i] = signed(t, byte(i), at(0))
	}
	go func() {
		for _, e := range entries {
			d.Upsert(e)
		}
	}()
	for range entries {
		e, err := s.Next(t.Context())
		noError(t, err)
		if _, ok := d.Catalog().Get(e.Peer); !ok {
			t.Fatalf("event of %v, who is not in the catalog", e.Peer)
		}
	}
}

func TestNextEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := newTestDirectory(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := d.Subscribe(EventID{}).Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
