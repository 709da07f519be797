//go:build linux

package main

import (
	"encoding/json"

	"solsnap/gossip/wire"
)

// flow is what went one way.
type flow struct {
	Packets uint64 `json:"packets"`
	Values  uint64 `json:"values"`
	Bytes   uint64 `json:"bytes"`
}

func (f *flow) add(values, bytes int) {
	f.Packets++
	f.Values += uint64(values)
	f.Bytes += uint64(bytes)
}

func (f flow) plus(g flow) flow {
	return flow{f.Packets + g.Packets, f.Values + g.Values, f.Bytes + g.Bytes}
}

func (f flow) minus(g flow) flow {
	return flow{f.Packets - g.Packets, f.Values - g.Values, f.Bytes - g.Bytes}
}

// numProtocols is how many sorts of messages there are.
const numProtocols = int(wire.ProtocolPong) + 1

// flows are what went one way, by the sort of message.
type flows [numProtocols]flow

func (f flows) minus(g flows) flows {
	for i := range f {
		f[i] = f[i].minus(g[i])
	}
	return f
}

func (f flows) sum() (sum flow) {
	for _, one := range f {
		sum = sum.plus(one)
	}
	return sum
}

// MarshalJSON writes them by the name of the message.
func (f flows) MarshalJSON() ([]byte, error) {
	named := make(map[string]flow)
	for p, one := range f {
		if one.Packets > 0 {
			named[wire.Protocol(p).String()] = one
		}
	}
	return json.Marshal(named)
}

// fault is what a node under test must not do.
type fault int

const (
	faultUndecodable fault = iota
	faultAddress
	faultSignature
	faultPong
	faultShredVersion
	faultWallclock
	faultIdentity
	faultPlace
	faultPrune
	faultOrigin
	faultReturned
	faultUnheeded
	numFaults
)

// faults are how often each was seen.
type faults [numFaults]uint64

// MarshalJSON writes those that were seen, by what was seen.
func (f faults) MarshalJSON() ([]byte, error) {
	named := make(map[string]uint64)
	for fault, n := range f {
		if n > 0 {
			named[faultNames[fault]] = n
		}
	}
	return json.Marshal(named)
}

// faultNames say what was seen.
var faultNames = [numFaults]string{
	faultUndecodable:  "datagrams that cannot be decoded",
	faultAddress:      "datagrams to no node, or from another address than the gossip port's",
	faultSignature:    "signatures that do not verify",
	faultPong:         "pongs that answer no ping",
	faultShredVersion: "ContactInfos with another shred version",
	faultWallclock:    "wallclocks more than 15 s off",
	faultIdentity:     "messages of another identity than the first",
	faultPlace:        "ContactInfos with another gossip address than that of the socket",
	faultPrune:        "prunes for another destination",
	faultOrigin:       "values of origins that nobody knows",
	faultReturned:     "values pushed to their own origin",
	faultUnheeded:     "values pushed more than 1 s after a prune, which may have come too late",
}

// counts are what has happened since the start. Rates are the differences of two.
type counts struct {
	To   flows `json:"to_node"` // the node under test
	From flows `json:"from_node"`

	Born       uint64 `json:"new_values"`
	Deliveries uint64 `json:"deliveries"` // pushes of them, of the first copy and others
	Orphans    uint64 `json:"orphans"`    // new values that nobody was left to push
	Late       uint64 `json:"late"`       // deliveries that went out more than lateAfter late
	Gated      uint64 `json:"gated"`      // requests and ContactInfos that had to wait for a pong
	Congested  uint64 `json:"congested"`  // packets of answers that the line had no room for

	Burst     uint64 `json:"burst_packets"` // those included that are always there
	BurstTime uint64 `json:"burst_ms"`

	PrunedHere  uint64 `json:"pruned_by_node"`          // origins
	Needless    uint64 `json:"pruned_by_node_needless"` // of them, those that the peer did not push
	PrunedThere uint64 `json:"pruned_by_peers"`         // origins

	Visible    uint64 `json:"visible"`             // nodes that know the node under test, now
	Unanswered uint64 `json:"unanswered_pings"`    // of more than a second ago, now
	Refreshed  uint64 `json:"contact_info"`        // wallclock of the newest of the node under test
	Gap        uint64 `json:"contact_info_gap_ms"` // longest time between two of them
	Advertised uint64 `json:"snapshot_hashes"`     // of the node under test

	Faults   faults            `json:"faults"`
	Examples [numFaults]string `json:"-"` // the first of each
}

// since is what has happened after an earlier time. What is so now, and the
// longest and the first of something, stay what they are.
func (c counts) since(b counts) counts {
	c.To, c.From = c.To.minus(b.To), c.From.minus(b.From)
	c.Born -= b.Born
	c.Deliveries -= b.Deliveries
	c.Orphans -= b.Orphans
	c.Late -= b.Late
	c.Gated -= b.Gated
	c.Congested -= b.Congested
	c.Burst -= b.Burst
	c.BurstTime -= b.BurstTime
	c.PrunedHere -= b.PrunedHere
	c.Needless -= b.Needless
	c.PrunedThere -= b.PrunedThere
	c.Advertised -= b.Advertised
	return c
}
