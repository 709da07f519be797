package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"solsnap/snapshot"
	"solsnap/snapshot/archive"
)

// verdict is a report as `solsnap verify --json` prints it. Scripts read it: the
// member names must not change.
type verdict struct {
	Path     string           `json:"path"`
	OK       bool             `json:"ok"`
	Asked    archive.Tier     `json:"asked"`
	Reached  archive.Tier     `json:"reached"`
	Slot     *snapshot.Slot   `json:"slot"`
	Hash     *snapshot.Hash   `json:"hash"`
	Base     *string          `json:"base"` // the full archive that an incremental was verified with
	Failure  *archive.Failure `json:"failure"`
	Warnings []string         `json:"warnings"`
	Seconds  float64          `json:"seconds"`
	archive.Figures
}

func newVerdict(path string, r *archive.Report) verdict {
	v := verdict{
		Path: path, OK: r.Failure == nil, Asked: r.Asked, Reached: r.Reached,
		Slot: &r.Archive.Slot, Hash: &r.Archive.Hash,
		Failure: r.Failure, Warnings: r.Warnings, Seconds: r.Took.Seconds(), Figures: r.Figures,
	}
	if r.Base != nil {
		base := r.Base.String()
		v.Base = &base
	}
	return v
}

// misnamed is the verdict on a file that fails the first tier by its name.
func misnamed(path string, asked archive.Tier, err *snapshot.NameError) verdict {
	return verdict{Path: path, Asked: asked, Warnings: []string{}, Failure: &archive.Failure{
		Tier: archive.TierName, Archive: filepath.Base(path), Offset: -1, Reason: err.Reason,
	}}
}

func (v *verifier) print(verdict verdict) error {
	if v.asJSON {
		return json.NewEncoder(v.stdout).Encode(verdict)
	}
	_, err := io.WriteString(v.stdout, verdict.text())
	return err
}

// text is the verdict for people: what is proven, what is wrong, and how much was
// read.
func (v verdict) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", v.Path)
	if v.OK {
		fmt.Fprintf(&b, "  proven    %s, in %s\n", v.Reached, time.Duration(v.Seconds*float64(time.Second)).Round(time.Millisecond))
	} else {
		fmt.Fprintf(&b, "  FAILED    %s: %s\n", v.Failure.Tier, v.Failure.Error())
		fmt.Fprintf(&b, "  proven    %s\n", v.Reached)
	}
	if v.Base != nil {
		fmt.Fprintf(&b, "  with      %s\n", *v.Base)
	}
	if v.Records > 0 {
		fmt.Fprintf(&b, "  read      %s, %s unpacked, %s records in %s storages\n", humanize.IBytes(uint64(v.CompressedBytes)),
			humanize.IBytes(uint64(v.Bytes)), comma(v.Records), comma(uint64(v.Storages)))
	}
	if v.Live > 0 {
		fmt.Fprintf(&b, "  accounts  %s live with %s SOL; %s records superseded, %s tombstones\n", comma(v.Live), sol(uint64(v.Lamports)),
			comma(v.Superseded), comma(v.Tombstones))
	}
	for _, warning := range v.Warnings {
		fmt.Fprintf(&b, "  warning   %s\n", warning)
	}
	return b.String()
}

// comma groups the digits of a count.
func comma(n uint64) string { return humanize.Comma(int64(min(n, 1<<63-1))) }

// sol prints lamports exactly.
func sol(lamports uint64) string {
	const lamportsPerSOL = 1_000_000_000
	whole, rest := bits.Div64(0, lamports, lamportsPerSOL)
	return fmt.Sprintf("%s.%09d", comma(whole), rest)
}
