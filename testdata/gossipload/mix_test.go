//go:build linux

package main

import (
	"strings"
	"testing"

	"solsnap/gossip/wire"
)

// TestMixOfMainnet adds up what a node of mainnet-beta sees.
func TestMixOfMainnet(t *testing.T) {
	m, err := newMix(mainnet)
	check(t, "error", err, nil)
	checkWithin(t, "values", float64(m.size()), 350_000, 0.005)
	var sum float64
	rates := map[wire.Kind]float64{}
	for _, p := range m {
		sum += p.rate
		rates[p.kind] = p.rate
	}
	checkWithin(t, "new values a second", sum, 12_000, 1e-9)
	check(t, "ContactInfos a second", rates[wire.KindContactInfo], 6000/7.5)
	check(t, "votes a second", rates[wire.KindVote], 1300*2.5)
	check(t, "SnapshotHashes a second", rates[wire.KindSnapshotHashes], 1500/40.0)
	if others := sum - rates[wire.KindEpochSlots] - rates[wire.KindVote]; others > sum/10 {
		t.Errorf("%v values a second are neither votes nor EpochSlots, want less than a tenth", others)
	}
}

// TestMixHasAPlaceForEverything has no two values in one place.
func TestMixHasAPlaceForEverything(t *testing.T) {
	m, err := newMix(village)
	check(t, "error", err, nil)
	next := int32(0)
	for i := range m {
		p := &m[i]
		for owner := range p.owners {
			for index := range p.each {
				check(t, "slot", p.slot(owner, index), next)
				next++
			}
		}
	}
	check(t, "size", m.size(), int(next))
}

func TestMixesThatCannotBe(t *testing.T) {
	for want, p := range map[string]population{
		"at least 10 voters": {nodes: 10, voters: 5, values: 1000, rate: 1000},
		"as many others":     {nodes: 30, voters: 20, values: 1000, rate: 1000},
		"EpochSlots to each": {nodes: 100, voters: 20, values: 10_000, rate: 1000},
		"leaves no rate":     {nodes: 100, voters: 20, values: 1000, rate: 50},
	} {
		if _, err := newMix(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", p, err, want)
		}
	}
}
