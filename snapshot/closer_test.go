package snapshot

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// slowDisk is on which closing the archive at path takes until release is called.
type slowDisk struct {
	t       *testing.T
	path    string
	begun   chan struct{} // closed when it is first closed
	begin   func()
	free    chan struct{}
	release func()
	closed  atomic.Int64 // descriptors of path
}

func newSlowDisk(t *testing.T, path string) *slowDisk {
	d := &slowDisk{t: t, path: path, begun: make(chan struct{}), free: make(chan struct{})}
	d.begin = sync.OnceFunc(func() { close(d.begun) })
	d.release = sync.OnceFunc(func() { close(d.free) })
	return d
}

func (d *slowDisk) closeFile(file *os.File) error {
	if filepath.Base(file.Name()) != filepath.Base(d.path) {
		return file.Close()
	}
	d.begin()
	select {
	case <-d.free:
	case <-time.After(10 * time.Second):
		d.t.Error("the test waits for a file to be closed")
	}
	d.closed.Add(1)
	return file.Close()
}

// While the blocks of one archive are freed, the loop goes on, and so does
// everything that concerns another.
func TestNobodyWaitsForFilesToBeClosed(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, fullName(100, 1), "unlinked")
	put(t, dir, fullName(200, 1), "bytes")
	disk := newSlowDisk(t, path)
	s := newStore(t, Config{FullDir: dir, closeFile: disk.closeFile})
	stop := background(t, s.Run)
	await(t, s, "the first scan", s.Scanned)
	idle, last := open(t, s, fullName(100, 1)), open(t, s, fullName(100, 1))
	idle.Close()

	remove(t, path)
	awaitListed(t, s, fullName(200, 1))
	<-disk.begun
	put(t, dir, fullName(300, 1), "")
	awaitListed(t, s, fullName(300, 1), fullName(200, 1))
	last.Close() // as the one request that still read it
	f := open(t, s, fullName(200, 1))
	if err := f.Lock(); err != nil {
		t.Error(err)
	}
	assertContent(t, f, "bytes")
	f.Close()
	if n := s.Stats().OpenFiles; n != 0 {
		t.Errorf("%d files are open", n)
	}
	if disk.closed.Load() != 0 {
		t.Error("the disk was not slow")
	}

	disk.release()
	stop()
	if n := disk.closed.Load(); n != 2 {
		t.Errorf("%d descriptors were closed when Run returned, want 2", n)
	}
}

// What Hold kept is closed as gently when its time is over.
func TestNobodyWaitsForHeldFilesToBeClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := put(t, dir, fullName(100, 1), "")
		disk := newSlowDisk(t, path)
		s := start(t, Config{FullDir: dir, noWatch: true, Hold: time.Hour, closeFile: disk.closeFile})
		remove(t, path)
		awaitListed(t, s)
		<-disk.begun
		if s.Stats().Held != 0 {
			t.Error("the archive is still held")
		}
		put(t, dir, fullName(200, 1), "")
		s.rescan()
		awaitListed(t, s, fullName(200, 1))
		disk.release()
	})
}

func TestCloser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed, free := 0, make(chan struct{})
		slow := new(os.File)
		c := &closer{closeFile: func(file *os.File) error {
			if file == slow {
				<-free
			}
			closed++
			return nil
		}}
		expect := func(when string, want int) {
			t.Helper()
			synctest.Wait()
			if closed != want {
				t.Errorf("%s: %d files are closed, want %d", when, closed, want)
			}
		}
		c.close(new(os.File))
		expect("before it is started", 1)
		stop := c.start()
		c.close(slow)
		expect("while one is closed", 1)
		for range maxClosing {
			c.close(new(os.File))
		}
		expect("while others wait", 1)
		c.close(new(os.File), new(os.File))
		expect("when the queue is full", 3)
		close(free)
		stop()
		if closed != 4+maxClosing {
			t.Errorf("%d files are closed when it has stopped, want %d", closed, 4+maxClosing)
		}
		c.close(new(os.File))
		expect("after it was stopped", 5+maxClosing)
	})
}
