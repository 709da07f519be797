package snapshot

import (
	"errors"
	"io/fs"
	"log/slog"
	"testing"
	"time"
)

func newStoreLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// sight is a file that was last written age before epoch.
func sight(n Name, size int64, age time.Duration) sighting {
	then := epoch.Add(-age)
	return sighting{
		place:   place{here, n.String()},
		path:    "/snapshots/" + n.String(),
		name:    n,
		modTime: then,
		state:   fileState{size: size, modTime: then.UnixNano(), inode: inode{1, 2}},
	}
}

func listed(c *catalogue) int { return len(c.listings()) }

func TestFileIsListedWhenItHasSettled(t *testing.T) {
	c := newCatalogue(2*time.Second, newStoreLogger(), func(sighting) error { return nil })
	at := epoch.Add
	growing := func(size int64) []sighting { return []sighting{sight(fullName(100, 1), size, 0)} }

	for _, step := range []struct {
		after time.Duration
		size  int64
		want  int
		again time.Duration // 0: no need
	}{
		{0, 10, 0, 2 * time.Second},
		{1500 * time.Millisecond, 10, 0, 2 * time.Second},
		{1900 * time.Millisecond, 20, 0, 3900 * time.Millisecond}, // it has grown
		{3899 * time.Millisecond, 20, 0, 3900 * time.Millisecond},
		{3900 * time.Millisecond, 20, 1, 0},
		{5 * time.Second, 20, 1, 0},
		{6 * time.Second, 5, 0, 8 * time.Second}, // truncated, though listed
		{8 * time.Second, 5, 1, 0},
	} {
		again := c.observe(growing(step.size), at(step.after), false)
		if listed(c) != step.want {
			t.Fatalf("after %v with %d bytes: %d listed, want %d", step.after, step.size, listed(c), step.want)
		}
		var want time.Time
		if step.again != 0 {
			want = at(step.again)
		}
		if !again.Equal(want) {
			t.Fatalf("after %v: next look at %v, want %v", step.after, again, want)
		}
	}
	c.observe(nil, at(9*time.Second), false)
	if listed(c) != 0 || len(c.candidates) != 0 {
		t.Fatalf("file has gone, but %d are listed and %d known", listed(c), len(c.candidates))
	}
}

func TestOldFileIsListedAtOnce(t *testing.T) {
	for age, want := range map[time.Duration]int{
		settledAge + 1: 1, settledAge: 0, 0: 0, -time.Hour: 0, // a clock that was ahead
	} {
		c := newCatalogue(2*time.Second, newStoreLogger(), func(sighting) error { return nil })
		c.observe([]sighting{sight(fullName(100, 1), 10, age)}, epoch, false)
		if listed(c) != want {
			t.Errorf("file of age %v: %d listed, want %d", age, listed(c), want)
		}
	}
}

// A file that is restored in place with its old time is not complete at once.
func TestOldTimeOfChangedFileProvesNothing(t *testing.T) {
	c := newCatalogue(2*time.Second, newStoreLogger(), func(sighting) error { return nil })
	c.observe([]sighting{sight(fullName(100, 1), 10, time.Hour)}, epoch, false)
	c.observe([]sighting{sight(fullName(100, 1), 11, time.Hour)}, epoch.Add(time.Second), false)
	if listed(c) != 0 {
		t.Error("file has changed a moment ago and is listed")
	}
}

func TestListedSince(t *testing.T) {
	for name, tt := range map[string]struct {
		idle bool
		age  time.Duration
		want time.Duration // before epoch
	}{
		"idle":                    {true, time.Hour, time.Hour},
		"serving":                 {false, time.Hour, 0},
		"idle, clock was ahead":   {true, 2 * time.Minute, 2 * time.Minute},
		"serving, young but done": {false, 2 * time.Minute, 0},
	} {
		c := newCatalogue(2*time.Second, newStoreLogger(), func(sighting) error { return nil })
		c.observe([]sighting{sight(fullName(100, 1), 10, tt.age)}, epoch, tt.idle)
		if got := epoch.Sub(c.listings()[0].since); got != tt.want {
			t.Errorf("%s: listed since %v ago, want %v", name, got, tt.want)
		}
	}
}

func TestRefusalIsLoggedOnceForEachState(t *testing.T) {
	var log logLines
	probes := 0
	c := newCatalogue(time.Second, log.logger(), func(s sighting) error {
		probes++
		return &frameError{want: s.name.Format}
	})
	file := []sighting{sight(fullName(100, 1), 10, time.Hour)}
	for i := range 5 {
		c.observe(file, epoch.Add(time.Duration(i)*time.Minute), false)
	}
	if n := log.count("level=WARN", "file is not listed", file[0].path, "reason="); n != 1 || probes != 1 {
		t.Errorf("file was refused %d times and read %d times, want once", n, probes)
	}
	if listed(c) != 0 || c.count(verdictRefused) != 1 {
		t.Errorf("%d listed and %d refused", listed(c), c.count(verdictRefused))
	}
	file[0].state.size++
	c.observe(file, epoch.Add(time.Hour), false)
	c.observe(file, epoch.Add(2*time.Hour), false)
	if n := log.count("file is not listed"); n != 2 || probes != 2 {
		t.Errorf("after a change: refused %d times and read %d times, want twice", n, probes)
	}
}

func TestTroubleIsTriedAgain(t *testing.T) {
	var log logLines
	trouble := errors.New("permission denied")
	c := newCatalogue(time.Second, log.logger(), func(sighting) error { return trouble })
	file := []sighting{sight(fullName(100, 1), 10, time.Hour)}
	c.observe(file, epoch, false)
	c.observe(file, epoch.Add(time.Second), false)
	if n := log.count("file is not listed", "permission denied"); n != 1 {
		t.Errorf("trouble was logged %d times, want once", n)
	}
	trouble = nil
	c.observe(file, epoch.Add(2*time.Second), false)
	if listed(c) != 1 {
		t.Error("file can be read now and is not listed")
	}
}

func TestFileThatChangesUnderTheProbeStartsAgain(t *testing.T) {
	for _, answer := range []error{errUnsettled, fs.ErrNotExist} {
		var log logLines
		c := newCatalogue(time.Second, log.logger(), func(sighting) error { return answer })
		again := c.observe([]sighting{sight(fullName(100, 1), 10, time.Hour)}, epoch, false)
		if !again.Equal(epoch.Add(time.Second)) || listed(c) != 0 || log.count("") != 0 {
			t.Errorf("%v: next look at %v, %d listed, %d lines logged", answer, again, listed(c), log.count(""))
		}
	}
}

func TestEmptyFileIsRefused(t *testing.T) {
	c := newCatalogue(time.Second, newStoreLogger(), func(sighting) error { return nil })
	c.observe([]sighting{sight(fullName(100, 1), 0, 0)}, epoch, false)
	if c.count(verdictRefused) != 0 {
		t.Error("file that was made just now is refused")
	}
	again := c.observe([]sighting{sight(fullName(100, 1), 0, 0)}, epoch.Add(time.Second), false)
	if c.count(verdictRefused) != 1 || listed(c) != 0 || !again.IsZero() {
		t.Errorf("%d refused, %d listed, next look at %v", c.count(verdictRefused), listed(c), again)
	}
}

func TestRecycledFile(t *testing.T) {
	c := newCatalogue(time.Second, newStoreLogger(), func(sighting) error { return nil })
	file := []sighting{sight(fullName(100, 1), 10, time.Hour)}
	c.observe(file, epoch, false)
	all := func(inode) bool { return true }
	none := func(inode) bool { return false }

	if c.recycle(none) {
		t.Error("nobody waits, yet something changes")
	}
	if !c.recycle(all) || listed(c) != 0 || !c.recycling() {
		t.Fatal("a writer waits, and the file is still listed")
	}
	if c.recycle(all) {
		t.Error("the writer still waits, yet something changes")
	}
	if again := c.observe(file, epoch.Add(time.Hour), false); listed(c) != 0 || !again.IsZero() {
		t.Errorf("%d listed while a writer waits, next look at %v", listed(c), again)
	}
	if !c.recycle(none) || c.recycling() {
		t.Error("the writer has given up, and nothing changes")
	}
	c.observe(file, epoch.Add(2*time.Hour), false)
	if listed(c) != 1 {
		t.Error("the writer has given up, and the file is not listed")
	}
}
