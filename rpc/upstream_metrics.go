package rpc

import "github.com/prometheus/client_golang/prometheus"

// upstreamMetrics are an Upstream's. Only allowed methods, getSlot and
// getSupply come into the method label.
type upstreamMetrics struct {
	calls    *prometheus.CounterVec
	duration prometheus.Histogram
	limited  prometheus.Counter
	held     prometheus.Gauge
	state    prometheus.Gauge
}

func newUpstreamMetrics() *upstreamMetrics {
	return &upstreamMetrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "solsnap_rpc_upstream_calls_total",
			Help: "Calls to the upstream validator by method and result.",
		}, []string{"method", "result"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "solsnap_rpc_upstream_call_duration_seconds",
			Help:    "Time of calls to the upstream validator, waiting included.",
			Buckets: []float64{.001, .01, .1, 1, 10},
		}),
		limited: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "solsnap_rpc_upstream_limited_total",
			Help: "Calls not forwarded because the client's rate was exceeded.",
		}),
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "solsnap_rpc_upstream_held_bytes",
			Help: "Memory that upstream responses take until their clients have them.",
		}),
		state: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "solsnap_rpc_upstream_state",
			Help: "Circuit breaker of the upstream: 0 closed, 1 half-open (probing), 2 open.",
		}),
	}
}

func (m *upstreamMetrics) collector() prometheus.Collector {
	return collectors{m.calls, m.duration, m.limited, m.held, m.state}
}
