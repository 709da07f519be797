package rpc

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// collectors are several collectors handed out as one.
type collectors []prometheus.Collector

// Describe describes them all.
func (c collectors) Describe(out chan<- *prometheus.Desc) {
	for _, one := range c {
		one.Describe(out)
	}
}

// Collect collects them all.
func (c collectors) Collect(out chan<- prometheus.Metric) {
	for _, one := range c {
		one.Collect(out)
	}
}

// serverMetrics are a Server's. Their labels are bounded: methods are those
// that the server answers, and "other".
type serverMetrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	batch    prometheus.Histogram
	other    methodMetrics
}

// methodMetrics are the series of one method, looked up once.
type methodMetrics struct {
	ok       prometheus.Counter
	errors   *prometheus.CounterVec // by code
	duration prometheus.Observer
}

func newServerMetrics() *serverMetrics {
	m := &serverMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "solsnap_rpc_requests_total",
			Help: "JSON-RPC calls by method and error code, ok for none.",
		}, []string{"method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "solsnap_rpc_request_duration_seconds",
			Help:    "Time to answer a JSON-RPC call, the upstream's included.",
			Buckets: []float64{.0001, .001, .01, .1, 1, 10},
		}, []string{"method"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "solsnap_rpc_batch_size",
			Help:    "Elements of a JSON-RPC batch.",
			Buckets: []float64{1, 2, 5, 10, 20, 50, 100},
		}),
	}
	m.other = m.method("other")
	return m
}

func (m *serverMetrics) method(name string) methodMetrics {
	return methodMetrics{
		ok:       m.requests.WithLabelValues(name, "ok"),
		errors:   m.requests.MustCurryWith(prometheus.Labels{"method": name}),
		duration: m.duration.WithLabelValues(name),
	}
}

func (m *serverMetrics) collector() prometheus.Collector {
	return collectors{m.requests, m.duration, m.batch}
}

// count counts an error. The code may be an upstream's: what is neither ours
// nor Agave's is not let into a label.
func (m *methodMetrics) count(code int) {
	label := "other"
	if code >= CodeParseError && code <= CodeInvalidRequest ||
		code >= agaveLastCode && code <= agaveFirstCode || code == CodeTooManyRequests {
		label = strconv.Itoa(code)
	}
	m.errors.WithLabelValues(label).Inc()
}
