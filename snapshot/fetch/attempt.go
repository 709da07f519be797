package fetch

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// team is sources whose bytes may be joined, best first: all with the same
// manifest, or one alone.
type team []*origin

// teams joins what may be joined. Who has no ranges stays alone even with a
// manifest, because it cannot send a part.
func teams(offered []*origin) []team {
	var all []team
	for _, o := range offered {
		joined := false
		for i, t := range all {
			if first := t[0].offer; joinable(first, o.offer) {
				all[i], joined = append(t, o), true
				break
			}
		}
		if !joined {
			all = append(all, team{o})
		}
	}
	return all
}

func joinable(a, b *offer) bool {
	return a.ranges && b.ranges && a.manifest != nil && b.manifest != nil && a.manifest.equal(b.manifest)
}

// terms are by what the team's bytes are told from others. Without ranges nothing
// can be gone on with, so nothing is worth keeping.
func (t team) terms() terms {
	o := t[0].offer
	result := terms{basis: basis{size: o.size}}
	if o.ranges && o.manifest == nil {
		result.url, result.tag = o.url.String(), o.etag
	}
	if o.ranges {
		result.manifest = o.manifest
	}
	return result
}

// refuted reports whether every one of the team was found to send what is wrong:
// then nothing that came from them is worth keeping.
func (t team) refuted() bool {
	for _, o := range t {
		o.mu.Lock()
		gone := o.gone
		o.mu.Unlock()
		if !errors.Is(gone, ErrVerification) {
			return false
		}
	}
	return true
}

// attempt is one team's go at the archive.
type attempt struct {
	config   *Config
	part     *partial
	team     team
	manifest *manifest // what to check pieces by, or nil
	board    *board
	full     chan int // pieces to check; its senders wait when it has maxUnchecked
	rate     atomic.Int64
	followed atomic.Int64
}

// maxUnchecked is how far fetching may be ahead of checking, in pieces.
const maxUnchecked = 4

var (
	// errExhausted means that all of the team were given up.
	errExhausted = errors.New("no source of these is left")
	// errRejected means that the Follower found the archive bad.
	errRejected = errors.New("what arrived is bad")
)

// diskError is trouble with our own file: no other source would help.
type diskError struct{ error }

func (e diskError) Unwrap() error { return e.error }

func onDisk(err error) error {
	if err == nil {
		return nil
	}
	return diskError{err}
}

func newAttempt(c *Config, p *partial, t team) (*attempt, error) {
	good, err := p.begin(t.terms(), c.Reserve)
	if err != nil {
		return nil, onDisk(err)
	}
	o := t[0].offer
	workers := 1
	if o.ranges {
		workers = len(t) * c.Connections
	}
	return &attempt{config: c, part: p, team: t, manifest: o.manifest, full: make(chan int, maxUnchecked),
		board: newBoard(o.size, good, workers)}, nil
}

// run returns nil when every piece is good and the Follower agrees.
func (a *attempt) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.work(ctx) })
	group.Go(func() error { return a.check(ctx) })
	group.Go(func() error { return a.watch(ctx) })
	group.Go(func() error { return a.save(ctx) })
	if a.config.Follow != nil {
		group.Go(func() error { return a.follow(ctx) })
	}
	err := group.Wait()
	if err != nil {
		return errors.Join(err, onDisk(a.part.checkpoint()))
	}
	return nil
}

// work runs a worker for each connection until they have nothing to do.
func (a *attempt) work(ctx context.Context) error {
	defer close(a.full)
	group, ctx := errgroup.WithContext(ctx)
	for i := range a.board.workers {
		w := &worker{attempt: a, member: i % len(a.team)}
		group.Go(func() error { return w.run(ctx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if !a.board.complete() {
		return errExhausted
	}
	return nil
}

// check takes the digest of pieces that are full.
func (a *attempt) check(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case i, ok := <-a.full:
			if !ok {
				return nil
			}
			if err := a.settle(i); err != nil {
				return onDisk(err)
			}
		}
	}
}

// settle checks a piece. It is recorded before anyone is told that it is good.
func (a *attempt) settle(i int) error {
	found, err := a.part.digest(a.board.extent(i))
	if err != nil {
		return fmt.Errorf("read piece %d: %w", i, err)
	}
	good := a.manifest == nil || found == a.manifest.pieces[i]
	if good {
		if err := a.part.record(i, found); err != nil {
			return fmt.Errorf("record piece %d: %w", i, err)
		}
	}
	if by := a.board.settle(i, good); !good && by >= 0 {
		a.team[by].fail(refusal(ErrVerification, "chunk %d has the digest %x, its manifest says %x", i, found[:4], a.manifest.pieces[i][:4]), a.config)
	}
	return nil
}

// watch judges the rate until all bytes have come.
func (a *attempt) watch(ctx context.Context) error {
	ticker := time.NewTicker(floorTick)
	defer ticker.Stop()
	limit := floor{rate: a.config.MinRate}
	for !a.board.complete() {
		changed := a.board.change()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-ticker.C:
			_, _, landed := a.board.progress()
			quick := limit.tick(landed)
			a.rate.Store(limit.current)
			if !quick && !a.board.arrived() {
				return a.tooSlow(limit.current)
			}
		}
	}
	return nil
}

// tooSlow gives all of the team up: they were too slow together.
func (a *attempt) tooSlow(rate int64) error {
	for _, o := range a.team {
		o.fail(refusal(ErrTooSlow, "%s/s over %d s, want %s/s", bytesOf(rate), floorWindow, bytesOf(a.config.MinRate)), a.config)
	}
	return errExhausted
}

// saveInterval is how much of a download a crash of the machine may cost at most
// where there is no manifest, and how much is read again where there is.
const saveInterval = 5 * time.Second

// save makes what is good durable, from time to time.
func (a *attempt) save(ctx context.Context) error {
	ticker := time.NewTicker(saveInterval)
	defer ticker.Stop()
	for !a.board.complete() {
		changed := a.board.change()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-ticker.C:
			if err := a.part.checkpoint(); err != nil {
				return onDisk(err)
			}
		}
	}
	return nil
}

// follow hands the Follower what is good from the first byte on.
func (a *attempt) follow(ctx context.Context) error {
	follower := a.config.Follow()
	err := a.feed(ctx, follower)
	if err == nil {
		err = follower.End(nil)
	} else {
		_ = follower.End(err) // it has failed already
	}
	if err == nil || ctx.Err() != nil || errors.As(err, new(diskError)) {
		return err
	}
	a.reject(err)
	return fmt.Errorf("%w: %w", errRejected, err)
}

// feed hands over what is good, as it becomes so, until that is all.
func (a *attempt) feed(ctx context.Context, follower Follower) error {
	buffer := make([]byte, 1<<20)
	for at := int64(0); at < a.board.size; {
		changed := a.board.change()
		until := a.board.prefix(at)
		if err := a.hand(ctx, follower, buffer, at, until); err != nil {
			return err
		}
		if at = until; at == a.board.size {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
	return nil
}

// hand reads a part back and hands it over.
func (a *attempt) hand(ctx context.Context, follower Follower, buffer []byte, at, until int64) error {
	for at < until && ctx.Err() == nil {
		part := buffer[:min(int64(len(buffer)), until-at)]
		if _, err := a.part.file.ReadAt(part, at); err != nil {
			return onDisk(fmt.Errorf("read back: %w", err))
		}
		if _, err := follower.Write(part); err != nil {
			return err
		}
		at += int64(len(part))
		a.followed.Store(at)
	}
	return ctx.Err()
}

// reject gives the team up: all of them have the bytes that were found bad.
func (a *attempt) reject(err error) {
	for _, o := range a.team {
		o.fail(refusal(ErrVerification, "%w", err), a.config)
	}
}
