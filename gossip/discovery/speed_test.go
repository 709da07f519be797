package discovery

import (
	"math"
	"testing"
	"time"

	"solsnap/gossip/wire"
)

// inserted is a directory with one unsigned peer, by key 1.
func inserted(t *testing.T, source Source) *Directory {
	t.Helper()
	d, _ := newTestDirectory(t, nil)
	noError(t, d.Insert(made(1, at(0)), source))
	return d
}

func speedOf(d *Directory, key wire.Pubkey) uint64 {
	if p, ok := d.Catalog().Get(key); ok {
		return p.Speed
	}
	return math.MaxUint64
}

func TestSpeedIsSmoothed(t *testing.T) {
	d := inserted(t, Origin)
	for _, tt := range []struct {
		name  string
		bytes uint64
		took  time.Duration
		want  uint64
	}{
		{"took no time", 1000, 0, 0},
		{"took less than none", 1000, -time.Second, 0},
		{"the first is the estimate", 1000, 500 * time.Millisecond, 2000},
		{"the next is a quarter of it", 4000, time.Second, 2500},
		{"nothing came", 0, time.Minute, 1875},
		{"one that no line has", math.MaxUint64, 1, math.MaxInt64/2 + 1},
	} {
		d.SampleSpeed(peer(1), tt.bytes, tt.took)
		want(t, tt.name, speedOf(d, peer(1)), tt.want)
	}
	other := inserted(t, Gossip)
	other.SampleSpeed(peer(1), 0, time.Second)
	want(t, "slowest, but known", speedOf(other, peer(1)), 1)
}

func TestSpeedIsSilent(t *testing.T) {
	d := inserted(t, Origin)
	events, changed := d.Subscribe(EventID{}), d.Changed()
	d.SampleSpeed(peer(1), 1000, time.Second)
	wantEvents(t, events)
	want(t, "watchers", isClosed(changed), false)
}

// TestDC67SpeedGoesWithThePeer: it stays while the entry changes, or becomes signed,
// and a peer that comes back begins anew.
func TestDC67SpeedGoesWithThePeer(t *testing.T) {
	d := inserted(t, Gossip)
	d.SampleSpeed(peer(2), 1000, time.Second) // of a stranger
	d.SampleSpeed(peer(1), 1000, time.Second)
	d.Sample(peer(1), OverUDP, time.Second)
	want(t, "after a round trip", speedOf(d, peer(1)), 1000)
	noError(t, d.Insert(made(1, at(time.Second)), Gossip))
	want(t, "renewed", speedOf(d, peer(1)), 1000)
	want(t, "signed", d.Upsert(signed(t, 1, at(0))), New)
	want(t, "signed", speedOf(d, peer(1)), 1000)
	want(t, "signed again", d.Upsert(signed(t, 1, at(time.Second))), Updated)
	want(t, "signed again", speedOf(d, peer(1)), 1000)
	want(t, "departed", d.Depart(leaving(t, 1, at(time.Minute), epoch)), true)
	noError(t, d.Insert(made(1, at(0)), Gossip))
	want(t, "back", speedOf(d, peer(1)), 0)
	noError(t, d.Insert(made(2, at(0)), Gossip))
	want(t, "the stranger", speedOf(d, peer(2)), 0)
}

func TestReadingSpeedsAllocatesNothing(t *testing.T) {
	d := inserted(t, Origin)
	d.SampleSpeed(peer(1), 1000, time.Second)
	var sum uint64
	allocs := testing.AllocsPerRun(100, func() {
		for p := range d.Catalog().Peers() {
			sum += p.Speed
		}
	})
	want(t, "allocations", allocs, 0)
	want(t, "sum", sum > 0, true)
}
