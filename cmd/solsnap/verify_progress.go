package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"solsnap/snapshot/archive"
)

const (
	// barInterval is how often a bar is drawn, and lineInterval how often a line
	// is logged where there is no terminal.
	barInterval  = 200 * time.Millisecond
	lineInterval = 10 * time.Second
)

// watch shows the progress on a terminal, and logs it elsewhere, until stop.
func (v *verifier) watch(title string, p *archive.Progress) (stop func()) {
	show, interval := v.line(title, p), lineInterval
	end := func() {}
	if terminal, ok := v.stderr.(*os.File); ok && term.IsTerminal(int(terminal.Fd())) {
		show, end = bar(terminal, p)
		interval = barInterval
	}
	return every(interval, show, end)
}

// every calls show every so often, and end at the end, which stop waits for.
func every(interval time.Duration, show, end func()) (stop func()) {
	done := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				end()
				return
			case <-ticker.C:
				show()
			}
		}
	})
	return func() {
		close(done)
		shown.Wait()
	}
}

// line logs how far it is.
func (v *verifier) line(title string, p *archive.Progress) func() {
	rate := newRecordRate(p)
	return func() {
		read, total := p.Bytes()
		v.log.Info("verifying", "archive", title, "pass", p.Pass(), "bytes", read, "of", total,
			"records", p.Records(), "records_per_second", rate())
	}
}

// bar draws bytes, records a second and the time that is left. It begins anew with
// each pass.
func bar(terminal *os.File, p *archive.Progress) (show, end func()) {
	container := mpb.New(mpb.WithOutput(terminal), mpb.WithRefreshRate(barInterval), mpb.WithWidth(40))
	rate, pass := newRecordRate(p), 0
	var current *mpb.Bar
	show = func() {
		read, total := p.Bytes()
		if now := p.Pass(); now != pass {
			if current != nil {
				current.Abort(true)
			}
			pass = now
			current = container.AddBar(total,
				mpb.PrependDecorators(decor.Name(passName(pass)), decor.CountersKibiByte("% .1f / % .1f")),
				mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
					return fmt.Sprintf("%s accounts/s ", comma(rate()))
				}), decor.AverageETA(decor.ET_STYLE_GO)))
		}
		current.SetCurrent(min(read, max(total-1, 0))) // the end is ours to tell
	}
	end = func() {
		if current != nil {
			current.Abort(true)
		}
		container.Wait()
	}
	return show, end
}

// passName says what a pass does, see archive.Verify.
func passName(pass int) string {
	switch pass {
	case 0, 1:
		return "reading   "
	case 2:
		return "sorting   "
	default:
		return "resolving "
	}
}

// newRecordRate gives the records per second since it was last asked.
func newRecordRate(p *archive.Progress) func() uint64 {
	var mu sync.Mutex
	before, at, rate := p.Records(), time.Now(), uint64(0)
	return func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		now := p.Records()
		passed := time.Since(at)
		if passed < barInterval/2 {
			return rate
		}
		rate = 0
		if now > before {
			rate = uint64(float64(now-before) / passed.Seconds())
		}
		before, at = now, time.Now()
		return rate
	}
}
