package api

import "github.com/prometheus/client_golang/prometheus"

// serverMetrics shows the connections of the public server and how long its
// certificate lasts.
type serverMetrics struct {
	endpoint    *endpoint
	certificate *Certificate // nil without TLS
}

var (
	openDesc = prometheus.NewDesc("solsnap_http_connections_open",
		"Connections open now on the public listeners.", nil, nil)
	acceptedDesc = prometheus.NewDesc("solsnap_http_connections_accepted_total",
		"Connections let in on the public listeners.", nil, nil)
	refusedDesc = prometheus.NewDesc("solsnap_http_connections_refused_total",
		"Connections turned away because the maximum was open, of all (total) or of the one client.", []string{"limit"}, nil)
	notAfterDesc = prometheus.NewDesc("solsnap_tls_certificate_not_after_seconds",
		"When the TLS certificate in force expires, in seconds since 1970.", nil, nil)
)

// Describe implements prometheus.Collector.
func (m serverMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- openDesc
	ch <- acceptedDesc
	ch <- refusedDesc
	ch <- notAfterDesc
}

// Collect implements prometheus.Collector.
func (m serverMetrics) Collect(ch chan<- prometheus.Metric) {
	e := m.endpoint
	ch <- prometheus.MustNewConstMetric(openDesc, prometheus.GaugeValue, float64(e.conns.count()))
	ch <- prometheus.MustNewConstMetric(acceptedDesc, prometheus.CounterValue, float64(e.accepted.Load()))
	for _, c := range []*ceiling{e.total, e.perClient} {
		ch <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(c.refused.Load()), c.limit)
	}
	if m.certificate != nil {
		ch <- prometheus.MustNewConstMetric(notAfterDesc, prometheus.GaugeValue, float64(m.certificate.NotAfter().Unix()))
	}
}
