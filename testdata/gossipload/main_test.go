//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// TestMain is the stub, too, when the tool runs itself as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == stubMode {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err := run(ctx, os.Args[1:])
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// village is a cluster that tests can wait for.
var village = population{nodes: 80, voters: 20, values: 1000, rate: 300}

func newVillage(t *testing.T) *cluster {
	t.Helper()
	c, err := newCluster(village, 8001, 1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// checkWithin has a share of tolerance either way.
func checkWithin(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if got < want*(1-tolerance) || got > want*(1+tolerance) {
		t.Errorf("%s: got %v, want %v within %v %%", what, got, want, 100*tolerance)
	}
}

// newTestLoop is a loop whose node under test is a socket of the test's.
func newTestLoop(t *testing.T, target *socket) *loop {
	t.Helper()
	s, err := listenAll(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	c, err := newCluster(village, s.port(), 1)
	if err != nil {
		t.Fatal(err)
	}
	table, err := newTable(t.Context(), c, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(table.close)
	what := load{relayers: 3, pulls: 30, keep: 0.5, line: 1e9, spread: time.Second}
	l := newLoop(c, table, s, nil, home(target), what, 1)
	l.now = millis(time.Now())
	l.wheel = newWheel(l.now)
	return l
}
