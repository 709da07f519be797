package middleware

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// route is the kind of a request, as its metrics name it.
type route string

// The routes. There are few and they do not come from the request, so that
// nobody can make label values.
const (
	routeAlias   route = "alias"
	routeArchive route = "archive"
	routeGenesis route = "genesis"
	routeHealth  route = "health"
	routeSupply  route = "supply"
	routeAPI     route = "api" // everything that Snapshots hands on
)

// requestMetrics counts what Observer sees.
type requestMetrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	panics   prometheus.Counter

	series sync.Map // seriesKey → series: saves the label hashing of the hot path
}

type seriesKey struct {
	route route
	code  int
}

type series struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

func newRequestMetrics() *requestMetrics {
	return &requestMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "solsnap_http_requests_total",
			Help: "Requests answered, by route and status code.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "solsnap_http_request_seconds",
			Help:    "Time from request to end of response, by route; downloads are under solsnap_download_seconds too.",
			Buckets: []float64{.0001, .0005, .001, .005, .025, .1, .5, 1, 5, 30, 300},
		}, []string{"route"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "solsnap_http_panics_total",
			Help: "Handlers that panicked and were recovered; each is a bug with a stack in the log.",
		}),
	}
}

func (m *requestMetrics) count(r route, code int, took time.Duration) {
	key := seriesKey{r, code}
	s, ok := m.series.Load(key)
	if !ok {
		s, _ = m.series.LoadOrStore(key, series{
			requests: m.requests.WithLabelValues(string(r), strconv.Itoa(code)),
			seconds:  m.seconds.WithLabelValues(string(r)),
		})
	}
	found := s.(series)
	found.requests.Inc()
	found.seconds.Observe(took.Seconds())
}

// Describe implements prometheus.Collector.
func (m *requestMetrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *requestMetrics) Collect(ch chan<- prometheus.Metric) {
	m.requests.Collect(ch)
	m.seconds.Collect(ch)
	m.panics.Collect(ch)
}

// transferMetrics counts downloads.
type transferMetrics struct {
	active    prometheus.Gauge
	bytes     prometheus.Counter
	downloads *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	refused   *prometheus.CounterVec
}

func newTransferMetrics() *transferMetrics {
	m := &transferMetrics{
		active: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "solsnap_downloads_active",
			Help: "Downloads running now.",
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "solsnap_download_bytes_total",
			Help: "Bytes of downloads handed to the network, counted while they run.",
		}),
		downloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "solsnap_downloads_total",
			Help: "Downloads that have ended, by kind of archive and outcome. client_closed is normal: validators race several servers and drop the losers.",
		}, []string{"kind", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "solsnap_download_seconds",
			Help:    "Duration of complete downloads, by kind of archive.",
			Buckets: []float64{1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 21600},
		}, []string{"kind"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "solsnap_downloads_refused_total",
			Help: "Downloads answered 503, by the limit that was full: total or client.",
		}, []string{"limit"}),
	}
	for _, limit := range []string{limitTotal, limitClient} {
		m.refused.WithLabelValues(limit) // so that an alert sees the first one
	}
	return m
}

// The limits that may be full.
const (
	limitTotal  = "total"
	limitClient = "client"
)

func (m *transferMetrics) ended(kind, outcome string, took time.Duration) {
	m.downloads.WithLabelValues(kind, outcome).Inc()
	if outcome == outcomeComplete {
		m.seconds.WithLabelValues(kind).Observe(took.Seconds())
	}
}

// Describe implements prometheus.Collector.
func (m *transferMetrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *transferMetrics) Collect(ch chan<- prometheus.Metric) {
	m.active.Collect(ch)
	m.bytes.Collect(ch)
	m.downloads.Collect(ch)
	m.seconds.Collect(ch)
	m.refused.Collect(ch)
}
