package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"solsnap/gossip/wire"
	"solsnap/snapshot/mirror"
)

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
	if _, err := io.WriteString(table, v.cells()); err != nil {
		return err
	}
	return table.Flush()
}

func (v *choiceView) cells() string {
	var b strings.Builder
	b.WriteString("PLAN\tARCHIVE\tBYTES\tBEHIND\tDOWNLOAD\tCAUGHT UP\tSOURCES\n")
	for i, p := range v.Plans {
		fmt.Fprintf(&b, "%d\t%s\t%s\t%d\t%v\t%v\t%s\n", i+1, p.Full.Archive, p.Full.size(), p.Behind,
			seconds(p.Download), seconds(p.CaughtUp), p.Full.places())
		if p.Incremental != nil {
			fmt.Fprintf(&b, "\t%s\t%s\t\t\t\t%s\n", p.Incremental.Archive, p.Incremental.size(), p.Incremental.places())
		}
	}
	if len(v.Refused) > 0 {
		b.WriteString("\nREFUSED\tARCHIVE\tREASON\n")
	}
	for _, r := range v.Refused {
		from := r.URL
		if from == "" {
			from = r.Peer.String()
		}
		fmt.Fprintf(&b, "%s\t%s\t%s: %s\n", from, r.Archive, r.Reason, r.Detail)
	}
	return b.String()
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
