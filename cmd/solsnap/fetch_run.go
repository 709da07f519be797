package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"solsnap/snapshot"
	"solsnap/snapshot/mirror"
)

// fetcher is a fetch under way, owned by one goroutine. The discoverer runs beside
// it until it is done, so that what is new shows.
type fetcher struct {
	*fetchCommand
	found     *discoverer
	transport http.RoundTripper
	limiter   *rate.Limiter // nil for no limit

	fullDir, incrementalDir string
	shelf                   shelf
	failed                  []mirror.Failure
	trouble                 error         // of the failures the one from which there is most to learn
	lost                    snapshot.Name // the last archive that no source could deliver
	measured                map[sampleKey]sample
	genesisDone             bool
	explainedOnce           bool
	result                  fetchResult
}

// run fetches, and prints what came of it.
func (f *fetchCommand) run(ctx context.Context) error {
	defer f.held.release(f.stderr)
	worker, err := f.prepare(ctx)
	if err != nil {
		return errors.Join(err, worker.conclude(err))
	}
	defer worker.transport.(*http.Transport).CloseIdleConnections()
	group, running := errgroup.WithContext(ctx)
	looking, stop := context.WithCancel(running)
	group.Go(func() error { return worker.found.Run(looking) })
	group.Go(func() error {
		defer stop()
		return explained(worker.fetch(running))
	})
	err = group.Wait()
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errTimeout) {
		err = explained(fmt.Errorf("%w %s", errTimeout, printDuration(f.timeout)))
	}
	return errors.Join(err, worker.conclude(err))
}

// conclude prints what came of it.
func (f *fetcher) conclude(err error) error {
	f.result.fail(err)
	return f.print()
}

// prepare opens sockets and makes directories.
func (f *fetchCommand) prepare(ctx context.Context) (*fetcher, error) {
	w := &fetcher{fetchCommand: f, measured: map[sampleKey]sample{}, shelf: newShelf()}
	w.places()
	node, private, err := f.join(ctx)
	if err != nil {
		return w, err
	}
	transport := fetchTransport(private, f.origins)
	w.transport = transport
	if f.limitRate > 0 {
		const least = 32 << 10
		w.limiter = rate.NewLimiter(rate.Limit(f.limitRate), int(max(f.limitRate/50, least)))
	}
	w.found, err = newDiscoverer(f, node, transport)
	return w, err
}

// join listens for gossip, if there is an entrypoint to join by. private tells that
// private addresses are real ones.
func (f *fetchCommand) join(ctx context.Context) (node gossipNode, private bool, _ error) {
	if len(f.config.Entrypoints) == 0 {
		return nil, f.config.AllowPrivateAddr, nil
	}
	config, err := f.nodeConfig(ctx)
	if err != nil {
		return nil, false, err
	}
	if node, err = f.build(config); err != nil {
		return nil, false, err
	}
	return node, config.AllowPrivate, node.Listen(ctx)
}

// places decides where archives go. With -o - nothing stays there.
func (f *fetcher) places() {
	f.fullDir, f.incrementalDir = f.config.FullDir, f.config.IncrementalDir
	if info, err := os.Stat(f.fullDir); f.output != "" && (err != nil || !info.IsDir()) {
		f.fullDir = filepath.Join(f.config.StateDir, "fetch")
	}
}

// makePlaces is called when there is something to put there.
func (f *fetcher) makePlaces() error {
	dirs := []string{f.fullDir}
	if !f.fullOnly {
		dirs = append(dirs, f.incrementalDir)
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fetchErrorf(diskTrouble, "%w; give another --snapshots", err)
		}
	}
	return nil
}

// fetch does everything.
func (f *fetcher) fetch(ctx context.Context) error {
	if err := f.look(ctx); err != nil {
		return err
	}
	if err := f.makePlaces(); err != nil {
		return err
	}
	full, err := f.full(ctx)
	if err != nil || f.output != "" {
		return err
	}
	if !f.fullOnly {
		if err := f.incremental(ctx, full); err != nil {
			return err
		}
	}
	f.tidy()
	return nil
}

// look finds out who is there, and how fast the best of them are.
func (f *fetcher) look(ctx context.Context) error {
	if err := f.refresh(); err != nil {
		return err
	}
	stop := f.showDiscovery()
	err := f.found.await(ctx, f.discovery, func() bool {
		return f.refresh() == nil && len(f.choose(nil).Plans) > 0
	})
	stop()
	if err != nil {
		return err
	}
	if err := f.refresh(); err != nil {
		return err
	}
	if len(f.choose(nil).Plans) == 0 {
		return f.nothing(nil)
	}
	if err := f.sample(ctx); err != nil {
		return err
	}
	return f.explainChoice()
}

// refresh looks at what is on the disk.
func (f *fetcher) refresh() error {
	if err := f.shelf.refresh(f.fullDir, f.incrementalDir); err != nil {
		return fetchErrorf(diskTrouble, "look at the archives that are there: %w; give another --snapshots", err)
	}
	return nil
}

// choose judges what is there now. base is nil for any full archive.
func (f *fetcher) choose(base *snapshot.Name) mirror.Choice {
	offers := mirror.Offers(f.found.directory.Catalog())
	for i := range offers {
		f.apply(&offers[i])
	}
	return f.found.choose(mirror.Request{
		Offers: offers, Have: f.shelf.names(), Kept: f.shelf.kept, Failed: f.failed,
		Base: base, Slot: f.slot, FullOnly: f.fullOnly,
	})
}

// full makes sure that there is a full archive, and returns its name. It tries what
// is the best until one is there or nothing is left.
func (f *fetcher) full(ctx context.Context) (snapshot.Name, error) {
	for {
		if err := f.refresh(); err != nil {
			return snapshot.Name{}, err
		}
		choice := f.choose(nil)
		if len(choice.Plans) == 0 {
			return snapshot.Name{}, f.nothing(nil)
		}
		plan := choice.Plans[0]
		if err := f.genesis(ctx, &plan); err != nil {
			if errors.Is(err, errOtherSource) {
				continue
			}
			return snapshot.Name{}, err
		}
		var err error
		if plan.Full.Have {
			err = f.reuse(ctx, plan.Full.Name, nil)
		} else {
			err = f.download(ctx, &plan.Full, f.fullDir, nil)
		}
		if err == nil {
			f.result.Behind = plan.Behind // if there will be no incremental
			return plan.Full.Name, nil
		}
		if err := f.goOn(ctx, plan.Full.Name, err); err != nil {
			return snapshot.Name{}, err
		}
	}
}

// newsTimeout is how long to wait for what replaces an incremental that has gone.
const newsTimeout = 30 * time.Second

// incremental gets the newest one on a full archive, if there is one. While that was
// downloaded, hours may have passed: the choice is made anew.
func (f *fetcher) incremental(ctx context.Context, full snapshot.Name) error {
	for waits := 3; ; {
		if err := f.refresh(); err != nil {
			return err
		}
		choice := f.choose(&full)
		if len(choice.Plans) == 0 {
			return f.nothing(&full)
		}
		plan := choice.Plans[0]
		switch {
		case plan.Incremental != nil:
			err := f.onFull(ctx, full, plan.Incremental)
			if err == nil {
				f.result.Behind = plan.Behind
				return nil
			}
			if err := f.goOn(ctx, plan.Incremental.Name, err); err != nil {
				return err
			}
		case waits > 0 && f.replaced(full):
			waits--
			if err := f.found.change(ctx, newsTimeout); err != nil {
				return err
			}
		default:
			return f.without(full, &plan)
		}
	}
}

// onFull gets one incremental.
func (f *fetcher) onFull(ctx context.Context, full snapshot.Name, step *mirror.Step) error {
	base, err := fileSource(f.shelf.archives[full])
	if err != nil {
		return fetchErrorf(diskTrouble, "%w", err)
	}
	if step.Have {
		return f.reuse(ctx, step.Name, &base)
	}
	return f.download(ctx, step, f.incrementalDir, &base)
}

// replaced reports whether all that was wrong with the incrementals on a full
// archive is that they had gone: others are there, or will be soon.
func (f *fetcher) replaced(full snapshot.Name) bool {
	gone := false
	for _, failure := range f.failed {
		if failure.Archive.Kind != snapshot.Incremental || failure.Archive.Base != full.Slot {
			continue
		}
		if !errors.Is(failure.Err, fs.ErrNotExist) {
			return false
		}
		gone = true
	}
	return gone
}

// without is what to say when no incremental is to be had: that nobody offers one is
// no failure.
func (f *fetcher) without(full snapshot.Name, plan *mirror.Plan) error {
	if f.lost.Kind == snapshot.Incremental && f.lost.Base == full.Slot {
		return f.nothing(&full)
	}
	f.result.Behind = plan.Behind
	if f.slot == nil {
		f.log.Warn("nobody who is believed has an incremental snapshot on it", "slot", full.Slot, "behind", plan.Behind)
	}
	return nil
}
