package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"text/tabwriter"
	"time"

	"solsnap/gossip"
	"solsnap/gossip/wire"
)

// peersView is which peers to show, and how.
type peersView struct {
	known     []wire.Pubkey
	sort      string // one of peersOrders
	minSlot   uint64
	withRPC   bool
	onlyKnown bool
	all       bool
}

// peersOrders are what can be sorted by; the first is the default.
var peersOrders = []string{"slot", "rtt", "version", "pubkey"}

// peerRow is a peer as `solsnap peers --json` prints it. Scripts read it: the
// member names must not change.
type peerRow struct {
	Pubkey       wire.Pubkey `json:"pubkey"`
	Gossip       *string     `json:"gossip"`
	RPC          *string     `json:"rpc"`
	Version      string      `json:"version"`
	Client       string      `json:"client"`
	ShredVersion uint16      `json:"shredVersion"`
	Full         *rowHash    `json:"full"`
	Incremental  *rowHash    `json:"incremental"`
	// SlotsBehind is the distance to the highest slot of all rows.
	SlotsBehind *uint64 `json:"slotsBehind"`
	// Wallclock is that of the contact info, in milliseconds since 1970, and
	// Announced that of the snapshots.
	Wallclock uint64     `json:"wallclock"`
	Announced *time.Time `json:"announced"`
	RTT       *float64   `json:"rttMs"`
	// Known is who is a known validator, Vouched who announces what one of those
	// does.
	Known   bool `json:"known"`
	Vouched bool `json:"vouched"`

	peer *gossip.Peer
}

type rowHash struct {
	Slot uint64    `json:"slot"`
	Hash wire.Hash `json:"hash"`
}

// rows are the peers to show, in order.
func (v *peersView) rows(peers []gossip.Peer) []peerRow {
	vouched := vouchers(peers, v.known)
	rows := []peerRow{}
	var highest uint64
	for i := range peers {
		row := newPeerRow(&peers[i])
		row.Known = slices.Contains(v.known, row.Pubkey)
		row.Vouched = vouched(row.peer.Snapshots)
		if v.shows(&row) {
			rows, highest = append(rows, row), max(highest, row.slot())
		}
	}
	for i := range rows {
		if rows[i].Full != nil {
			behind := highest - rows[i].slot()
			rows[i].SlotsBehind = &behind
		}
	}
	slices.SortFunc(rows, v.compare)
	return rows
}

func newPeerRow(p *gossip.Peer) peerRow {
	row := peerRow{
		Pubkey: p.Pubkey, Gossip: placeText(p.Gossip), RPC: placeText(p.RPC),
		Version: p.Info.Version.String(), Client: p.Info.Version.ClientName(), ShredVersion: p.Info.ShredVersion,
		Wallclock: p.Info.Wallclock, peer: p,
	}
	if p.RTT > 0 {
		ms := float64(p.RTT.Microseconds()) / 1000
		row.RTT = &ms
	}
	if p.Snapshots == nil {
		return row
	}
	row.Full = &rowHash{p.Snapshots.Full.Slot, p.Snapshots.Full.Hash}
	if p.Snapshots.Incremental != nil {
		row.Incremental = &rowHash{p.Snapshots.Incremental.Slot, p.Snapshots.Incremental.Hash}
	}
	announced := p.Announced.UTC()
	row.Announced = &announced
	return row
}

// placeText is nil for no place.
func placeText(place netip.AddrPort) *string {
	if !place.IsValid() {
		return nil
	}
	text := place.String()
	return &text
}

// slot is that of the state which the node serves, 0 for none.
func (r *peerRow) slot() uint64 {
	if r.peer.Snapshots == nil {
		return 0
	}
	return r.peer.Snapshots.Slot()
}

// vouchers judges by the known validators as a joining Agave does
// (validator/src/bootstrap.rs): the full snapshot must be one that any of them
// announces, and the incremental one that any announces on that full.
func vouchers(peers []gossip.Peer, known []wire.Pubkey) func(*gossip.Snapshots) bool {
	fulls, incrementals := map[wire.SlotHash]bool{}, map[[2]wire.SlotHash]bool{}
	for i := range peers {
		if s := peers[i].Snapshots; s != nil && slices.Contains(known, peers[i].Pubkey) {
			fulls[s.Full] = true
			if s.Incremental != nil {
				incrementals[[2]wire.SlotHash{s.Full, *s.Incremental}] = true
			}
		}
	}
	return func(s *gossip.Snapshots) bool {
		return s != nil && fulls[s.Full] && (s.Incremental == nil || incrementals[[2]wire.SlotHash{s.Full, *s.Incremental}])
	}
}

func (v *peersView) shows(r *peerRow) bool {
	switch {
	case r.Full == nil && !v.all, v.minSlot > 0 && r.slot() < v.minSlot, v.withRPC && r.RPC == nil:
		return false
	}
	return !v.onlyKnown || r.Known || r.Vouched
}

// wanted says in words what shows lets through.
func (v *peersView) wanted() string {
	text := "announces a snapshot"
	if v.all {
		text = "is shown"
	}
	if v.minSlot > 0 {
		text += fmt.Sprintf(" at slot %d or above", v.minSlot)
	}
	if v.onlyKnown {
		text += " that a known validator vouches for"
	}
	if v.withRPC {
		text += " with an RPC address"
	}
	if !v.all {
		text += "; --all lists those without snapshots too"
	}
	return text
}

// compare orders by what was asked for, and then by slot, round trip and pubkey.
func (v *peersView) compare(a, b peerRow) int {
	slot := cmp.Compare(b.slot(), a.slot())
	rtt := cmp.Compare(a.roundTrip(), b.roundTrip())
	pubkey := slices.Compare(a.Pubkey[:], b.Pubkey[:])
	first := 0
	switch v.sort {
	case "rtt":
		first = rtt
	case "version":
		first = -compareVersions(a.peer.Info.Version, b.peer.Info.Version)
	case "pubkey":
		first = cmp.Compare(a.Pubkey.String(), b.Pubkey.String())
	}
	return cmp.Or(first, slot, rtt, pubkey)
}

// roundTrip puts the unknown last.
func (r *peerRow) roundTrip() time.Duration {
	if r.peer.RTT == 0 {
		return time.Hour
	}
	return r.peer.RTT
}

func compareVersions(a, b wire.Version) int {
	return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor), cmp.Compare(a.Patch, b.Patch))
}

func printRowsJSON(w io.Writer, rows []peerRow) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(rows)
}

// printRows prints the table for people.
func printRows(w io.Writer, rows []peerRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PUBKEY\tRPC\tVERSION\tFULL\tINCREMENTAL\tBEHIND\tRTT\tTRUST") // Flush has the error
	for i := range rows {
		r := &rows[i]
		rtt, behind := "-", "-"
		if r.RTT != nil {
			rtt = fmt.Sprintf("%.1f ms", *r.RTT)
		}
		if r.SlotsBehind != nil {
			behind = fmt.Sprint(*r.SlotsBehind)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s %s\t%s\t%s\t%s\t%s\t%s\n", r.Pubkey, orDash(r.RPC), r.Client, r.Version,
			r.Full.slotText(), r.Incremental.slotText(), behind, rtt, r.trust())
	}
	return table.Flush()
}

func orDash(text *string) string {
	if text == nil {
		return "-"
	}
	return *text
}

func (h *rowHash) slotText() string {
	if h == nil {
		return "-"
	}
	return fmt.Sprint(h.Slot)
}

func (r *peerRow) trust() string {
	switch {
	case r.Known:
		return "known"
	case r.Vouched:
		return "vouched"
	default:
		return "-"
	}
}
