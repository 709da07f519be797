package snapshot

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func open(t *testing.T, s *Store, n Name) *File {
	t.Helper()
	f, err := s.Open(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func readAll(f *File) ([]byte, error) {
	return io.ReadAll(io.NewSectionReader(f, 0, f.Archive().Size))
}

func assertContent(t *testing.T, f *File, want string) {
	t.Helper()
	content, err := readAll(f)
	if err != nil || string(content) != string(frame(f.Archive().Name.Format, want)) {
		t.Errorf("read %q, %v; want %q after the magic", content, err, want)
	}
}

func TestEveryFileHasItsOwnOffset(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, fullName(100, 1), "bytes")
	s := start(t, Config{FullDir: dir})
	f, g := open(t, s, fullName(100, 1)), open(t, s, fullName(100, 1))
	if s.Stats().OpenFiles != 2 {
		t.Errorf("%d files are open, want 2", s.Stats().OpenFiles)
	}
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	if at, err := g.Seek(0, io.SeekCurrent); at != 0 || err != nil {
		t.Errorf("the offset of one is that of the other: %d, %v", at, err)
	}
	f.Close()
	assertContent(t, open(t, s, fullName(100, 1)), "bytes") // by f's descriptor
	a, _ := s.Lookup(fullName(100, 1))
	if !g.Archive().same(a) {
		t.Errorf("archive of the file is %+v, want %+v", g.Archive(), a)
	}
}

func TestCloseTwice(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, fullName(100, 1), "bytes")
	s := start(t, Config{FullDir: dir})
	f := open(t, s, fullName(100, 1))
	for range 2 {
		if err := f.Close(); err != nil {
			t.Errorf("Close returns %v", err)
		}
	}
	g, h := open(t, s, fullName(100, 1)), open(t, s, fullName(100, 1))
	if g.File == h.File || s.Stats().OpenFiles != 2 {
		t.Errorf("one descriptor has two readers, or is counted wrongly: %+v", s.Stats())
	}
}

func TestIdleDescriptorsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := put(t, dir, fullName(100, 1), "bytes")
		var closed atomic.Int64
		s := start(t, Config{FullDir: dir, noWatch: true, closeFile: func(file *os.File) error {
			closed.Add(1)
			return file.Close()
		}})
		const all = 3 * maxIdle
		expectKept := func(want int) {
			t.Helper()
			synctest.Wait() // for the closer
			if kept := all - int(closed.Load()); kept != want {
				t.Errorf("%d descriptors are kept, want %d", kept, want)
			}
		}
		var files []*File
		for range all {
			files = append(files, open(t, s, fullName(100, 1)))
		}
		for _, f := range files {
			f.Close()
		}
		expectKept(maxIdle)
		last := open(t, s, fullName(100, 1))
		remove(t, path)
		awaitListed(t, s)
		expectKept(1) // it is read
		assertContent(t, last, "bytes")
		last.Close()
		expectKept(0)
	})
}

func TestOpenFileOutlivesItsName(t *testing.T) {
	dir := t.TempDir()
	unlinked, renamed := put(t, dir, fullName(100, 1), "unlinked"), put(t, dir, fullName(200, 1), "renamed")
	s := start(t, Config{FullDir: dir})
	f, g := open(t, s, fullName(100, 1)), open(t, s, fullName(200, 1))
	remove(t, unlinked)
	if err := os.Rename(renamed, filepath.Join(dir, "aside")); err != nil {
		t.Fatal(err)
	}
	awaitListed(t, s)
	for _, f := range []*File{f, g} {
		if err := f.Check(); err != nil {
			t.Errorf("Check returns %v", err)
		}
		if _, err := s.Open(f.Archive().Name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("opening %s, which has gone: %v", f.Archive().Name, err)
		}
	}
	assertContent(t, f, "unlinked")
	assertContent(t, g, "renamed")
}

func TestCheckSeesChangesInPlace(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"truncated":   func(path string) error { return os.Truncate(path, 4) },
		"grown":       func(path string) error { return os.Truncate(path, 1000) },
		"overwritten": func(path string) error { return os.WriteFile(path, frame(FormatZstd, "BYTES"), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := put(t, dir, fullName(100, 1), "bytes")
			s := start(t, Config{FullDir: dir})
			f := open(t, s, fullName(100, 1))
			if err := f.Check(); err != nil {
				t.Fatalf("Check returns %v before the change", err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			if err := f.Check(); !errors.Is(err, ErrChanged) {
				t.Errorf("Check returns %v", err)
			}
		})
	}
}

// What happened since the last scan, which the test delays, must not be served
// under the old listing.
func TestOpenComparesWithListing(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"unlinked":  os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 4) },
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+".new", frame(FormatZstd, "bytes"), 0o644), os.Rename(path+".new", path))
		},
		"replaced by a link out of the directory": func(path string) error {
			return errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path))
		},
		"replaced by a link within the directory": func(path string) error {
			return errors.Join(os.WriteFile(path+".new", frame(FormatZstd, "bytes"), 0o644), os.Remove(path), os.Symlink(filepath.Base(path)+".new", path))
		},
		"replaced by a directory": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) },
		"directory gone":          func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, t.TempDir(), fullName(100, 1), "bytes")
			r := newRun(t, Config{FullDir: filepath.Dir(path)})
			r.scan()
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			assertCannotOpen(t, r)
		})
	}
}

func TestIdleDescriptorIsComparedWithListing(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, fullName(100, 1), "bytes")
	r := newRun(t, Config{FullDir: dir})
	r.scan()
	open(t, r.Store, fullName(100, 1)).Close()
	if err := os.Truncate(path, 4); err != nil {
		t.Fatal(err)
	}
	assertCannotOpen(t, r)
}

func assertCannotOpen(t *testing.T, r *run) {
	t.Helper()
	if f, err := r.Open(fullName(100, 1)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Open returns %v, %v", f, err)
	}
	if len(r.kick) != 1 {
		t.Error("no scan is asked for")
	}
	if r.Stats().OpenFiles != 0 {
		t.Error("a file that could not be opened counts as open")
	}
}

func TestManyReadersWhileArchivesComeAndGo(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, fullName(100, 1), "bytes")
	s := start(t, Config{FullDir: dir, SettleTime: time.Millisecond})
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				f, err := s.Open(fullName(100, 1))
				if errors.Is(err, fs.ErrNotExist) {
					runtime.Gosched()
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				assertContent(t, f, "bytes")
				f.Close()
			}
		})
	}
	for range 10 {
		remove(t, filepath.Join(dir, fullName(100, 1).String()))
		awaitListed(t, s)
		put(t, dir, fullName(100, 1), "bytes")
		awaitListed(t, s, fullName(100, 1))
	}
	close(stop)
	readers.Wait()
	if s.Stats().OpenFiles != 0 {
		t.Errorf("%d files are open", s.Stats().OpenFiles)
	}
}

func TestHold(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("unlinked archives can only be opened again on Linux")
	}
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		served, never := put(t, dir, fullName(100, 1), "held"), put(t, dir, fullName(50, 1), "")
		before := descriptors(t)
		s := start(t, Config{FullDir: dir, noWatch: true, Hold: time.Hour})
		remove(t, served)
		remove(t, never)
		awaitListed(t, s)
		begun := time.Now()

		if _, ok := s.Served(); ok || s.Stats().Held != 1 {
			t.Errorf("an unlinked archive is served, or %d are held", s.Stats().Held)
		}
		if _, err := s.Open(fullName(50, 1)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("opening what was never served: %v", err)
		}
		f, g := open(t, s, fullName(100, 1)), open(t, s, fullName(100, 1))
		assertContent(t, f, "held")
		assertContent(t, g, "held")
		f.Close()
		g.Close()

		time.Sleep(time.Hour - time.Since(begun) - time.Second)
		h := open(t, s, fullName(100, 1))
		time.Sleep(2 * time.Second)
		if _, err := s.Open(fullName(100, 1)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("opening what was held long enough: %v", err)
		}
		assertContent(t, h, "held")
		h.Close()
		synctest.Wait()                                // for the closer
		if after := descriptors(t); after > before+2 { // the directory, and what it is read by
			t.Errorf("%d descriptors before, %d after", before, after)
		}
	})
}

func TestArchiveServedLongAgoIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		old, older := put(t, dir, incrementalName(100, 120, 1), ""), put(t, dir, incrementalName(100, 110, 1), "")
		put(t, dir, fullName(100, 1), "")
		s := start(t, Config{FullDir: dir, noWatch: true, Hold: time.Hour})
		put(t, dir, incrementalName(100, 130, 1), "")
		awaitListed(t, s, incrementalName(100, 130, 1), incrementalName(100, 120, 1), incrementalName(100, 110, 1), fullName(100, 1))
		time.Sleep(time.Hour + time.Second)
		remove(t, old)
		remove(t, older)
		awaitListed(t, s, incrementalName(100, 130, 1), fullName(100, 1))
		if held := s.Stats().Held; held != 0 {
			t.Errorf("%d archives are held, want none", held)
		}
	})
}

func TestHeldArchiveThatChangesIsNotServed(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, fullName(100, 1), "promised")
	r := newRun(t, Config{FullDir: dir, Hold: time.Hour})
	r.scan()
	partial := filepath.Join(dir, ".snapshot-x0.partial")
	if err := os.Rename(path, partial); err != nil {
		t.Fatal(err)
	}
	r.scan()
	if r.Stats().Held != 1 && runtime.GOOS == "linux" {
		t.Fatalf("%d archives are held", r.Stats().Held)
	}
	write(t, partial, []byte("other bytes"))
	if _, err := r.Open(fullName(100, 1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening what has changed: %v", err)
	}
	r.scan()
	if r.Stats().Held != 0 {
		t.Error("what has changed is still held")
	}
}

func BenchmarkServed(b *testing.B) {
	s := benchmarkStore(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := s.Served(); !ok {
			b.Fatal("nothing is served")
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	s := benchmarkStore(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := s.Lookup(fullName(100, 1)); !ok {
			b.Fatal("archive is not listed")
		}
	}
}

func BenchmarkOpenClose(b *testing.B) {
	s := benchmarkStore(b)
	b.ReportAllocs()
	for b.Loop() {
		f, err := s.Open(fullName(100, 1))
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}

func BenchmarkCheck(b *testing.B) {
	f, err := benchmarkStore(b).Open(fullName(100, 1))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Check(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkStore(b *testing.B) *Store {
	b.Helper()
	dir := b.TempDir()
	path := filepath.Join(dir, fullName(100, 1).String())
	old := time.Now().Add(-time.Hour)
	if err := errors.Join(os.WriteFile(path, frame(FormatZstd, "bytes"), 0o644), os.Chtimes(path, old, old)); err != nil {
		b.Fatal(err)
	}
	s, err := NewStore(Config{FullDir: dir})
	if err != nil {
		b.Fatal(err)
	}
	r, err := s.begin()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(r.close)
	r.scan()
	return s
}
