package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Download is one archive on its way from its sources into a directory.
type Download struct {
	config  Config
	origins []*origin
	current atomic.Pointer[attempt] // nil before the first
}

// New does nothing yet; see Run. Its errors are about config.
func New(config Config) (*Download, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	origins, err := config.origins()
	if err != nil {
		return nil, err
	}
	return &Download{config: config, origins: origins}, nil
}

// Run downloads; it may be called once. It returns an *Error that says why it could not, an error
// for which errors.Is reports fs.ErrExist if the archive is there already, or
// that of ctx.
//
// After an error nothing is left of what cannot be continued, or came from sources
// that did not pass verification. What can be continued stays, hidden, for another
// Run; see the function Discard.
func (d *Download) Run(ctx context.Context) (*Pending, error) {
	if d.config.Transport == nil {
		transport := NewTransport()
		defer transport.CloseIdleConnections()
		d.config.Transport = transport
	}
	part, err := openPartial(d.config.Dir, d.config.Name)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, err
	case errors.Is(err, ErrBusy):
		return nil, &Error{Name: d.config.Name, Reason: ErrBusy}
	case err != nil:
		return nil, &Error{Name: d.config.Name, Reason: ErrDisk, Cause: err}
	}
	proven, err := d.deliver(ctx, part)
	if err == nil {
		return &Pending{part: part, proven: proven}, nil
	}
	err = d.explain(ctx, err)
	if !part.resumable() {
		part.remove()
	} else {
		part.leave()
	}
	return nil, err
}

// deliver lets one team after the other try, until one succeeds or all sources
// are given up.
func (d *Download) deliver(ctx context.Context, part *partial) (proven bool, _ error) {
	for {
		offered, delay := d.probe(ctx)
		for _, t := range d.inOrder(part, teams(offered)) {
			err := d.try(ctx, part, t)
			if err == nil {
				return t[0].offer.manifest != nil, nil
			}
			if ctx.Err() != nil || errors.As(err, new(diskError)) {
				return false, err
			}
			if t.refuted() {
				part.distrust()
			}
		}
		if !slices.ContainsFunc(d.origins, func(o *origin) bool { return !o.isGone() }) {
			return false, errExhausted
		}
		if err := pause(ctx, delay); err != nil {
			return false, err
		}
	}
}

// try lets one team try. That there is no room for what it has is held against the
// team: it may have lied about its size, and others need not have.
func (d *Download) try(ctx context.Context, part *partial, t team) error {
	a, err := newAttempt(&d.config, part, t)
	if space := (*SpaceError)(nil); errors.As(err, &space) {
		for _, o := range t {
			o.fail(refusal(ErrDisk, "%w", space), &d.config)
		}
		return errExhausted
	}
	if err != nil {
		return err
	}
	d.current.Store(a)
	return a.run(ctx)
}

// inOrder puts the team first that can continue most; otherwise the best source's.
func (d *Download) inOrder(part *partial, all []team) []team {
	slices.SortStableFunc(all, func(a, b team) int {
		return cmp.Compare(part.provable(b.terms()), part.provable(a.terms()))
	})
	return all
}

// probe asks all sources that are not given up what they have. It returns those
// that answered, best first, and after how long the others may be asked again.
func (d *Download) probe(ctx context.Context) (offered []*origin, delay time.Duration) {
	var group errgroup.Group
	const atOnce = 16
	group.SetLimit(atOnce)
	var mu sync.Mutex // guards delay
	for _, o := range d.origins {
		o.offer = nil
		if o.isGone() {
			continue
		}
		group.Go(func() error {
			if wait := d.probeOne(ctx, o); wait > 0 {
				mu.Lock()
				defer mu.Unlock()
				if delay == 0 || wait < delay {
					delay = wait
				}
			}
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	for _, o := range d.origins {
		if o.offer != nil {
			offered = append(offered, o)
		}
	}
	return offered, delay
}

func (d *Download) probeOne(parent context.Context, o *origin) (wait time.Duration) {
	ctx, cancel := context.WithTimeoutCause(parent, d.config.StallTimeout, errStalled)
	defer cancel()
	found, err := probe(ctx, d.config.Transport, o, d.config.Name)
	if err == nil {
		o.offer = found
		return 0
	}
	if parent.Err() != nil {
		return 0
	}
	if ctx.Err() != nil && !isFinal(err) {
		err = context.Cause(ctx)
	}
	wait, _ = o.fail(err, &d.config)
	return wait
}

// explain says why deliver has failed.
func (d *Download) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("fetch %s: %w", d.config.Name, context.Cause(ctx))
	}
	result := &Error{Name: d.config.Name, Sources: d.failures()}
	var disk diskError
	if errors.As(err, &disk) {
		result.Reason, result.Cause = ErrDisk, disk.error
		return result
	}
	result.Reason = reasonOf(result.Sources)
	for _, s := range result.Sources {
		if space := (*SpaceError)(nil); errors.Is(result.Reason, ErrDisk) && errors.As(s.Err, &space) {
			result.Cause = space
		}
	}
	return result
}

func (d *Download) failures() (failed []SourceError) {
	for _, o := range d.origins {
		o.mu.Lock()
		if o.gone != nil {
			failed = append(failed, SourceError{URL: o.redacted(), Err: o.gone})
		}
		o.mu.Unlock()
	}
	return failed
}
