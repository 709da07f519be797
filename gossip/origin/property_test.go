package origin

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"solsnap/gossip/discovery"
	"solsnap/snapshot"
)

// TestTheDirectoryHasWhatTheLastGoodProbeSaid, whatever an origin does, but nothing
// once it has failed for the hold.
func TestTheDirectoryHasWhatTheLastGoodProbeSaid(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		inBubble(t, func() { anyOrigin(r) })
	})
}

// inBubble runs a property in time of its own. What it panics with, by which rapid
// knows that it fails, is for the caller.
func inBubble(t *testing.T, property func()) {
	var failed interface{}
	synctest.Test(t, func(*testing.T) {
		defer func() { failed = recover() }()
		property()
	})
	if failed != nil {
		panic(failed)
	}
}

func anyOrigin(t *rapid.T) {
	const hold = 40 * time.Second
	w, dir := steady(), newDirectory(t)
	p, err := New(Config{Directory: dir, Network: network, URLs: []string{home}, Transport: w, MeasureBytes: -1, Hold: hold,
		Random: func() float64 { return 0.25 }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	defer func() { cancel(); <-done }()
	slot := func(t *rapid.T) snapshot.Slot { return snapshot.Slot(rapid.Uint64Range(1, 5).Draw(t, "slot")) }
	t.Repeat(map[string]func(*rapid.T){
		"full": func(t *rapid.T) { w.full = snapshot.Name{Slot: slot(t), Hash: snapshot.Hash{5}} },
		"incremental": func(t *rapid.T) {
			base := slot(t)
			w.incr = &snapshot.Name{Kind: snapshot.Incremental, Base: base, Slot: base + slot(t), Hash: snapshot.Hash{6}}
		},
		"no incremental": func(*rapid.T) { w.incr = nil },
		"good":           func(*rapid.T) { w.down, w.status, w.garble = nil, 0, false },
		"down":           func(*rapid.T) { w.down = errRefused },
		"status":         func(t *rapid.T) { w.status = rapid.SampledFrom([]int{404, 500, 503}).Draw(t, "status") },
		"garbage":        func(*rapid.T) { w.garble = true },
		"time": func(t *rapid.T) {
			w.pass(time.Duration(rapid.IntRange(1, 100).Draw(t, "seconds")) * time.Second)
		},
		"": func(t *rapid.T) {
			w.pass(0)
			agree(t, dir, w, hold)
		},
	})
}

func agree(t *rapid.T, dir *discovery.Directory, w *world, hold time.Duration) {
	t.Helper()
	key, _ := Key(home)
	p, ok := dir.Catalog().Get(key)
	gone := w.good == nil || !w.failing.IsZero() && time.Since(w.failing) >= hold
	if ok == gone {
		t.Fatalf("listed: %v, while it was good %v and failed since %v, at %v", ok, w.good != nil, w.failing, time.Now())
	}
	if ok {
		if s := w.good.stream(); p.Entry.Streams[0].Compare(s) != 0 {
			t.Fatalf("it is %+v, want %+v", p.Entry.Streams[0], s)
		}
	}
}
