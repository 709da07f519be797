package snapshot

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// recycleLikeFiredancer does to an archive what snapmk does to get its inode
// (src/discof/backup/fd_snapmk_tile.c): wait for an exclusive record lock,
// truncate, rename, overwrite. It tells of each step.
func recycleLikeFiredancer(path string) (status int) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("waiting")
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	err = unix.FcntlFlock(file.Fd(), unix.F_SETLKW, &lock)
	if err == nil {
		fmt.Println("locked")
		err = errors.Join(
			file.Truncate(0),
			os.Rename(path, filepath.Join(filepath.Dir(path), ".snapshot-x0.partial")),
		)
	}
	if err == nil {
		_, err = file.WriteString("the bytes of the next archive")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("recycled")
	_, _ = io.Copy(io.Discard, os.Stdin) // keep the lock until told to go
	return 0
}

// writer is a process that runs recycleLikeFiredancer.
type writer struct {
	t     *testing.T
	says  *bufio.Scanner
	leave func()
}

func startWriter(t *testing.T, path string) *writer {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), recycleEnv+"="+path)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := &writer{t: t, says: bufio.NewScanner(stdout)}
	w.leave = func() {
		stdin.Close()
		_ = cmd.Wait()
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		w.leave()
	})
	return w
}

func (w *writer) await(word string) {
	w.t.Helper()
	if !w.says.Scan() || w.says.Text() != word {
		w.t.Fatalf("the writer says %q, want %q", w.says.Text(), word)
	}
}

// openLocked opens an archive and locks it, as a long transfer does.
func openLocked(t *testing.T, s *Store, name Name) *File {
	t.Helper()
	f := open(t, s, name)
	if err := f.Lock(); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWriterRecyclesInode(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, fullName(100, 1), "the bytes that were promised")
	s := start(t, Config{FullDir: dir, RecycleGrace: time.Millisecond, SettleTime: time.Millisecond})
	f := openLocked(t, s, fullName(100, 1))
	defer f.Close()

	w := startWriter(t, path)
	w.await("waiting")
	awaitListed(t, s)
	select {
	case <-f.Done():
		t.Error("the transfer is cut off without grace")
	default:
	}
	if _, err := s.Open(fullName(100, 1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening what a writer waits for: %v", err)
	}

	select {
	case <-f.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the transfer is not cut off")
	}
	content, err := readAll(f)
	if err != nil || string(content) != string(frame(FormatZstd, "the bytes that were promised")) || f.Check() != nil {
		t.Fatalf("read %q, %v; Check returns %v", content, err, f.Check())
	}
	f.Close()
	w.await("locked")
	w.await("recycled")
	w.leave()
	if err := os.Rename(filepath.Join(dir, ".snapshot-x0.partial"), filepath.Join(dir, fullName(200, 1).String())); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, fullName(200, 1).String()), frame(FormatZstd, "a new archive in the old inode"))
	awaitListed(t, s, fullName(200, 1))
}

// A writer that has the lock before we come: the file must not be listed, nor
// sent if it was listed before.
func TestWriterHoldsLock(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, fullName(100, 1), "")
	var log logLines
	r := newRun(t, Config{FullDir: dir, Logger: log.logger()})
	r.scan()
	unlock := lockExclusively(t, path)
	early := open(t, r.Store, fullName(100, 1))
	if err := early.Lock(); !errors.Is(err, fs.ErrNotExist) || len(r.kick) != 1 {
		t.Errorf("locking what a writer has locked: %v; %d scans are asked for", err, len(r.kick))
	}
	early.Close()
	put(t, dir, fullName(200, 1), "")
	unlockSecond := lockExclusively(t, filepath.Join(dir, fullName(200, 1).String()))
	r.scan()
	if listed := r.Archives(); len(listed) > 0 || log.count("file is not listed", "") > 0 {
		t.Errorf("listed are %v, and it is no warning that a writer is at work", names(listed))
	}
	if wait := time.Until(r.due); wait > lockRetry {
		t.Errorf("the next scan is in %v", wait)
	}
	unlock()
	unlockSecond()
	r.scan()
	for _, n := range []Name{fullName(100, 1), fullName(200, 1)} {
		openLocked(t, r.Store, n).Close()
	}
}

// lockExclusively locks through a description of its own, which conflicts as
// another process does.
func lockExclusively(t *testing.T, path string) (unlock func()) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := setLock(file, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return func() { file.Close() }
}

// Neither idle descriptors nor those that nobody locked keep a writer waiting.
func TestOnlyLockedFileKeepsWriterWaiting(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, fullName(100, 1), "")
	s := start(t, Config{FullDir: dir})
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for step, want := range []error{nil, unix.EAGAIN, nil} {
		f := open(t, s, fullName(100, 1))
		if step == 1 {
			f = openLocked(t, s, fullName(100, 1))
		}
		if err := setLock(file, unix.F_WRLCK); !errors.Is(err, want) {
			t.Errorf("step %d: a writer's lock returns %v, want %v", step, err, want)
		}
		if err := setLock(file, unix.F_UNLCK); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

// What is overwritten between Open and Lock is not sent.
func TestLockComparesWithListing(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, fullName(100, 1), "bytes")
	s := start(t, Config{FullDir: dir})
	f := open(t, s, fullName(100, 1))
	write(t, path, frame(FormatZstd, "other"))
	if err := f.Lock(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("locking what has changed: %v", err)
	}
	if err := f.Check(); !errors.Is(err, ErrChanged) {
		t.Errorf("checking what has changed: %v", err)
	}
}

// fakeLocks is a /proc/locks whose waiters the test chooses.
type fakeLocks struct {
	text  atomic.Value
	reads atomic.Int64
}

func (l *fakeLocks) read() ([]byte, error) {
	l.reads.Add(1)
	text, _ := l.text.Load().(string)
	return []byte(text), nil
}

func (l *fakeLocks) waitForNothing() { l.text.Store("") }

func (l *fakeLocks) waitFor(t *testing.T, path string) {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	where := fmt.Sprintf("%02x:%02x:%d", unix.Major(stat.Dev), unix.Minor(stat.Dev), stat.Ino)
	l.text.Store(fmt.Sprintf("1: OFDLCK ADVISORY  READ -1 %[1]s 0 EOF\n1: -> POSIX  ADVISORY  WRITE 7 %[1]s 0 EOF\n", where))
}

func TestTransfersOfRecycledArchiveEndAfterGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := put(t, dir, fullName(100, 1), "")
		put(t, dir, fullName(50, 1), "")
		locks := &fakeLocks{}
		s := start(t, Config{FullDir: dir, noWatch: true, readLocks: locks.read, RecycleGrace: 5 * time.Second})
		f, other := openLocked(t, s, fullName(100, 1)), openLocked(t, s, fullName(50, 1))
		defer other.Close()
		time.Sleep(time.Minute)
		locks.waitFor(t, path)
		begun := time.Now()
		awaitListed(t, s, fullName(50, 1))
		assertServed(t, s, fullName(50, 1))
		if took := time.Since(begun); took > time.Second {
			t.Errorf("writer was seen after %v", took)
		}
		<-f.Done()
		if took := time.Since(begun); took < 5*time.Second || took > 7*time.Second {
			t.Errorf("transfer was cut off after %v, want 5s and two looks", took)
		}
		select {
		case <-other.Done():
			t.Error("transfer of another archive is cut off")
		default:
		}
		f.Close()
	})
}

func TestWriterGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := put(t, dir, fullName(100, 1), "")
		locks := &fakeLocks{}
		s := start(t, Config{FullDir: dir, noWatch: true, readLocks: locks.read, RecycleGrace: 5 * time.Second})
		f := openLocked(t, s, fullName(100, 1))
		locks.waitFor(t, path)
		awaitListed(t, s)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		locks.waitForNothing()
		begun := time.Now()
		awaitListed(t, s, fullName(100, 1))
		if took := time.Since(begun); took != looksWithout*lookOutInterval {
			t.Errorf("the archive is listed again after %v, want two looks", took)
		}
		locks.waitFor(t, path)
		awaitListed(t, s)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		select {
		case <-f.Done():
			t.Error("another writer gets less than its predecessor's grace")
		default:
		}
		locks.waitForNothing()
		awaitListed(t, s, fullName(100, 1))
		f.Close()
	})
}

// wrongLooks are those that go wrong of every four, for want of a descriptor or
// because the list changed while it was read.
type wrongLooks struct {
	first, inRow int64
	read         func() ([]byte, error)
}

// That looks go wrong neither relists an archive that a writer waits for, nor
// gives its transfers more time.
func TestLooksThatGoWrong(t *testing.T) {
	failed := func() ([]byte, error) { return nil, unix.EMFILE }
	failedHalfWay := func() ([]byte, error) { return []byte("1: OFDLCK ADVISORY"), unix.EIO }
	withoutWaiter := func() ([]byte, error) { return nil, nil }
	for first := range int64(4) {
		for name, wrong := range map[string]wrongLooks{
			"failed":           {first, 1, failed},
			"failed half-way":  {first, 1, failedHalfWay},
			"failed in a row":  {first, 3, failed},
			"without a waiter": {first, 1, withoutWaiter},
		} {
			t.Run(fmt.Sprint(name, ", ", first), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testLooksThatGoWrong(t, wrong) })
			})
		}
	}
}

func testLooksThatGoWrong(t *testing.T, wrong wrongLooks) {
	dir := t.TempDir()
	path := put(t, dir, fullName(100, 1), "")
	locks := &fakeLocks{}
	locks.waitFor(t, path)
	s := start(t, Config{FullDir: dir, noWatch: true, RecycleGrace: 5 * time.Second, readLocks: func() ([]byte, error) {
		text, err := locks.read()
		if (locks.reads.Load()+wrong.first)%4 < wrong.inRow {
			return wrong.read()
		}
		return text, err
	}})
	f := openLocked(t, s, fullName(100, 1))
	defer f.Close()
	awaitListed(t, s)
	begun := time.Now()
	select {
	case <-s.Changed():
		t.Errorf("after %v the archive is listed again", time.Since(begun))
	case <-f.Done():
	}
	latest := 5*time.Second + time.Duration(wrong.inRow)*lookOutInterval
	if took := time.Since(begun); took < 5*time.Second || took > latest {
		t.Errorf("the transfer was cut off after %v, want 5s to %v", took, latest)
	}
}

// Where there is no list, it is not asked for when no archive is locked.
func TestLookOutEndsWithoutList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, fullName(100, 1), "")
		locks := &fakeLocks{}
		s := start(t, Config{FullDir: dir, noWatch: true, readLocks: func() ([]byte, error) {
			_, _ = locks.read()
			return nil, fs.ErrNotExist
		}})
		f := openLocked(t, s, fullName(100, 1))
		time.Sleep(time.Minute)
		f.Close()
		time.Sleep(2 * lookOutInterval)
		reads := locks.reads.Load()
		time.Sleep(time.Minute)
		if now := locks.reads.Load(); reads < 50 || now != reads {
			t.Errorf("the list is read %d times while an archive is locked, then %d times", reads, now-reads)
		}
	})
}

// Of a writer that got the inode nothing is remembered when the inode comes back
// as an archive.
func TestWaitersAreForgottenWhenLookOutEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := put(t, dir, fullName(100, 1), "")
		locks := &fakeLocks{}
		locks.waitFor(t, path)
		s := start(t, Config{FullDir: dir, noWatch: true, readLocks: locks.read})
		f := openLocked(t, s, fullName(100, 1))
		awaitListed(t, s)
		f.Close()
		if err := os.Rename(path, filepath.Join(dir, fullName(200, 1).String()+".partial")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		locks.waitForNothing()
		if err := os.Rename(filepath.Join(dir, fullName(200, 1).String()+".partial"), filepath.Join(dir, fullName(200, 1).String())); err != nil {
			t.Fatal(err)
		}
		awaitListed(t, s, fullName(200, 1))
		changed := s.Changed()
		defer openLocked(t, s, fullName(200, 1)).Close()
		select {
		case <-changed:
			t.Error("the new archive is delisted because of a writer long gone")
		case <-time.After(10 * lookOutInterval):
		}
	})
}

func TestLocksAreReadWhileArchivesAreLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := put(t, dir, fullName(100, 1), "")
		locks := &fakeLocks{}
		locks.waitFor(t, path)
		s := start(t, Config{FullDir: dir, noWatch: true, readLocks: locks.read})
		for range 2 {
			time.Sleep(time.Minute)
			if len(s.Archives()) != 1 {
				t.Fatal("locks are read although no archive is locked")
			}
			f := openLocked(t, s, fullName(100, 1))
			awaitListed(t, s)
			f.Close()
			locks.waitForNothing()
			awaitListed(t, s, fullName(100, 1))
			time.Sleep(2 * lookOutInterval)
			locks.waitFor(t, path)
		}
	})
}

// To hold what a writer waits for would be to make it wait.
func TestRecycledArchiveIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := put(t, dir, fullName(100, 1), "")
		locks := &fakeLocks{}
		locks.waitFor(t, path)
		s := start(t, Config{FullDir: dir, noWatch: true, readLocks: locks.read, Hold: time.Hour})
		f := openLocked(t, s, fullName(100, 1))
		awaitListed(t, s)
		if s.Stats().Held != 0 {
			t.Error("an archive is held although a writer waits for it")
		}
		f.Close()
	})
}

func TestWaitersAreToldByDevice(t *testing.T) {
	waiting := waiters{
		{major: 0xfe, minor: 1, number: 42, forReader: true}: 0,
		{major: 0xfe, minor: 1, number: 44}:                  0, // for another writer
	}
	for name, tt := range map[string]struct {
		inode inode
		want  bool
	}{
		"same":                       {inode{unix.Mkdev(0xfe, 1), 42}, true},
		"other inode":                {inode{unix.Mkdev(0xfe, 1), 43}, false},
		"other device":               {inode{unix.Mkdev(0xfe, 2), 42}, false},
		"anonymous device":           {inode{unix.Mkdev(0, 77), 42}, true},
		"anonymous device, not us":   {inode{unix.Mkdev(0, 77), 44}, false},
		"same, for another writer":   {inode{unix.Mkdev(0xfe, 1), 44}, true},
		"anonymous device, other":    {inode{unix.Mkdev(0, 77), 43}, false},
		"nothing known of the inode": {inode{}, false},
	} {
		if got := awaited(tt.inode, waiting); got != tt.want {
			t.Errorf("%s: awaited is %v", name, got)
		}
	}
}
