package snapshot

import (
	"os"
	"sync"
)

// maxClosing bounds the files that wait to be closed: several times what is kept
// of all the archives that Agave removes at once.
const maxClosing = 256

// closer closes files while everybody else goes on. The last close(2) of an
// archive that was unlinked frees its blocks, which takes ext4 about half a second
// for 30 GiB; so it happens neither under handles.mu, nor in the loop of Run, nor
// in a request.
type closer struct {
	closeFile func(*os.File) error

	mu    sync.Mutex
	queue chan *os.File // nil unless Run runs; guarded by mu
}

// start makes the closer work until stop, which returns when all is closed.
func (c *closer) start() (stop func()) {
	queue := make(chan *os.File, maxClosing)
	c.replace(queue)
	var closing sync.WaitGroup
	closing.Go(func() {
		for file := range queue {
			_ = c.closeFile(file) // only read from
		}
	})
	return func() {
		c.replace(nil)
		close(queue)
		closing.Wait()
	}
}

func (c *closer) replace(queue chan *os.File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = queue
}

// close closes files soon. When too many wait already, and while Run does not
// run, the caller closes them itself: better slow than without bound.
func (c *closer) close(files ...*os.File) {
	for _, file := range files {
		if !c.accept(file) {
			_ = c.closeFile(file) // only read from
		}
	}
}

func (c *closer) accept(file *os.File) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case c.queue <- file:
		return true
	default:
		return false
	}
}
