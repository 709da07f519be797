//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// metric is one figure of a row.
type metric struct {
	unit string
	goal goal
}

// goal is what budgets demand of a metric. The zero goal demands nothing.
type goal struct {
	text string
	met  func(ours, ratio float64) bool
}

func ratioAtMost(limit float64) goal {
	return goal{fmt.Sprintf("≤ %.2f ×", limit), func(_, ratio float64) bool { return ratio <= limit }}
}

func ratioAtLeast(limit float64) goal {
	return goal{fmt.Sprintf("≥ %.2f ×", limit), func(_, ratio float64) bool { return ratio >= limit }}
}

func atMost(limit float64) goal {
	return goal{fmt.Sprintf("≤ %v", limit), func(ours, _ float64) bool { return ours <= limit }}
}

func within(low, high float64) goal {
	return goal{fmt.Sprintf("%v–%v", low, high), func(ours, _ float64) bool { return ours >= low && ours <= high }}
}

// line is a metric as measured, a value per round.
type line struct {
	Row    string    `json:"row"`
	Unit   string    `json:"unit"`
	Anchor []float64 `json:"nginx"`
	Ours   []float64 `json:"solsnap"`
	Goal   string    `json:"goal,omitempty"`
	Met    *bool     `json:"met,omitempty"` // nil without a goal
}

func newLine(row string, m metric, anchor, ours []float64) line {
	l := line{Row: row, Unit: m.unit, Anchor: anchor, Ours: ours, Goal: m.goal.text}
	if m.goal.met != nil {
		met := m.goal.met(median(ours), median(ratios(ours, anchor)))
		l.Met = &met
	}
	return l
}

func (l line) verdict() string {
	switch {
	case l.Met == nil:
		return ""
	case *l.Met:
		return "ok"
	default:
		return "OVER"
	}
}

// widths of the columns of the table; the last one is as wide as it is.
var widths = []int{38, 20, 9, 9, 20, 12, 0}

func printColumns(w io.Writer, cells ...string) {
	var b strings.Builder
	for i, cell := range cells {
		b.WriteString(cell)
		b.WriteString(strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(cell), 0)))
		b.WriteByte(' ')
	}
	_, _ = fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
}

func printHeadings(w io.Writer) {
	printColumns(w, "row", "", "nginx", "solsnap", "ratio [min–max]", "goal", "")
}

func (l line) print(w io.Writer) {
	printColumns(w, l.Row, l.Unit, short(median(l.Anchor)), short(median(l.Ours)),
		spread(ratios(l.Ours, l.Anchor)), l.Goal, l.verdict())
}

// writeJSON writes every sample. A ratio of nothing to nothing is no number and
// no JSON, but the samples are.
func (b *bench) writeJSON(path string, report []line) error {
	text, err := json.MarshalIndent(map[string]any{"facts": b.facts, "lines": slices.Clip(report)}, "", "\t")
	if err != nil {
		return fmt.Errorf("write samples: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
