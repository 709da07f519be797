package mirror

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/fetch"
)

// Proof verifies an archive while it is downloaded. The archive is read once as it
// arrives, and again from the file only where accounts have superseded records.
type Proof struct {
	// Dir and Name are those of the download. Required.
	Dir  string
	Name snapshot.Name
	// Base is the full archive of an incremental one, which TierAccounts needs.
	Base *archive.Source
	// Tier is how much to prove. Required.
	Tier archive.Tier
	// ScratchDir is that of archive.VerifyConfig.
	ScratchDir string

	mu     sync.Mutex
	report *archive.Report // guarded by mu
}

// Report is of the last archive that came in whole. It is nil before.
func (p *Proof) Report() *archive.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.report
}

// Follow is for the configuration of a download whose context is ctx. It cancels
// that for what is not the archive's fault, as a full disk.
func (p *Proof) Follow(ctx context.Context, cancel context.CancelCauseFunc) func() fetch.Follower {
	return func() fetch.Follower { return p.begin(ctx, cancel) }
}

// begin begins anew.
func (p *Proof) begin(ctx context.Context, abandon context.CancelCauseFunc) *proving {
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	v := &proving{proof: p, pipe: w, cancel: cancel, abandon: abandon, done: make(chan struct{})}
	config := archive.VerifyConfig{
		Archive: archive.Source{Name: p.Name, Open: v.open(r)}, Base: p.base(),
		Tier: p.Tier, Early: true, ScratchDir: p.ScratchDir,
	}
	go func() {
		defer close(v.done)
		v.report, v.err = archive.Verify(ctx, config)
		_ = r.CloseWithError(errEnough) // it never fails
	}()
	return v
}

// base is what archive.Verify takes no more of than it needs.
func (p *Proof) base() *archive.Source {
	if p.Tier < archive.TierAccounts {
		return nil
	}
	return p.Base
}

// errEnough means that the verification has ended before the archive.
var errEnough = errors.New("the verification has ended")

// proving is one go at an archive. Its methods are called by one goroutine, its
// results are set by another before done is closed.
type proving struct {
	proof   *Proof
	pipe    *io.PipeWriter
	cancel  context.CancelFunc      // of the verification
	abandon context.CancelCauseFunc // of the download
	opened  bool                    // owned by the verification

	done   chan struct{}
	report *archive.Report
	err    error
}

// open gives the stream first, and the file for later passes: they begin when all
// has been read.
func (v *proving) open(stream *io.PipeReader) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		if !v.opened {
			v.opened = true
			return stream, nil
		}
		return os.Open(fetch.PartialPath(v.proof.Dir, v.proof.Name))
	}
}

// Write implements fetch.Follower.
func (v *proving) Write(b []byte) (int, error) {
	n, err := v.pipe.Write(b)
	if err == nil {
		return n, nil
	}
	<-v.done
	if err := v.verdict(); err != nil {
		return n, err
	}
	return len(b), nil // it was proven without these, as a name is
}

// End implements fetch.Follower.
func (v *proving) End(err error) error {
	if err != nil {
		v.cancel()
		_ = v.pipe.CloseWithError(err) // it never fails
		<-v.done
		return nil
	}
	_ = v.pipe.Close() // it never fails
	<-v.done
	v.cancel()
	v.proof.mu.Lock()
	defer v.proof.mu.Unlock()
	v.proof.report = v.report
	return v.verdict()
}

// verdict is the archive's failure, or ours, which ends the download.
func (v *proving) verdict() error {
	if v.err != nil {
		v.abandon(v.err)
		return v.err
	}
	if v.report.Failure != nil {
		return v.report.Failure
	}
	return nil
}
