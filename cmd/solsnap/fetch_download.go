package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/fetch"
	"solsnap/snapshot/mirror"
)

// team is how many sources are given to one download: it joins the ones whose
// digests prove the same bytes, and keeps the others in reserve.
const team = 16

// download gets an archive from its sources, verifies it while it arrives, and
// commits it, or writes it to stdout. An incremental one has a base.
func (f *fetcher) download(ctx context.Context, step *mirror.Step, dir string, base *archive.Source) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sources := step.Sources[:min(len(step.Sources), team)]
	proof := &mirror.Proof{Dir: dir, Name: step.Name, Base: base, Tier: f.tier, ScratchDir: f.scratch}
	config := fetch.Config{
		Dir: dir, Name: step.Name, Follow: proof.Follow(ctx, cancel), MinRate: int64(f.minSpeed), Limiter: f.limiter,
		Logger: f.log, Transport: f.transport,
	}
	for _, s := range sources {
		config.Sources = append(config.Sources, s.URL)
	}
	d, err := fetch.New(config)
	if err != nil {
		return err
	}
	began := time.Now()
	stop := f.showDownload(step, d)
	pending, err := d.Run(ctx)
	stop()
	got := f.account(step, sources, d, time.Since(began))
	if err != nil {
		return err
	}
	got.Proven = proof.Report().Reached
	if f.output == "" {
		got.Path = filepath.Join(dir, step.Name.String())
	}
	if err := f.deliver(ctx, pending); err != nil {
		return err
	}
	f.shelf.proven[step.Name], f.shelf.archives[step.Name] = true, got.Path
	f.result.add(got)
	return nil
}

// account notes how the sources did.
func (f *fetcher) account(step *mirror.Step, sources []mirror.Place, d *fetch.Download, took time.Duration) *fetchedArchive {
	p := d.Progress()
	got := &fetchedArchive{Name: step.Name, Size: p.Size, Resumed: p.Resumed, Seconds: took.Seconds(), Sources: []fetchedFrom{}}
	for i, s := range p.Sources {
		if s.Received > 0 {
			got.Sources = append(got.Sources, fetchedFrom{URL: s.URL, Bytes: s.Received})
			f.learn(sources[i].Peer, s.Received, took)
		}
	}
	return got
}

// deliver publishes what has been proven.
func (f *fetcher) deliver(ctx context.Context, pending *fetch.Pending) error {
	if f.output == "" {
		return pending.Commit()
	}
	if err := f.pour(ctx, pending.Path()); err != nil {
		pending.Leave() // it is there and proven: the next run has little to do
		return err
	}
	pending.Discard()
	return nil
}

// pour writes an archive to stdout.
func (f *fetcher) pour(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fetchErrorf(diskTrouble, "%w", err)
	}
	defer file.Close()
	stop := context.AfterFunc(ctx, func() { file.Close() }) // ends the copy between two reads
	defer stop()
	if _, err := io.Copy(f.stdout, file); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("write to stdout: %w", err)
	}
	return nil
}

// goOn notes why an archive could not be had, and returns nil if others may be.
func (f *fetcher) goOn(ctx context.Context, name snapshot.Name, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, fs.ErrExist) {
		return f.exists(name, err)
	}
	var bad *badArchiveError
	if errors.As(err, &bad) {
		f.log.Warn("archive on the disk is not used", "path", bad.path, "err", bad.failure)
		f.remember(fmt.Errorf("%w: %w", fetch.ErrVerification, err))
		return nil
	}
	var failed *fetch.Error
	if !errors.As(err, &failed) || len(failed.Sources) == 0 {
		return err // no other source can do anything about it
	}
	f.log.Warn("archive could not be had; trying what else there is", "archive", name.String(), "err", failed.Reason)
	for _, s := range failed.Sources {
		f.blame(s.URL, name, s.Err)
	}
	f.remember(failed)
	f.lost = name
	return nil
}

// exists is what to do when something has the name of an archive that was not to be
// seen: another program may just have put it there.
func (f *fetcher) exists(name snapshot.Name, err error) error {
	if f.shelf.bad[name] {
		return fetchErrorf(verification, "%s is in the way, and not what it claims to be; remove it", f.shelf.archives[name])
	}
	if err := f.refresh(); err != nil {
		return err
	}
	if _, there := f.shelf.archives[name]; there {
		return nil
	}
	return err
}

// nothing is left to try, or nothing was there.
func (f *fetcher) nothing(base *snapshot.Name) error {
	if err := f.explainChoice(); err != nil {
		return err
	}
	if f.trouble != nil {
		return &fetchError{cmp.Or(kindOf(f.trouble), noSource), fmt.Errorf("no source is left: %w; %s", f.trouble, nextStep(cmp.Or(kindOf(f.trouble), noSource)))}
	}
	refused := f.choose(base).Refused
	for i := range refused {
		if refused[i].Reason.Untrusted() {
			return fetchErrorf(untrusted, "nothing that is offered is to be trusted: %s: %s; %d of %d known validators were heard; %s",
				refused[i].Archive, &refused[i], f.found.heard(), len(f.config.KnownValidators), nextStep(untrusted))
		}
	}
	return f.nobodyOffers(len(refused))
}

// nobodyOffers says what may be wrong.
func (f *fetcher) nobodyOffers(refused int) error {
	nodes, _ := f.found.found()
	switch {
	case refused > 0 && f.slot != nil:
		return fetchErrorf(noSource, "nobody offers what restores slot %d; without --slot the best is taken", *f.slot)
	case refused > 0:
		return fetchErrorf(noSource, "nothing that is offered can be had; %s", nextStep(noSource))
	case f.found.node != nil && nodes == 0 && len(f.origins) == 0:
		return &fetchError{noSource, f.nobody(f.found.node.Addr())}
	}
	return fetchErrorf(noSource, "nobody offers a snapshot: %d nodes in gossip, %d origins; %s", nodes, len(f.origins), nextStep(noSource))
}
