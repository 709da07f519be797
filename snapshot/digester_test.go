package snapshot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

const fast = 1 << 40 // bytes per second

// awaitDigests waits in a bubble until d has nothing to do.
func awaitDigests(t *testing.T, d *Digester) {
	t.Helper()
	time.Sleep(time.Second) // the rate is not quite infinite
	synctest.Wait()
	if d.Pending() != 0 {
		t.Fatalf("%d digests are still pending", d.Pending())
	}
}

func assertDigest(t *testing.T, d *Digester, n Name) {
	t.Helper()
	a, ok := d.config.Store.Lookup(n)
	if !ok {
		t.Fatalf("%s is not listed", n)
	}
	content, err := os.ReadFile(a.Path)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := d.Lookup(a)
	if !ok || got.SHA256 != sha256.Sum256(content) {
		t.Errorf("digest of %s is %x, %v", n, got.SHA256, ok)
	}
	var chunks [][32]byte
	for rest := content; len(rest) > 0; rest = rest[min(ChunkSize, len(rest)):] {
		chunks = append(chunks, sha256.Sum256(rest[:min(ChunkSize, len(rest))]))
	}
	if len(chunks) != len(got.Chunks) {
		t.Fatalf("%s has %d chunks, want %d", n, len(got.Chunks), len(chunks))
	}
	for i := range chunks {
		if chunks[i] != got.Chunks[i] {
			t.Errorf("chunk %d of %s has the wrong digest", i, n)
		}
	}
}

func TestDigestsOfWholeFilesAndChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for slot, size := range map[Slot]int{1: 0, 2: ChunkSize - 4, 3: ChunkSize - 3} {
			put(t, dir, fullName(slot, 1), string(bytes.Repeat([]byte{byte(slot)}, size)))
		}
		s := start(t, Config{FullDir: dir, noWatch: true})
		d := NewDigester(DigesterConfig{Store: s, Rate: fast})
		background(t, d.Run)
		awaitDigests(t, d)
		for slot := Slot(1); slot <= 3; slot++ {
			assertDigest(t, d, fullName(slot, 1))
		}
	})
}

func TestDigestsAreForgottenAndComputedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := put(t, dir, fullName(100, 1), "first")
		s := start(t, Config{FullDir: dir, noWatch: true})
		d := NewDigester(DigesterConfig{Store: s, Dir: t.TempDir(), Rate: fast})
		background(t, d.Run)
		awaitDigests(t, d)
		old, _ := s.Lookup(fullName(100, 1))
		remove(t, path)
		awaitListed(t, s)
		synctest.Wait()
		if _, known := d.Lookup(old); known {
			t.Error("digest of an archive that has gone is still known")
		}
		put(t, dir, fullName(100, 1), "second")
		awaitListed(t, s, fullName(100, 1))
		awaitDigests(t, d)
		assertDigest(t, d, fullName(100, 1))
	})
}

func TestDigestsSurviveRestart(t *testing.T) {
	dir, kept := t.TempDir(), filepath.Join(t.TempDir(), "state", "digests")
	put(t, dir, fullName(100, 1), "bytes")
	damaged := put(t, dir, fullName(200, 1), "damaged")
	replaced := put(t, dir, fullName(300, 1), "replaced")
	r := idleRun(t, Config{FullDir: dir})
	runOnce(t, DigesterConfig{Store: r.Store, Dir: kept})
	if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("digests are kept in a directory of mode %v, %v", info.Mode(), err)
	}
	write(t, filepath.Join(kept, filepath.Base(damaged)+digestSuffix), []byte("not a digest"))
	swap(t, replaced, "REPLACED") // the same name, size and time, another inode
	r = idleRun(t, Config{FullDir: dir})

	var log logLines
	d := NewDigester(DigesterConfig{Store: r.Store, Dir: kept, Logger: log.logger()})
	d.recall(d.inOrder())
	assertDigest(t, d, fullName(100, 1))
	if d.Pending() != 2 {
		t.Errorf("%d digests are pending, want the damaged and the stale one", d.Pending())
	}
	if n := log.count("level=WARN"); n != 1 || log.count("kept digest cannot be used", filepath.Base(damaged)) != 1 {
		t.Errorf("%d warnings are logged, want one of the damaged digest", n)
	}

	write(t, filepath.Join(kept, ".x.digest.123.partial"), []byte("left by a crash"))
	d = runOnce(t, DigesterConfig{Store: r.Store, Dir: kept})
	assertDigest(t, d, fullName(200, 1))
	assertDigest(t, d, fullName(300, 1))
	if got := filesIn(t, kept); len(got) != 3 {
		t.Errorf("directory of digests has %v, want one for each archive", got)
	}
}

// swap replaces a file by one that looks the same.
func swap(t *testing.T, path, content string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path+".new", frame(FormatZstd, content))
	err = errors.Join(os.Chtimes(path+".new", info.ModTime(), info.ModTime()), os.Rename(path+".new", path))
	if err != nil {
		t.Fatal(err)
	}
}

// runOnce runs a Digester until it has nothing to do.
func runOnce(t *testing.T, c DigesterConfig) *Digester {
	t.Helper()
	c.Rate = fast
	d := NewDigester(c)
	synctest.Test(t, func(t *testing.T) {
		// The Store's channel was made outside of the bubble, so that waiting
		// for it would not count as idle.
		d.config.Store = aside(c.Store)
		background(t, d.Run)
		awaitDigests(t, d)
	})
	return d
}

// aside is a Store that shows what s shows now, by a channel of its own.
func aside(s *Store) *Store {
	v := *s.current.Load()
	v.changed = make(chan struct{})
	copied := &Store{config: s.config, handles: newHandles(0, func() {}, s.config.closeFile), kick: make(chan struct{}, 1)}
	copied.handles.watched.Store(true) // nobody is there to be told
	copied.current.Store(&v)
	return copied
}

func TestDigestDirectoryThatCannotBeWritten(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	put(t, dir, fullName(100, 1), "bytes")
	put(t, dir, fullName(200, 1), "bytes")
	var log logLines
	r := idleRun(t, Config{FullDir: dir})
	d := runOnce(t, DigesterConfig{Store: r.Store, Dir: filepath.Join(file, "digests"), Logger: log.logger()})
	assertDigest(t, d, fullName(100, 1))
	if n := log.count("level=WARN", "computed again after a restart"); n != 1 || log.count("level=WARN") != 1 {
		t.Errorf("trouble is logged %d times, want once", n)
	}
}

func TestKeptDigestsAreBounded(t *testing.T) {
	m := &digestDir{path: t.TempDir(), logger: newStoreLogger()}
	listed := fullName(1, 1)
	for slot := Slot(1); slot <= maxDigestFiles+10; slot++ {
		key := digestKey{name: fullName(slot, 1)}
		write(t, m.file(key.name), encodeDigest(key, Digest{}))
		then := epoch.Add(time.Duration(slot) * time.Second)
		if err := os.Chtimes(m.file(key.name), then, then); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(m.path, "of the operator"), nil)
	m.prune(func(n Name) bool { return n == listed })
	if n := len(filesIn(t, m.path)); n != maxDigestFiles+2 {
		t.Errorf("%d files are left, want %d, a listed one, and one of another kind", n, maxDigestFiles)
	}
	for slot, want := range map[Slot]bool{1: true, 2: false, 10: false, 11: true, maxDigestFiles + 10: true} {
		if _, err := os.Stat(m.file(fullName(slot, 1))); (err == nil) != want {
			t.Errorf("digest of slot %d: kept is %v, want %v", slot, err == nil, want)
		}
	}
}

// idleRun is a Store that was scanned once and does nothing by itself.
func idleRun(t *testing.T, c Config) *run {
	t.Helper()
	c.noWatch = true
	r := newRun(t, c)
	r.scan()
	return r
}

func TestDigestOrder(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []Name{fullName(100, 1), incrementalName(100, 150, 1), fullName(200, 1), incrementalName(50, 300, 1)} {
		put(t, dir, n, "")
	}
	age(t, filepath.Join(dir, fullName(200, 1).String()), 5*time.Minute) // not yet served
	r := idleRun(t, Config{FullDir: dir, PairGrace: time.Hour})
	assertServed(t, r.Store, fullName(100, 1), incrementalName(100, 150, 1))
	d := NewDigester(DigesterConfig{Store: r.Store})
	want := []Name{fullName(100, 1), incrementalName(100, 150, 1), incrementalName(50, 300, 1), fullName(200, 1)}
	if got := d.inOrder(); !equalNames(got, want) {
		t.Errorf("order is %v, want %v", names(got), want)
	}
}

// sparse makes a file longer, and leaves it old.
func sparse(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	age(t, path, time.Hour)
}

// A job that is interrupted by another goes on where it was.
func TestInterruptedDigestGoesOn(t *testing.T) {
	dir := t.TempDir()
	long := fullName(100, 1)
	sparse(t, put(t, dir, long, ""), ChunkSize+1)
	r := idleRun(t, Config{FullDir: dir})
	d := NewDigester(DigesterConfig{Store: r.Store, Rate: fast})
	turn := func() Name {
		archives := d.inOrder()
		d.forget(archives)
		d.recall(archives)
		job, _ := d.next(archives, time.Now())
		if job == nil {
			return Name{}
		}
		d.work(t.Context(), job)
		return job.archive.Name
	}
	if got := turn(); got != long {
		t.Fatalf("first is %s", got)
	}
	short := fullName(200, 1)
	put(t, dir, short, "")
	r.scan()
	for i, want := range []Name{short, long, {}} {
		if got := turn(); got != want {
			t.Fatalf("turn %d is %s's, want %s's", i, got, want)
		}
	}
	assertDigest(t, d, long)
	assertDigest(t, d, short)
	if len(d.jobs) != 0 {
		t.Errorf("%d jobs are left", len(d.jobs))
	}
}

func TestDigestOfArchiveThatVanishesOrChanges(t *testing.T) {
	for name, change := range map[string]func(r *run, path string) error{
		"truncated": func(_ *run, path string) error { return os.Truncate(path, 4) },
		"delisted": func(r *run, path string) error {
			err := os.Remove(path)
			r.scan()
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := put(t, dir, fullName(200, 1), "")
			sparse(t, path, 2*ChunkSize)
			put(t, dir, fullName(100, 1), "next")
			r := idleRun(t, Config{FullDir: dir})
			d := NewDigester(DigesterConfig{Store: r.Store, Rate: fast})
			now := time.Now()
			job, _ := d.next(d.inOrder(), now)
			file := open(t, r.Store, fullName(200, 1))
			if err := d.read(t.Context(), file, d.buffer, 0); err != nil {
				t.Fatal(err)
			}
			if err := change(r, path); err != nil {
				t.Fatal(err)
			}
			if err := d.read(t.Context(), file, d.buffer, ChunkSize); !errors.Is(err, ErrChanged) && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("read returns %v", err)
			}
			d.work(t.Context(), job)
			d.forget(d.inOrder())
			if next, _ := d.next(d.inOrder(), now); next == nil || next.archive.Name != fullName(100, 1) {
				t.Errorf("next is %+v, want the other archive", next)
			}
			if len(d.jobs) != 1 {
				t.Errorf("%d jobs are left", len(d.jobs))
			}
		})
	}
}

// The bytes of a successor are not digested under the name of what it replaced.
func TestDigestOfReplacedArchive(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, fullName(100, 1), "first")
	r := idleRun(t, Config{FullDir: dir, SettleTime: 1})
	d := NewDigester(DigesterConfig{Store: r.Store, Rate: fast})
	job, _ := d.next(d.inOrder(), time.Now())
	swap(t, path, "other")
	r.scan()
	r.scan()
	assertServed(t, r.Store, fullName(100, 1))
	d.work(t.Context(), job)
	if _, known := d.Lookup(job.archive); known {
		t.Error("the old archive has the digest of the new bytes")
	}
}

// Bytes that were overwritten in place while they were read have no digest.
func TestDigestOfArchiveOverwrittenMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := put(t, dir, fullName(100, 1), "")
		sparse(t, path, 1<<20)
		s := start(t, Config{FullDir: dir, noWatch: true, RescanInterval: time.Hour})
		d := NewDigester(DigesterConfig{Store: s, Rate: 1 << 20})
		background(t, d.Run)
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		age(t, path, 2*time.Hour)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if a, _ := s.Lookup(fullName(100, 1)); d.Pending() != 1 || a.Size != 1<<20 {
			t.Errorf("%d digests are pending of what has changed meanwhile", d.Pending())
		}
	})
}

func TestDigesterKeepsToItsRateAndEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, fullName(200, 1), string(make([]byte, 1<<20-4)))
		sparse(t, put(t, dir, fullName(100, 1), ""), 1<<30)
		s := start(t, Config{FullDir: dir, noWatch: true})
		d := NewDigester(DigesterConfig{Store: s, Rate: 1 << 20})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.Run(ctx) }()

		a, _ := s.Lookup(fullName(200, 1))
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		if _, known := d.Lookup(a); known {
			t.Error("a MiB was read in 0.9 s at 1 MiB/s")
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if _, known := d.Lookup(a); !known || d.Pending() != 1 {
			t.Errorf("a MiB was not read in 1.1 s at 1 MiB/s; %d are pending", d.Pending())
		}
		cancelled := time.Now()
		cancel()
		if err := <-done; err != nil || time.Since(cancelled) > 0 {
			t.Errorf("Run returns %v, %v after it was cancelled", err, time.Since(cancelled))
		}
		if s.Stats().OpenFiles != 0 {
			t.Error("the archive is still open")
		}
	})
}

// A listed archive that cannot be opened is left alone for a while.
func TestDigestIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, fullName(100, 1), "bytes")
	r := idleRun(t, Config{FullDir: dir})
	remove(t, path)
	d := NewDigester(DigesterConfig{Store: r.Store, Rate: fast})
	job, _ := d.next(d.inOrder(), time.Now())
	d.work(t.Context(), job)
	now := time.Now()
	if job, again := d.next(d.inOrder(), now); job != nil || again.Sub(now) > digestRetry || again.Sub(now) < digestRetry/2 {
		t.Errorf("next is %v, again in %v", job, again.Sub(now))
	}
	if job, _ := d.next(d.inOrder(), now.Add(digestRetry)); job == nil {
		t.Error("it is not tried again")
	}
}

func BenchmarkDigesterLookup(b *testing.B) {
	s := benchmarkStore(b)
	d := NewDigester(DigesterConfig{Store: s, Rate: fast})
	a, _ := s.Lookup(fullName(100, 1))
	d.work(b.Context(), &digestJob{archive: a, whole: sha256.New()})
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := d.Lookup(a); !ok {
			b.Fatalf("no digest of %s", a.Name)
		}
	}
}
