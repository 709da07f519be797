package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

// fetchResult is what came of it, as `solsnap fetch --json` prints it. Scripts read
// it: the member names must not change.
type fetchResult struct {
	OK          bool            `json:"ok"`
	Slot        *snapshot.Slot  `json:"slot"` // that can be restored
	Behind      uint64          `json:"slotsBehind"`
	Full        *fetchedArchive `json:"full"`
	Incremental *fetchedArchive `json:"incremental"`
	Genesis     *fetchedGenesis `json:"genesis"`
	Choice      *choiceView     `json:"choice"` // null unless --explain
	Error       *fetchFailure   `json:"error"`
}

type fetchedArchive struct {
	Path    string        `json:"path"` // "" if it was written to stdout
	Name    snapshot.Name `json:"-"`
	Size    int64         `json:"bytes"`
	Reused  bool          `json:"reused"`  // it was there
	Resumed int64         `json:"resumed"` // bytes of an earlier download
	Seconds float64       `json:"seconds"`
	Proven  archive.Tier  `json:"proven"`
	Sources []fetchedFrom `json:"sources"`
}

type fetchedFrom struct {
	URL   string `json:"url"`
	Bytes int64  `json:"bytes"`
}

type fetchedGenesis struct {
	Path   string        `json:"path"`
	Hash   snapshot.Hash `json:"hash"`
	Reused bool          `json:"reused"`
}

type fetchFailure struct {
	Kind    fetchKind `json:"kind"` // "" for none of those with an exit code of their own
	Message string    `json:"message"`
}

func (r *fetchResult) add(a *fetchedArchive) {
	slot := a.Name.Slot
	r.Slot = &slot
	if a.Name.Kind == snapshot.Full {
		r.Full = a
	} else {
		r.Incremental = a
	}
}

func (r *fetchResult) fail(err error) {
	if r.OK = err == nil; r.OK {
		return
	}
	r.Error = &fetchFailure{Message: err.Error()}
	if known := (*fetchError)(nil); errors.As(err, &known) {
		r.Error.Kind = known.kind
	}
}

// print tells of success in words, and of all in JSON: an error in words is main's
// to print.
func (f *fetcher) print() error {
	if f.asJSON {
		encoder := json.NewEncoder(f.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(&f.result)
	}
	to := f.stdout
	if f.output != "" {
		to = f.stderr
	}
	_, err := io.WriteString(to, f.result.text())
	return err
}

func (r *fetchResult) text() string {
	var b strings.Builder
	for _, a := range []*fetchedArchive{r.Full, r.Incremental} {
		if a != nil {
			fmt.Fprintf(&b, "%s\n  proven    %s\n  from      %s\n", cmp.Or(a.Path, a.Name.String()), a.Proven, a.from())
		}
	}
	if r.Genesis != nil && !r.Genesis.Reused {
		fmt.Fprintf(&b, "%s\n  hash      %s\n", r.Genesis.Path, r.Genesis.Hash)
	}
	if r.OK && r.Slot != nil {
		fmt.Fprintf(&b, "slot %d, %s slots behind the highest that is offered\n", *r.Slot, comma(r.Behind))
	}
	return b.String()
}

// from is where an archive came from, and how fast.
func (a *fetchedArchive) from() string {
	if a.Reused {
		return "the disk"
	}
	var urls []string
	var received int64
	for _, s := range a.Sources {
		urls, received = append(urls, s.URL), received+s.Bytes
	}
	text := fmt.Sprintf("%s, %s in %v", strings.Join(urls, " "), humanize.IBytes(uint64(a.Size)), seconds(a.Seconds))
	if a.Resumed > 0 {
		text += fmt.Sprintf(", of which %s were there", humanize.IBytes(uint64(a.Resumed)))
	}
	return text
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond)
}
