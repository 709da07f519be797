package snapshot

import (
	"context"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain fails if a Run leaves a goroutine behind. The binary also plays the
// writer of TestWriterRecyclesInode.
func TestMain(m *testing.M) {
	if path := os.Getenv(recycleEnv); path != "" {
		os.Exit(recycleLikeFiredancer(path))
	}
	goleak.VerifyTestMain(m)
}

const recycleEnv = "SNAPSHOT_TEST_RECYCLE"

func fullName(slot Slot, hash byte) Name { return Name{Kind: Full, Slot: slot, Hash: Hash{hash}} }

func incrementalName(base, slot Slot, hash byte) Name {
	return Name{Kind: Incremental, Base: base, Slot: slot, Hash: Hash{hash}}
}

// frame is a file's content that passes for an archive of the format.
func frame(f Format, rest string) []byte {
	magic := uint32(magicZstd)
	if f == FormatLZ4 {
		magic = magicLZ4
	}
	return append(binary.LittleEndian.AppendUint32(nil, magic), rest...)
}

// put writes an archive that counts as complete at once.
func put(t *testing.T, dir string, name Name, rest string) string {
	t.Helper()
	path := filepath.Join(dir, name.String())
	write(t, path, frame(name.Format, rest))
	age(t, path, time.Hour)
	return path
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func age(t *testing.T, path string, age time.Duration) {
	t.Helper()
	then := time.Now().Add(-age)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// background runs until the test ends, or stop is called, and waits for it to
// return.
func background(t *testing.T, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func newStore(t *testing.T, c Config) *Store {
	t.Helper()
	s, err := NewStore(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs a Store and waits for its first scan.
func start(t *testing.T, c Config) *Store {
	t.Helper()
	s := newStore(t, c)
	background(t, s.Run)
	await(t, s, "the first scan", s.Scanned)
	return s
}

// await returns once holds does, which it must within 15 seconds. It looks only
// when the Store says that something has changed.
func await(t *testing.T, s *Store, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	for {
		changed := s.Changed()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("waited in vain for %s; listed are %v", what, names(s.Archives()))
		}
	}
}

func awaitListed(t *testing.T, s *Store, want ...Name) {
	t.Helper()
	await(t, s, "the list of archives", func() bool { return equalNames(s.Archives(), want) })
}

func equalNames(archives []Archive, want []Name) bool {
	if len(archives) != len(want) {
		return false
	}
	for i, a := range archives {
		if a.Name != want[i] {
			return false
		}
	}
	return true
}

func names(archives []Archive) (list []string) {
	for _, a := range archives {
		list = append(list, a.Name.String())
	}
	return list
}

// assertServed compares the served pair; want has the full's name first.
func assertServed(t *testing.T, s *Store, want ...Name) {
	t.Helper()
	pair, ok := s.Served()
	var got []Name
	if ok {
		got = append(got, pair.Full.Name)
	}
	if pair.Incremental != nil {
		got = append(got, pair.Incremental.Name)
	}
	if len(got) != len(want) {
		t.Fatalf("served pair is %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("served pair is %v, want %v", got, want)
		}
	}
}

// logLines keeps what was logged, a line each.
type logLines struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (l *logLines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// count returns how many lines contain every one of the texts.
func (l *logLines) count(texts ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		missing := false
		for _, text := range texts {
			missing = missing || !strings.Contains(line, text)
		}
		if !missing {
			n++
		}
	}
	return n
}
