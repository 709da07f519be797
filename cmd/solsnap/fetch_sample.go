package main

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"solsnap/gossip/wire"
	"solsnap/snapshot"
	"solsnap/snapshot/fetch"
	"solsnap/snapshot/mirror"
)

// sampleKey is an archive at a source, whatever its format.
type sampleKey struct {
	url  string
	name snapshot.Name
}

// sample is what was seen of it.
type sample struct {
	fetch.Sampled
	format snapshot.Format
}

const (
	// knocked is how many sources are asked whether they answer, as Agave vets 32
	// peers.
	knocked = 32
	// sampled is how many of those that do are measured, by at most so many bytes and
	// for at most so long.
	sampled       = 4
	sampleBytes   = 8 << 20
	sampleTime    = 2 * time.Second
	knockTimeout  = 5 * time.Second
	knocksAtATime = 16
)

// candidate is a source and what it would be asked for first.
type candidate struct {
	place mirror.Place
	name  snapshot.Name
}

// sample asks the best sources whether they are there, and measures the best few of
// those that are.
func (f *fetcher) sample(ctx context.Context) error {
	f.knock(ctx, f.candidates(knocked))
	if f.limiter == nil { // else they are all as fast as that
		f.measure(ctx, f.candidates(sampled))
	}
	return context.Cause(ctx)
}

// candidates are the best sources of the best plans.
func (f *fetcher) candidates(most int) []candidate {
	var all []candidate
	seen := map[string]bool{}
	for _, plan := range f.choose(nil).Plans {
		step := &plan.Full
		if step.Have {
			step = plan.Incremental
		}
		if step == nil || step.Have {
			continue
		}
		for _, place := range step.Sources {
			if !seen[place.URL] && len(all) < most {
				seen[place.URL] = true
				all = append(all, candidate{place, step.Name})
			}
		}
	}
	return all
}

// knock asks for a first byte. Who has the archive in the other format says so.
func (f *fetcher) knock(ctx context.Context, all []candidate) {
	var group errgroup.Group
	group.SetLimit(knocksAtATime)
	var mu sync.Mutex // guards what f notes
	for _, c := range all {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, knockTimeout)
			defer cancel()
			found, format, err := f.find(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			f.note(c, found, format, err)
			return nil
		})
	}
	_ = group.Wait() // none returns an error
}

// find looks for both formats.
func (f *fetcher) find(ctx context.Context, c candidate) (found fetch.Sampled, _ snapshot.Format, err error) {
	for _, format := range []snapshot.Format{snapshot.FormatZstd, snapshot.FormatLZ4} {
		c.name.Format = format
		found, err = fetch.Sample(ctx, f.transport, c.place.URL, c.name, 1, knockTimeout)
		if !errors.Is(err, fs.ErrNotExist) {
			return found, format, err
		}
	}
	return found, snapshot.FormatZstd, err
}

func (f *fetcher) note(c candidate, found fetch.Sampled, format snapshot.Format, err error) {
	if err != nil {
		f.blame(c.place.URL, c.name, err)
		return
	}
	f.measured[keyOf(c.place.URL, c.name)] = sample{found, format}
}

func keyOf(url string, name snapshot.Name) sampleKey {
	name.Format = snapshot.FormatZstd
	return sampleKey{url, name}
}

// measure downloads a little from one after the other: together they would share
// what our own line can bear. With one source there is nothing to compare.
func (f *fetcher) measure(ctx context.Context, all []candidate) {
	if len(all) < 2 {
		return
	}
	for _, c := range all {
		s, err := fetch.Sample(ctx, f.transport, c.place.URL, c.name, sampleBytes, sampleTime)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			f.blame(c.place.URL, c.name, err)
			continue
		}
		f.found.directory.SampleSpeed(c.place.Peer, uint64(s.Read), max(s.Took, time.Millisecond))
	}
}

// blame notes that a source did not deliver. One that does not have an archive may
// have others, and one that fails otherwise is left alone.
func (f *fetcher) blame(url string, name snapshot.Name, err error) {
	failure := mirror.Failure{URL: url, Err: err}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fetch.ErrName) {
		failure.Archive = name
	}
	if !slices.ContainsFunc(f.failed, func(other mirror.Failure) bool { return other.URL == url && other.Archive == failure.Archive }) {
		f.failed = append(f.failed, failure)
	}
	f.log.Debug("source failed", "url", url, "archive", name.String(), "err", err)
	f.remember(err)
}

// remember keeps the error from which there is most to learn.
func (f *fetcher) remember(err error) {
	if f.trouble == nil || kindOf(f.trouble) != worse(kindOf(f.trouble), kindOf(err)) {
		f.trouble = err
	}
}

// apply adds to an offer what was seen of its archives.
func (f *fetcher) apply(o *mirror.Offer) {
	if s, ok := f.measured[keyOf(o.URL, o.Full.Name)]; ok {
		o.Full = s.of(o.Full)
		if o.RTT == 0 {
			o.RTT = s.Latency
		}
	}
	if o.Incremental == nil {
		return
	}
	if s, ok := f.measured[keyOf(o.URL, o.Incremental.Name)]; ok {
		seen := s.of(*o.Incremental)
		o.Incremental = &seen
	}
}

func (s *sample) of(o mirror.Offered) mirror.Offered {
	o.Size, o.Name.Format = s.Size, s.format
	return o
}

// learn tells how fast a source was.
func (f *fetcher) learn(peer wire.Pubkey, bytes int64, took time.Duration) {
	const least = 1 << 20 // less tells of the round trip
	if bytes >= least {
		f.found.directory.SampleSpeed(peer, uint64(bytes), took)
	}
}
