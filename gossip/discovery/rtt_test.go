package discovery

import (
	"testing"
	"time"
)

func TestDC63Smoothing(t *testing.T) {
	const ms = time.Millisecond
	var tr Tracker
	want(t, "first_sample_initializes_state", tr.Add(peer(1), 100*ms), Estimate{100 * ms, 50 * ms})
	want(t, "second", tr.Add(peer(1), 180*ms), Estimate{110 * ms, 57500 * time.Microsecond})
	want(t, "of another peer", tr.Get(peer(2)), Estimate{})
	want(t, "nothing was measured", tr.Add(peer(1), 0), tr.Get(peer(1)))
	tr.Remove(peer(1))
	want(t, "remove_clears_state", tr.Get(peer(1)), Estimate{})
	want(t, "size", tr.Len(), 0)

	tr.Add(peer(1), 100*ms)
	for range 50 {
		tr.Add(peer(1), 200*ms)
	}
	if got := tr.Get(peer(1)).SRTT; got <= 195*ms {
		t.Errorf("ewma_converges_toward_samples: %v, want above 195 ms", got)
	}
}

func TestDC67OnlyPeersOfTheCatalogAreTracked(t *testing.T) {
	d, _ := newTestDirectory(t, nil)
	d.Sample(peer(1), OverHTTP, time.Second)
	want(t, "unknown", d.rtt[OverHTTP].Len(), 0)
	d.Upsert(signed(t, 1, at(0)))
	d.Sample(peer(1), OverHTTP, time.Second)
	want(t, "known", d.rtt[OverHTTP].Len(), 1)
	d.Upsert(signed(t, 1, at(time.Second)))
	p, _ := d.Catalog().Get(peer(1))
	want(t, "kept by an update", p.RTT, time.Second)
}
