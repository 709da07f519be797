package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

// Ten minutes of the demo: always a full archive to serve and an incremental soon
// after, and never more files than a validator keeps.
func TestMintKeepsTheLedgerSmall(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ledger := archive.NewLedger(archive.LedgerConfig{Dir: dir, CreatedAt: time.Unix(0, 0), FullBytes: 1, IncrementalBytes: 1})
		m := newMint(dir, ledger, 20*time.Second, slog.New(slog.DiscardHandler))
		if err := m.open(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- m.Run(ctx) }()
		highest := archivesIn(t, dir)[1].Slot
		for range 30 {
			time.Sleep(20 * time.Second)
			synctest.Wait()
			names := archivesIn(t, dir)
			if _, drop := retain(names); len(drop) > 0 {
				t.Errorf("%v should be gone", drop)
			}
			slot := slices.MaxFunc(names, func(a, b snapshot.Name) int { return int(a.Slot) - int(b.Slot) }).Slot
			if slot != highest+50 {
				t.Errorf("20 s after slot %d the highest is %d, want 50 more", highest, slot)
			}
			if got := *m.Slot(); got != slot {
				t.Errorf("Slot = %d, want %d", got, slot)
			}
			highest = slot
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// archivesIn are the names of the archives in dir, fulls first.
func archivesIn(t *testing.T, dir string) (names []snapshot.Name) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name, err := snapshot.ParseName(entry.Name()); err == nil {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b snapshot.Name) int { return int(a.Kind) - int(b.Kind) })
	return names
}
