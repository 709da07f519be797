package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestTallyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var things tally
		if err := things.wait(t.Context()); err != nil {
			t.Fatalf("wait for none: %v", err)
		}
		things.add()
		things.add()
		ended := make(chan error, 2)
		for range 2 {
			go func() { ended <- things.wait(t.Context()) }()
		}
		synctest.Wait()
		things.done()
		synctest.Wait()
		if len(ended) > 0 {
			t.Fatal("wait returned while one was left")
		}
		things.done()
		for range 2 {
			if err := <-ended; err != nil {
				t.Errorf("wait: %v", err)
			}
		}
		if n := things.count(); n != 0 {
			t.Errorf("count is %d, want 0", n)
		}
	})
}

func TestTallyWaitGivesUp(t *testing.T) {
	var things tally
	things.add()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := things.wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("wait returned %v, want %v", err, context.Canceled)
	}
}

func TestTallyAddBelow(t *testing.T) {
	var things tally
	if !things.addBelow(1) {
		t.Error("no place in an empty tally")
	}
	if things.addBelow(1) {
		t.Error("two places where there is one")
	}
	things.done()
	if !things.addBelow(1) {
		t.Error("the place that was left is not free")
	}
}
