package origin

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// Prober keeps the entries of origins in a directory.
type Prober struct {
	cfg     Config
	running atomic.Bool
	reset   chan struct{} // one place: there are other origins than Run knows

	mu    sync.Mutex
	bases []base // guarded by mu; replaced whole, never modified
}

// New does nothing yet; see Run. Its errors are about config.
func New(config Config) (*Prober, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	bases, err := parseBases(config.URLs)
	if err != nil {
		return nil, err
	}
	return &Prober{cfg: config, bases: bases, reset: make(chan struct{}, 1)}, nil
}

// Reset has Run keep these origins from now on, and no others. Those that stay are
// not disturbed; those that go leave the directory. The error is about a URL, and
// changes nothing.
func (p *Prober) Reset(urls []string) error {
	bases, err := parseBases(urls)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.bases = bases
	p.mu.Unlock()
	select {
	case p.reset <- struct{}{}:
	default: // Run will look anyway
	}
	return nil
}

// errRunning means that Run was called twice.
var errRunning = errors.New("origin: the prober was started before")

// Run asks the origins until ctx is done, each in a goroutine of its own, and returns
// when all have ended. What nobody keeps is not left behind: then none is in the
// directory. It can be called once.
func (p *Prober) Run(ctx context.Context) error {
	if p.running.Swap(true) {
		return errRunning
	}
	cfg := p.cfg
	if cfg.Transport == nil {
		transport := newTransport()
		defer transport.CloseIdleConnections()
		cfg.Transport = transport
	}
	tasks := make(map[string]*task)
	defer keep(tasks, nil)
	for {
		p.update(ctx, &cfg, tasks)
		select {
		case <-ctx.Done():
			return nil
		case <-p.reset:
		}
	}
}

// update ends and begins what Reset has changed.
func (p *Prober) update(ctx context.Context, cfg *Config, tasks map[string]*task) {
	p.mu.Lock()
	bases := p.bases
	p.mu.Unlock()
	wanted := make(map[string]bool)
	for _, b := range bases {
		wanted[b.text] = true
	}
	keep(tasks, wanted)
	for _, b := range bases {
		if tasks[b.text] == nil {
			tasks[b.text] = begin(ctx, newWatch(cfg, b))
		}
	}
}

// task is a goroutine that watches an origin.
type task struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func begin(ctx context.Context, w *watch) *task {
	ctx, cancel := context.WithCancel(ctx)
	t := &task{cancel, make(chan struct{})}
	go func() {
		defer close(t.done)
		w.run(ctx)
	}()
	return t
}

// keep ends all tasks that are not wanted, and waits for them: one that begins anew
// must not meet the one before it.
func keep(tasks map[string]*task, wanted map[string]bool) {
	var ended []*task
	for text, t := range tasks {
		if !wanted[text] {
			t.cancel()
			ended = append(ended, t)
			delete(tasks, text)
		}
	}
	for _, t := range ended {
		<-t.done
	}
}
