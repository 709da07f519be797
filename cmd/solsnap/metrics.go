package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"solsnap/snapshot"
)

// metrics is a registry of its own: nothing in the program registers globally.
func (n *node) metrics() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		n.observer.Collector(),
		n.transfers.Collector(),
		n.public.Collector(),
		n.rpc.Collector(),
		shelves{n},
	)
	if n.upstream != nil {
		registry.MustRegister(n.upstream.Collector())
	}
	if n.gossip != nil {
		registry.MustRegister(gossipMetrics{n})
	}
	return registry
}

// shelves tells what is there and what is served, as of the scrape.
type shelves struct{ *node }

var (
	archivesDesc = prometheus.NewDesc("solsnap_archives",
		"Files named like archives, by kind (full, incremental) when listed, else pending or refused.", []string{"kind"}, nil)
	conflictsDesc = prometheus.NewDesc("solsnap_archive_conflicts",
		"Slots for which there is more than one archive; the log names them.", nil, nil)
	servedDesc = prometheus.NewDesc("solsnap_served_slot",
		"Slot of the served archive, by kind; absent while none is served.", []string{"kind"}, nil)
	clusterDesc = prometheus.NewDesc("solsnap_cluster_slot",
		"Highest slot known of the cluster; absent while unknown.", nil, nil)
	healthDesc = prometheus.NewDesc("solsnap_healthy",
		"1 when health is ok, else 0.", nil, nil)
	digestsDesc = prometheus.NewDesc("solsnap_digests_pending",
		"Listed archives whose digest is not computed yet.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s shelves) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{archivesDesc, conflictsDesc, servedDesc, clusterDesc, healthDesc, digestsDesc} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (s shelves) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	stats := s.store.Stats()
	gauge(archivesDesc, float64(stats.Full), snapshot.Full.String())
	gauge(archivesDesc, float64(stats.Incremental), snapshot.Incremental.String())
	gauge(archivesDesc, float64(stats.Pending), "pending")
	gauge(archivesDesc, float64(stats.Refused), "refused")
	gauge(conflictsDesc, float64(stats.Conflicts))
	if pair, ok := s.store.Served(); ok {
		gauge(servedDesc, float64(pair.Full.Name.Slot), snapshot.Full.String())
		if pair.Incremental != nil {
			gauge(servedDesc, float64(pair.Incremental.Name.Slot), snapshot.Incremental.String())
		}
	}
	health := s.health()
	if health.Cluster != nil {
		gauge(clusterDesc, float64(*health.Cluster))
	}
	healthy := 0.0
	if health.State == snapshot.HealthOK {
		healthy = 1
	}
	gauge(healthDesc, healthy)
	if s.digester != nil {
		gauge(digestsDesc, float64(s.digester.Pending()))
	}
}
