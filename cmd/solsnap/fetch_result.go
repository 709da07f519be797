package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"solsnap/gossip/wire"
	"solsnap/snapshot"
	"solsnap/snapshot/archive"
	"solsnap/snapshot/mirror"
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

// choiceView is what could be done.
type choiceView struct {
	Plans   []planView    `json:"plans"`
	Refused []refusalView `json:"refused"`
}

type planView struct {
	Full        stepView  `json:"full"`
	Incremental *stepView `json:"incremental"`
	Behind      uint64    `json:"slotsBehind"`
	Download    float64   `json:"downloadSeconds"`
	CaughtUp    float64   `json:"caughtUpSeconds"`
}

type stepView struct {
	Archive string      `json:"archive"`
	Reused  bool        `json:"reused"`
	Bytes   int64       `json:"bytes"`
	Sources []placeView `json:"sources"`
}

type placeView struct {
	URL      string  `json:"url"`
	Speed    int64   `json:"bytesPerSecond"`
	Measured bool    `json:"measured"` // else the speed is a guess by the round trip
	RTT      float64 `json:"rttMs"`
}

type refusalView struct {
	Peer    wire.Pubkey `json:"peer"`
	URL     string      `json:"url"`
	Archive string      `json:"archive"`
	Reason  string      `json:"reason"`
	Detail  string      `json:"detail"`
}

// explainChoice prints, once, what --explain asks for.
func (f *fetcher) explainChoice() error {
	if !f.explain || f.explainedOnce {
		return nil
	}
	f.explainedOnce = true
	choice := f.choose(nil)
	view := newChoiceView(&choice)
	if f.asJSON {
		f.result.Choice = view
		return nil
	}
	to := f.stdout
	if f.output != "" {
		to = f.stderr
	}
	return view.write(to)
}

func newChoiceView(c *mirror.Choice) *choiceView {
	v := &choiceView{Plans: []planView{}, Refused: []refusalView{}}
	for i := range c.Plans {
		p := &c.Plans[i]
		plan := planView{Full: newStepView(&p.Full), Behind: p.Behind, Download: p.Download.Seconds(), CaughtUp: p.CaughtUp.Seconds()}
		if p.Incremental != nil {
			step := newStepView(p.Incremental)
			plan.Incremental = &step
		}
		v.Plans = append(v.Plans, plan)
	}
	for i := range c.Refused {
		r := &c.Refused[i]
		v.Refused = append(v.Refused, refusalView{Peer: r.Peer, URL: r.URL, Archive: r.Archive.String(), Reason: r.Reason.String(), Detail: r.String()})
	}
	return v
}

func newStepView(s *mirror.Step) stepView {
	v := stepView{Archive: s.Name.String(), Reused: s.Have, Bytes: s.Size, Sources: []placeView{}}
	for _, p := range s.Sources {
		v.Sources = append(v.Sources, placeView{URL: p.URL, Speed: p.Speed, Measured: p.Measured, RTT: float64(p.RTT.Microseconds()) / 1000})
	}
	return v
}

// write prints a table of plans, and one of what was refused.
func (v *choiceView) write(to io.Writer) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PLAN\tARCHIVE\tBYTES\tBEHIND\tDOWNLOAD\tCAUGHT UP\tSOURCES")
	for i, p := range v.Plans {
		fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%v\t%v\t%s\n", i+1, p.Full.Archive, p.Full.size(), p.Behind,
			seconds(p.Download), seconds(p.CaughtUp), p.Full.places())
		if p.Incremental != nil {
			fmt.Fprintf(table, "\t%s\t%s\t\t\t\t%s\n", p.Incremental.Archive, p.Incremental.size(), p.Incremental.places())
		}
	}
	if len(v.Refused) > 0 {
		fmt.Fprintln(table, "\nREFUSED\tARCHIVE\tREASON")
	}
	for _, r := range v.Refused {
		from := r.URL
		if from == "" {
			from = r.Peer.String()
		}
		fmt.Fprintf(table, "%s\t%s\t%s: %s\n", from, r.Archive, r.Reason, r.Detail)
	}
	return table.Flush()
}

func (s *stepView) size() string {
	if s.Reused {
		return "there"
	}
	return humanize.IBytes(uint64(s.Bytes))
}

// places are the best few.
func (s *stepView) places() string {
	const most = 4
	var texts []string
	for i, p := range s.Sources {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(s.Sources)-most))
			break
		}
		guess := "about "
		if p.Measured {
			guess = ""
		}
		texts = append(texts, fmt.Sprintf("%s (%s%s/s)", p.URL, guess, humanize.IBytes(uint64(p.Speed))))
	}
	return strings.Join(texts, ", ")
}
