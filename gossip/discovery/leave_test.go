package discovery

import (
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// TestDC38ToDC42Departures covers what is ignored without any side effect.
func TestDC38ToDC42Departures(t *testing.T) {
	foreign, err := SignDeparture(seeded(1), Departure{wire.Hash{8}, peer(1), at(0), millis(epoch)})
	noError(t, err)
	for name, tt := range map[string]struct {
		departure SignedDeparture
		want      bool
	}{
		"equal version":        {leaving(t, 1, at(0), epoch), true},
		"higher version":       {leaving(t, 1, at(time.Hour), epoch), true},
		"late, within drift":   {leaving(t, 1, at(0), epoch.Add(-50*time.Second)), true},
		"stale":                {leaving(t, 1, at(-1*time.Millisecond), epoch), false},
		"too late":             {leaving(t, 1, at(0), epoch.Add(-51*time.Second)), false},
		"of the future":        {leaving(t, 1, at(0), epoch.Add(51*time.Second)), false},
		"unknown peer":         {leaving(t, 2, at(0), epoch), false},
		"of another network":   {foreign, false},
		"of nobody, zero type": {SignedDeparture{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := newTestDirectory(t, nil)
			d.Upsert(signed(t, 1, at(0)))
			d.Sample(peer(1), OverHTTP, time.Second)
			events, was := d.Subscribe(EventID{}), d.current.Load()
			want(t, "removed", d.Depart(tt.departure), tt.want)
			if !tt.want {
				wantEvents(t, events)
				want(t, "catalog is untouched", d.current.Load(), was)
				want(t, "round-trip time is kept", d.Estimate(peer(1), OverHTTP).SRTT, time.Second)
				want(t, "graves", len(d.graves.byID), 0)
				return
			}
			want(t, "again", d.Depart(tt.departure), false)
			wantEvents(t, events, PeerDeparted)
			want(t, "counter", d.Stats().Departed, 1)
			want(t, "size", d.Stats().Signed, 0)
			want(t, "round-trip time, DC-67", d.Estimate(peer(1), OverHTTP), Estimate{})
		})
	}
}

func TestDC43Tombstones(t *testing.T) {
	d, clock := newTestDirectory(t, nil)
	d.Upsert(signed(t, 1, at(40*time.Second))) // its clock is ahead
	d.Depart(leaving(t, 1, at(40*time.Second), epoch))
	want(t, "same version", d.Upsert(signed(t, 1, at(40*time.Second))), Rejected)
	want(t, "older", d.Upsert(signed(t, 1, at(0))), Rejected)
	clock.step(5*time.Minute + 40*time.Second)
	want(t, "while it is not outdated", d.Upsert(signed(t, 1, at(40*time.Second))), Rejected)
	clock.step(time.Millisecond)
	want(t, "then", d.Upsert(signed(t, 1, at(40*time.Second))), Outdated)
	want(t, "newer", d.Upsert(signed(t, 1, at(6*time.Minute))), New)
}

func TestTombstonesAreBounded(t *testing.T) {
	g := graves{limit: 10}
	for n := range 1000 {
		g.dig(wire.Pubkey{byte(n), byte(n >> 8)}, grave{until: uint64(n) + 5000}, uint64(n))
	}
	want(t, "remembered", len(g.byID), 10)
	want(t, "order", len(g.order), 10)
	g.dig(wire.Pubkey{}, grave{until: 100_000}, 50_000)
	want(t, "expired", len(g.byID), 1)
}

func TestDC57ToDC61Purge(t *testing.T) {
	d, clock := newTestDirectory(t, func(c *Config) { c.PurgeAfter = time.Minute })
	events := d.Subscribe(EventID{})
	want(t, "nothing to purge, DC-58", d.Purge(), epoch.Add(time.Minute+time.Millisecond))
	d.Upsert(signed(t, 1, at(0)))
	noError(t, d.Insert(made(2, at(-time.Second)), Gossip))
	d.Upsert(signed(t, 3, at(10*time.Second)))
	d.Sample(peer(1), OverHTTP, time.Second)
	want(t, "the earliest expiry", d.Purge(), epoch.Add(59*time.Second+time.Millisecond))
	wantEvents(t, events, PeerDiscovered, PeerDiscovered, PeerDiscovered)

	clock.step(59 * time.Second)
	want(t, "found nothing, and goes on, DC-59", d.Purge(), epoch.Add(59*time.Second+time.Millisecond))
	clock.step(1001 * time.Millisecond)
	want(t, "next", d.Purge(), epoch.Add(70*time.Second+time.Millisecond))
	wantEvents(t, events, PeerDeparted, PeerDeparted)
	want(t, "counted", d.Stats().Departed, 2)
	want(t, "round-trip time is dropped", d.rtt[OverHTTP].Len(), 0)
	want(t, "announced again, DC-60", d.Upsert(signed(t, 1, at(time.Minute))), New)
}
