package main

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/fetch"
	"solsnap/snapshot/mirror"
)

// holdLog keeps what is logged until the bar has gone, where there is one.
func (f *fetcher) holdLog(stop func()) func() {
	return func() {
		stop()
		f.held.release(f.stderr)
	}
}

// showDiscovery shows how many were found.
func (f *fetcher) showDiscovery() (stop func()) {
	if terminal, ok := terminalOf(f.stderr); ok {
		show, end := peersBar(terminal, f.discovery)
		return f.holdLog(every(barInterval, func() { show(f.found.found()) }, end))
	}
	return every(lineInterval, func() {
		nodes, producers := f.found.found()
		f.log.Info("looking for snapshots", "nodes", nodes, "with_snapshots", producers)
	}, func() {})
}

// showProof shows the verification of an archive that is there.
func (f *fetcher) showProof(name snapshot.Name, p *archive.Progress) (stop func()) {
	if terminal, ok := terminalOf(f.stderr); ok {
		show, end := bar(terminal, p)
		return f.holdLog(every(barInterval, show, end))
	}
	v := verifier{log: f.log}
	return every(lineInterval, v.line(name.String(), p), func() {})
}

// showDownload shows how far a download is.
func (f *fetcher) showDownload(step *mirror.Step, d *fetch.Download) (stop func()) {
	if terminal, ok := terminalOf(f.stderr); ok {
		show, end := downloadBar(terminal, step, d)
		return f.holdLog(every(barInterval, show, end))
	}
	f.log.Info("downloading", "archive", step.Name.String(), "sources", len(step.Sources), "kept", step.Kept)
	return every(lineInterval, func() {
		p := d.Progress()
		f.log.Info("downloading", "archive", step.Name.String(), "bytes", p.Have, "of", p.Size, "verified", p.Followed,
			"bytes_per_second", p.Rate, "from", strings.Join(used(&p), " "))
	}, func() {})
}

// used are the sources that are read now.
func used(p *fetch.Progress) (urls []string) {
	for _, s := range p.Sources {
		if s.Used {
			urls = append(urls, s.URL)
		}
	}
	return urls
}

// downloadBar draws bytes, speed, the time that is left and how many sources are
// read.
func downloadBar(terminal *os.File, step *mirror.Step, d *fetch.Download) (show, end func()) {
	var last atomic.Pointer[fetch.Progress]
	last.Store(&fetch.Progress{})
	state := func(s decor.Statistics) string {
		p := last.Load()
		text := fmt.Sprintf(" %s/s from %d", humanize.IBytes(uint64(max(p.Rate, 0))), len(used(p)))
		if p.Rate > 0 && p.Size > p.Have {
			text += fmt.Sprintf(", %v left", seconds(float64(p.Size-p.Have)/float64(p.Rate)).Round(1e9))
		}
		return text
	}
	container := mpb.New(mpb.WithOutput(terminal), mpb.WithRefreshRate(barInterval), mpb.WithWidth(40))
	bar := container.AddBar(step.Size+1, // the end is ours to tell
		mpb.PrependDecorators(decor.Name(step.Name.Kind.String()+" "), decor.CountersKibiByte("% .1f / % .1f")),
		mpb.AppendDecorators(decor.Any(state)))
	show = func() {
		p := d.Progress()
		last.Store(&p)
		if p.Size > 0 {
			bar.SetTotal(p.Size+1, false)
		}
		bar.SetCurrent(p.Have)
	}
	return show, func() {
		bar.Abort(true)
		container.Wait()
	}
}
