package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"solsnap/gossip"
	"solsnap/gossip/wire"
)

// gossipMetrics tells how gossip is, as of the scrape. The counters begin anew
// when gossip has failed and starts again.
type gossipMetrics struct{ *node }

func gossipDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("solsnap_gossip_"+name, help, labels, nil)
}

var (
	gossipPackets  = gossipDesc("packets_total", "Packets received, by message and what became of them.", "message", "verdict")
	gossipValues   = gossipDesc("values_total", "Values received in pushes and pull responses, by kind and what became of them.", "kind", "verdict")
	gossipSent     = gossipDesc("sent_packets_total", "Packets sent, by message.", "message")
	gossipBytesIn  = gossipDesc("received_bytes_total", "Bytes of the packets received.")
	gossipBytesOut = gossipDesc("sent_bytes_total", "Bytes of the packets sent.")
	gossipDropped  = gossipDesc("dropped_packets_total",
		"Packets lost without a look: too_long for any message, overflowed our queue, lost by the kernel or unreadable on the way in, unsent on the way out.", "reason")
	gossipVerified = gossipDesc("signatures_total", "Signatures checked.")
	gossipPruned   = gossipDesc("pruned_origins_total", "Origins in prunes, by direction: in or out.", "direction")

	gossipTable    = gossipDesc("table_values", "Values held, by kind.", "kind")
	gossipHashes   = gossipDesc("table_hashes", "Hashes remembered of values that are not held, by why: purged, failed or refused.", "why")
	gossipRemoved  = gossipDesc("table_removed_total", "Values that went, by why: evicted for want of room, expired.", "why")
	gossipTrimmed  = gossipDesc("trimmed_nodes_total", "Nodes of which everything was dropped, because there were too many.")
	gossipNodes    = gossipDesc("table_nodes", "Nodes of which something is held.")
	gossipPeers    = gossipDesc("peers", "Nodes whose contact info is known.")
	gossipPonged   = gossipDesc("ponged", "Peers that have answered a ping.")
	gossipReturned = gossipDesc("returned", "Peers that gave us our own contact info in the last minute.")
	gossipVisible  = gossipDesc("visible", "1 when a node that joins would hear of us, else 0.")
	gossipInfo     = gossipDesc("info", "Always 1; our shred version (0 while unknown) and mode.", "shred_version", "mode")
)

// Describe implements prometheus.Collector.
func (g gossipMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		gossipPackets, gossipValues, gossipSent, gossipBytesIn, gossipBytesOut, gossipDropped, gossipVerified, gossipPruned,
		gossipTable, gossipHashes, gossipRemoved, gossipTrimmed, gossipNodes, gossipPeers, gossipPonged, gossipReturned, gossipVisible, gossipInfo,
	} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (g gossipMetrics) Collect(ch chan<- prometheus.Metric) {
	stats := g.gossip.Stats()
	countGossip(ch, &stats)
	measureGossip(ch, &stats.Table, g.gossip.Status())
}

// countGossip leaves out verdicts that have not been, but for accepted: most
// kinds never meet most verdicts.
func countGossip(ch chan<- prometheus.Metric, stats *gossip.Stats) {
	counter := func(desc *prometheus.Desc, value uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
	}
	verdicts := func(desc *prometheus.Desc, what string, counts []uint64) {
		for verdict, n := range counts {
			if n > 0 || gossip.Verdict(verdict) == gossip.Accepted {
				counter(desc, n, what, gossip.Verdict(verdict).String())
			}
		}
	}
	for message := range stats.PacketsIn {
		name := wire.Protocol(message).String()
		verdicts(gossipPackets, name, stats.PacketsIn[message][:])
		counter(gossipSent, stats.PacketsOut[message], name)
	}
	for kind := range stats.ValuesIn {
		if !wire.Kind(kind).Dead() {
			verdicts(gossipValues, wire.Kind(kind).String(), stats.ValuesIn[kind][:])
		}
	}
	counter(gossipBytesIn, stats.BytesIn)
	counter(gossipBytesOut, stats.BytesOut)
	counter(gossipVerified, stats.Verified)
	counter(gossipDropped, stats.TooLong, "too_long")
	counter(gossipDropped, stats.Overflowed, "overflowed")
	counter(gossipDropped, stats.Lost, "lost")
	counter(gossipDropped, stats.Unreadable, "unreadable")
	counter(gossipDropped, stats.Unsent, "unsent")
	counter(gossipPruned, stats.PrunesIn, "in")
	counter(gossipPruned, stats.PrunesOut, "out")
	counter(gossipRemoved, stats.Table.Evicted, "evicted")
	counter(gossipRemoved, stats.Table.Expired, "expired")
	counter(gossipTrimmed, stats.Table.Trimmed)
}

func measureGossip(ch chan<- prometheus.Metric, table *gossip.TableStats, status gossip.Status) {
	gauge := func(desc *prometheus.Desc, value int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	for kind, n := range table.Values {
		if !wire.Kind(kind).Dead() {
			gauge(gossipTable, n, wire.Kind(kind).String())
		}
	}
	gauge(gossipHashes, table.Purged, "purged")
	gauge(gossipHashes, table.Failed, "failed")
	gauge(gossipHashes, table.Refused, "refused")
	gauge(gossipNodes, table.Pubkeys)
	gauge(gossipPeers, status.Peers)
	gauge(gossipPonged, status.Ponged)
	gauge(gossipReturned, status.Returned)
	visible := 0
	if status.Visible() {
		visible = 1
	}
	gauge(gossipVisible, visible)
	gauge(gossipInfo, 1, strconv.Itoa(int(status.ShredVersion)), status.Mode.String())
}
