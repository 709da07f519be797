package snapshot

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

func TestStoreListsBothDirectoriesAndTheirRemotes(t *testing.T) {
	fulls, incrementals := t.TempDir(), t.TempDir()
	fullsRemote, incrementalsRemote := mkdir(t, filepath.Join(fulls, "remote")), mkdir(t, filepath.Join(incrementals, "remote"))
	put(t, fulls, fullName(100, 1), "")
	put(t, fullsRemote, lz4(fullName(200, 1)), "")
	put(t, incrementals, incrementalName(100, 150, 1), "")
	put(t, incrementalsRemote, incrementalName(200, 250, 1), "")
	// None of these is to be listed.
	put(t, fulls, incrementalName(100, 160, 1), "")
	put(t, incrementals, fullName(300, 1), "")
	put(t, mkdir(t, filepath.Join(fullsRemote, "deeper")), fullName(400, 1), "")
	put(t, mkdir(t, filepath.Join(fulls, "other")), fullName(500, 1), "")

	s := start(t, Config{FullDir: fulls, IncrementalDir: incrementals})
	awaitListed(t, s, incrementalName(200, 250, 1), lz4(fullName(200, 1)), incrementalName(100, 150, 1), fullName(100, 1))
	assertServed(t, s, lz4(fullName(200, 1)), incrementalName(200, 250, 1))
	want := Stats{Full: 2, Incremental: 2, Refused: 2}
	if got := s.Stats(); got != want {
		t.Errorf("stats are %+v, want %+v", got, want)
	}
	a, ok := s.Lookup(lz4(fullName(200, 1)))
	if !ok || a.Path != filepath.Join(fullsRemote, a.Name.String()) || a.Size != 4 || a.ModTime.IsZero() {
		t.Errorf("Lookup returns %+v, %v", a, ok)
	}
	if _, ok := s.Lookup(fullName(999, 1)); ok {
		t.Error("Lookup finds what is not there")
	}
}

func TestOneDirectoryForBothKinds(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, fullName(100, 1), "")
	put(t, dir, incrementalName(100, 150, 1), "")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{
		{FullDir: dir},
		{FullDir: dir, IncrementalDir: link},
		{FullDir: dir, IncrementalDir: dir + "/../" + filepath.Base(dir) + "/"},
	} {
		s := start(t, c)
		assertServed(t, s, fullName(100, 1), incrementalName(100, 150, 1))
		if s.Stats().Refused != 0 {
			t.Errorf("%+v: files are refused", c)
		}
	}
}

func TestFilesThatAreNotListed(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	good := put(t, dir, fullName(100, 1), "")
	for path, content := range map[string][]byte{
		fullName(201, 1).String():              []byte("not a frame"),
		fullName(202, 1).String():              frame(FormatLZ4, "lz4 in zstd's clothes"),
		lz4(fullName(203, 1)).String():         frame(FormatZstd, "zstd in lz4's clothes"),
		fullName(204, 1).String():              nil,
		"snapshot-205-tooshort.tar.zst":        frame(FormatZstd, ""),
		"snapshot-206-" + mainnet + ".tar.bz2": []byte("BZh9"),
	} {
		write(t, filepath.Join(dir, path), content)
		age(t, filepath.Join(dir, path), time.Hour)
	}
	mkdir(t, filepath.Join(dir, fullName(207, 1).String()))
	if err := syscall.Mkfifo(filepath.Join(dir, fullName(208, 1).String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for slot, target := range map[Slot]string{209: good, 210: put(t, outside, fullName(210, 1), ""), 211: "nowhere"} {
		if err := os.Symlink(target, filepath.Join(dir, fullName(slot, 1).String())); err != nil {
			t.Fatal(err)
		}
	}
	// These are nobody's business.
	write(t, filepath.Join(dir, "genesis.bin"), nil)
	write(t, filepath.Join(dir, "tmp-snapshot-archive-"+fullName(300, 1).String()), frame(FormatZstd, ""))
	write(t, filepath.Join(dir, ".snapshot-x0.partial"), frame(FormatZstd, ""))
	write(t, filepath.Join(dir, fullName(100, 1).String()+".sha256"), nil)

	var log logLines
	s := start(t, Config{FullDir: dir, Logger: log.logger()})
	awaitListed(t, s, fullName(100, 1))
	put(t, dir, fullName(101, 1), "so that there is another scan")
	awaitListed(t, s, fullName(101, 1), fullName(100, 1))
	if got := s.Stats().Refused; got != 11 {
		t.Errorf("%d files are refused, want 11", got)
	}
	if n := log.count("level=WARN", "file is not listed", "path="+dir, "reason="); n != 11 {
		t.Errorf("%d refusals are logged, want each of 11 once", n)
	}
	if n := log.count("snapshot-209-", "symbolic link"); n != 1 {
		t.Errorf("a symbolic link is named %d times in the log", n)
	}
	for slot := Slot(201); slot < 212; slot++ {
		if _, err := s.Open(fullName(slot, 1)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("opening a file that is not listed, slot %d: %v", slot, err)
		}
	}
}

func TestNothingIsListedBeforeRun(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, fullName(100, 1), "")
	s := newStore(t, Config{FullDir: dir})
	if _, ok := s.Served(); ok || s.Scanned() || len(s.Archives()) != 0 || s.Stats() != (Stats{}) {
		t.Error("a Store knows archives before it has looked")
	}
	if _, err := s.Open(fullName(100, 1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open returns %v", err)
	}
}

func TestBadConfig(t *testing.T) {
	for name, c := range map[string]Config{
		"no directory":   {},
		"negative grace": {FullDir: "x", PairGrace: -1},
		"negative hold":  {FullDir: "x", Hold: -1},
	} {
		if s, err := NewStore(c); err == nil || s != nil {
			t.Errorf("%s: NewStore returns %v, %v", name, s, err)
		}
	}
}

// The interval is so long that only events can tell.
func TestEventsAreHeard(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Config{FullDir: dir, RescanInterval: time.Hour, SettleTime: time.Millisecond})
	await(t, s, "an empty list", func() bool { return len(s.Archives()) == 0 })

	path := put(t, dir, fullName(100, 1), "")
	awaitListed(t, s, fullName(100, 1))
	fresh := filepath.Join(dir, incrementalName(100, 150, 1).String())
	write(t, fresh, frame(FormatZstd, "just written"))
	awaitListed(t, s, incrementalName(100, 150, 1), fullName(100, 1))
	assertServed(t, s, fullName(100, 1), incrementalName(100, 150, 1))

	remote := mkdir(t, filepath.Join(dir, remoteDir))
	put(t, remote, incrementalName(100, 160, 1), "")
	awaitListed(t, s, incrementalName(100, 160, 1), incrementalName(100, 150, 1), fullName(100, 1))
	put(t, remote, incrementalName(100, 170, 1), "in a directory that is watched by now")
	awaitListed(t, s, incrementalName(100, 170, 1), incrementalName(100, 160, 1), incrementalName(100, 150, 1), fullName(100, 1))
	if err := os.RemoveAll(remote); err != nil {
		t.Fatal(err)
	}
	awaitListed(t, s, incrementalName(100, 150, 1), fullName(100, 1))

	if err := os.Rename(fresh, filepath.Join(dir, "aside")); err != nil {
		t.Fatal(err)
	}
	awaitListed(t, s, fullName(100, 1))
	if err := os.Truncate(path, 4); err != nil {
		t.Fatal(err)
	}
	awaitListed(t, s) // at once, and
	awaitListed(t, s, fullName(100, 1))
	write(t, path, []byte("no frame any longer"))
	awaitListed(t, s)
	put(t, dir, fullName(100, 1), "restored")
	awaitListed(t, s, fullName(100, 1))
	remove(t, path)
	awaitListed(t, s)
}

// A receiver of Changed sees what has changed.
func TestChangedIsClosedAfterTheChange(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Config{FullDir: dir, RescanInterval: time.Hour})
	for slot := Slot(1); slot <= 20; slot++ {
		changed := s.Changed()
		put(t, dir, fullName(slot, 1), "")
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatal("nothing is heard of a new archive")
		}
		assertServed(t, s, fullName(slot, 1))
		if s.Changed() == changed {
			t.Fatal("the channel of the next change is closed already")
		}
	}
}

func TestDirectoryAppearsLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "yet")
	var log logLines
	s := start(t, Config{FullDir: dir, RescanInterval: 20 * time.Millisecond, Logger: log.logger()})
	if len(s.Archives()) != 0 {
		t.Fatal("archives in a directory that is not there")
	}
	for round := range 3 {
		put(t, mkdir(t, dir), fullName(100, 1), "")
		awaitListed(t, s, fullName(100, 1))
		f, err := s.Open(fullName(100, 1))
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		awaitListed(t, s)
		if n := log.count("level=WARN", "cannot be read", "no such file"); n > round+2 {
			t.Fatalf("the missing directory is logged %d times in round %d", n, round)
		}
	}
}

// A directory that was made anew has a watch of its own.
func TestNewDirectoryIsWatched(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "snapshots")
	put(t, mkdir(t, dir), fullName(100, 1), "")
	r := newRun(t, Config{FullDir: dir})
	r.scan()
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	r.scan()
	assertServed(t, r.Store)
	mkdir(t, dir)
	r.scan()
	path := put(t, dir, fullName(200, 1), "")
	deadline := time.After(10 * time.Second)
	for {
		select {
		case event := <-r.watcher.events():
			if event.Name == path {
				return
			}
		case <-deadline:
			t.Fatal("nothing is heard of a file in the new directory")
		}
	}
}

// newRun is a Run whose loop is the test.
func newRun(t *testing.T, c Config) *run {
	t.Helper()
	s := newStore(t, c)
	r, err := s.begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

// The same files by another directory: nothing changes but the way to them.
func TestDirectoryReplacedByLinksToTheSameFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "snapshots")
	put(t, mkdir(t, dir), fullName(100, 1), "same")
	r := newRun(t, Config{FullDir: dir})
	r.scan()
	changed := r.Changed()
	mkdir(t, dir+".new")
	if err := errors.Join(
		os.Link(filepath.Join(dir, fullName(100, 1).String()), filepath.Join(dir+".new", fullName(100, 1).String())),
		os.Rename(dir, dir+".old"),
		os.Rename(dir+".new", dir),
	); err != nil {
		t.Fatal(err)
	}
	r.scan()
	if r.Changed() != changed {
		t.Error("the list has changed")
	}
	f, err := r.Open(fullName(100, 1))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// While there are no descriptors left, archives have not gone.
func TestDirectoryThatCannotBeReadKeepsItsArchives(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, fullName(100, 1), "")
	var log logLines
	r := newRun(t, Config{FullDir: dir, Logger: log.logger()})
	r.scan()
	withoutDescriptors(t, func() {
		r.scan()
		r.scan()
	})
	assertServed(t, r.Store, fullName(100, 1))
	if n := log.count("level=WARN", "cannot be read", "path="+dir+" "); n != 1 {
		t.Errorf("trouble is logged %d times, want once", n)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	write(t, dir, nil)
	r.scan()
	assertServed(t, r.Store)
}

// withoutDescriptors makes every open(2) of do fail.
func withoutDescriptors(t *testing.T, do func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 0, Max: old.Max}); err != nil {
		t.Skipf("number of descriptors cannot be limited: %v", err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
	}()
	do()
}

func TestStoreWithoutInotify(t *testing.T) {
	dir := t.TempDir()
	var log logLines
	var r *run
	withoutDescriptors(t, func() { r = newRun(t, Config{FullDir: dir, RescanInterval: time.Millisecond, Logger: log.logger()}) })
	if n := log.count("level=WARN", "max_user_instances"); n != 1 {
		t.Errorf("lack of inotify is logged %d times, want once", n)
	}
	background(t, func(ctx context.Context) error {
		r.loop(ctx)
		return nil
	})
	put(t, dir, fullName(100, 1), "")
	awaitListed(t, r.Store, fullName(100, 1))
}

// The many writes to a file that is still growing do not make the Store scan.
func TestWhichEventsAskForScan(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, fullName(200, 1).String()), frame(FormatZstd, "growing"))
	put(t, dir, fullName(100, 1), "")
	r := newRun(t, Config{FullDir: dir, noWatch: true})
	far := time.Now().Add(time.Hour)
	for name, tt := range map[string]struct {
		file string
		op   fsnotify.Op
		want bool
	}{
		"write to a growing file":    {fullName(200, 1).String(), fsnotify.Write, false},
		"growing file gets its time": {fullName(200, 1).String(), fsnotify.Chmod, true},
		"growing file renamed":       {fullName(200, 1).String(), fsnotify.Rename, true},
		"new file":                   {fullName(300, 1).String(), fsnotify.Create, true},
		"write to a listed file":     {fullName(100, 1).String(), fsnotify.Write, true},
		"temporary file":             {"tmp-snapshot-archive-" + fullName(300, 1).String(), fsnotify.Write, false},
		"something else":             {"genesis.bin", fsnotify.Create, false},
		"remote directory":           {remoteDir, fsnotify.Create, true},
	} {
		r.scan()
		r.due = far
		r.heedEvent(fsnotify.Event{Name: filepath.Join(dir, tt.file), Op: tt.op})
		if got := r.due.Before(far); got != tt.want {
			t.Errorf("%s: asks for a scan is %v, want %v", name, got, tt.want)
		}
	}
}

// Time is fake from here on, and there are no events: inotify is not for
// bubbles.

func TestRescanWithoutEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := start(t, Config{FullDir: dir, noWatch: true})
		path := put(t, dir, fullName(100, 1), "")
		begun := time.Now()
		awaitListed(t, s, fullName(100, 1))
		if took := time.Since(begun); took > 11*time.Second {
			t.Errorf("new file was found after %v", took)
		}
		remove(t, path)
		begun = time.Now()
		time.Sleep(11 * time.Second)
		if _, ok := s.Served(); ok {
			t.Errorf("file has gone %v ago and is served", time.Since(begun))
		}
	})
}

// An Open that fails finds out sooner than the next rescan; but clients cannot
// make the disk busy.
func TestFailedOpenAsksForScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first, second := put(t, dir, fullName(100, 1), ""), put(t, dir, fullName(200, 1), "")
		s := start(t, Config{FullDir: dir, noWatch: true, RescanInterval: time.Hour})
		begun := time.Now()
		remove(t, first)
		if _, err := s.Open(fullName(100, 1)); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("Open returns %v", err)
		}
		awaitListed(t, s, fullName(200, 1))
		if took := time.Since(begun); took != debounce {
			t.Errorf("first scan came after %v, want %v", took, debounce)
		}
		remove(t, second)
		for range 5 {
			if _, err := s.Open(fullName(200, 1)); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("Open returns %v", err)
			}
		}
		awaitListed(t, s)
		if took := time.Since(begun); took != debounce+time.Second {
			t.Errorf("second scan came after %v, want a second later", took)
		}
	})
}

// A file that was found by a rescan does not wait for the next one to settle.
func TestSettlingNeedsNoRescan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, fullName(100, 1).String()), frame(FormatZstd, ""))
		age(t, filepath.Join(dir, fullName(100, 1).String()), 0)
		s := start(t, Config{FullDir: dir, noWatch: true, RescanInterval: time.Hour, SettleTime: 3 * time.Second})
		if got := s.Stats(); got != (Stats{Pending: 1}) {
			t.Errorf("stats are %+v, want one pending", got)
		}
		begun := time.Now()
		awaitListed(t, s, fullName(100, 1))
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("file was listed after %v", took)
		}
	})
}

func TestGraceEndsOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, fullName(100, 1), "")
		put(t, dir, incrementalName(100, 150, 1), "")
		s := start(t, Config{FullDir: dir, noWatch: true, PairGrace: 10 * time.Minute, RescanInterval: 24 * time.Hour})
		put(t, dir, fullName(200, 1), "")
		s.rescan()
		awaitListed(t, s, fullName(200, 1), incrementalName(100, 150, 1), fullName(100, 1))
		assertServed(t, s, fullName(100, 1), incrementalName(100, 150, 1))
		begun := time.Now()
		await(t, s, "the first pair", func() bool { return true })
		changed := s.Changed()
		<-changed
		assertServed(t, s, fullName(200, 1))
		if took := time.Since(begun); took != 10*time.Minute {
			t.Errorf("the new full was served after %v, want 10m", took)
		}
	})
}

func TestRestartDuringGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, fullName(100, 1), "")
		put(t, dir, incrementalName(100, 150, 1), "")
		age(t, put(t, dir, fullName(200, 1), ""), 4*time.Minute)
		s := start(t, Config{FullDir: dir, noWatch: true, PairGrace: 10 * time.Minute})
		assertServed(t, s, fullName(100, 1), incrementalName(100, 150, 1))
		begun := time.Now()
		<-s.Changed()
		assertServed(t, s, fullName(200, 1))
		if took := time.Since(begun); took != 6*time.Minute {
			t.Errorf("the new full was served after %v more, want 6m", took)
		}
	})
}

func TestStoreAnswersAfterRun(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, fullName(100, 1), "bytes")
	s := newStore(t, Config{FullDir: dir, Hold: time.Hour})
	stop := background(t, s.Run)
	await(t, s, "the first scan", s.Scanned)
	before := descriptors(t)
	f, err := s.Open(fullName(100, 1))
	if err != nil {
		t.Fatal(err)
	}
	stop()
	again, err := s.Open(fullName(100, 1))
	if err != nil {
		t.Fatalf("a draining server cannot open an archive: %v", err)
	}
	for _, f := range []*File{f, again} {
		if content, err := readAll(f); err != nil || string(content[4:]) != "bytes" {
			t.Errorf("read %q, %v", content, err)
		}
		f.Close()
	}
	if after := descriptors(t); after > before-2 { // the watch and the anchor have gone
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// descriptors counts those of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Skipf("descriptors cannot be counted: %v", err)
	}
	return len(entries)
}
