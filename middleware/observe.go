package middleware

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// AccessLog says which requests get a line at level info. The others get one at
// level debug.
type AccessLog string

// The choices of AccessLog.
const (
	AccessLogDownloads AccessLog = "downloads"
	AccessLogAll       AccessLog = "all"
	AccessLogOff       AccessLog = "off" // not even at level debug
)

// requestIDHeader carries the request ID in both directions.
const requestIDHeader = "X-Request-Id"

// RequestID is the ID that Observe gave the request whose header this is.
func RequestID(h http.Header) string {
	if id := h[requestIDHeader]; len(id) > 0 {
		return id[0]
	}
	return ""
}

// ObserveConfig configures an Observer.
type ObserveConfig struct {
	AccessLog AccessLog
	Logger    *slog.Logger
}

// Observer gives each request an ID, an access log line, metrics, and a
// recovery from panics. It is one middleware and not four because each would
// need a ResponseWriter of its own on the way to sendfile.
type Observer struct {
	log     atomic.Value // AccessLog
	logger  *slog.Logger
	metrics *requestMetrics
	prefix  [8]byte       // random, so that IDs of two servers differ
	count   atomic.Uint64 // requests so far
	writers sync.Pool     // of *response
}

// NewObserver makes an Observer. The zero AccessLog is AccessLogDownloads.
func NewObserver(cfg ObserveConfig) *Observer {
	o := &Observer{logger: cfg.Logger, metrics: newRequestMetrics()}
	o.SetAccessLog(cmp.Or(cfg.AccessLog, AccessLogDownloads))
	if o.logger == nil {
		o.logger = slog.New(slog.DiscardHandler)
	}
	_, _ = rand.Read(o.prefix[:]) // never fails, see crypto/rand.Read
	o.writers.New = func() any { return new(response) }
	return o
}

// SetAccessLog changes which requests are logged.
func (o *Observer) SetAccessLog(l AccessLog) { o.log.Store(l) }

// Collector counts requests for Prometheus.
func (o *Observer) Collector() prometheus.Collector { return o.metrics }

// Middleware observes what next does.
func (o *Observer) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := o.requestID(r.Header)
		r.Header[requestIDHeader] = id
		w.Header()[requestIDHeader] = id

		rw := o.writers.Get().(*response)
		*rw = response{ResponseWriter: w, started: time.Now(), route: routeAPI}
		defer o.writers.Put(rw)
		defer o.end(rw, r)
		next.ServeHTTP(rw, r)
	})
}

// requestID keeps a sane ID that a proxy in front has given, else makes one.
func (o *Observer) requestID(h http.Header) []string {
	if given := h[requestIDHeader]; len(given) == 1 && saneID(given[0]) {
		return given
	}
	var raw [16]byte
	copy(raw[:8], o.prefix[:])
	binary.BigEndian.PutUint64(raw[8:], o.count.Add(1))
	return []string{hex.EncodeToString(raw[:])}
}

// saneID admits what cannot forge a log line or a header.
func saneID(id string) bool {
	const allowed = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_."
	return id != "" && len(id) <= 64 && strings.Trim(id, allowed) == ""
}

// end recovers, counts and logs. It runs deferred.
func (o *Observer) end(rw *response, r *http.Request) {
	cause := recover()
	err, _ := cause.(error)
	wanted := errors.Is(err, http.ErrAbortHandler)
	// Once the head is out, only closing tells the peer that the rest is missing.
	abort := cause != nil && (wanted || rw.code != 0)
	if cause != nil && !wanted {
		o.panicked(rw, r, cause)
	}
	took := time.Since(rw.started)
	o.metrics.count(rw.route, rw.status(), took)
	o.access(rw, r, took)
	if abort {
		panic(http.ErrAbortHandler)
	}
}

func (o *Observer) panicked(rw *response, r *http.Request, cause any) {
	o.metrics.panics.Inc()
	o.logger.Error("handler panicked", "request", RequestID(r.Header), "method", r.Method,
		"path", r.URL.Path, "peer", r.RemoteAddr, "err", cause, "stack", string(debug.Stack()))
	if rw.code == 0 {
		dropFileFields(rw.Header())
		plainText(rw, http.StatusInternalServerError, "internal error")
	}
}

func (o *Observer) access(rw *response, r *http.Request, took time.Duration) {
	log := o.log.Load().(AccessLog)
	if log == AccessLogOff {
		return
	}
	level := slog.LevelDebug
	if log == AccessLogAll || rw.ended != "" {
		level = slog.LevelInfo
	}
	if !o.logger.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request", RequestID(r.Header)),
		slog.String("peer", r.RemoteAddr),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", rw.status()),
		slog.Int64("bytes", rw.bytes),
		slog.Duration("duration", took),
	}
	if rw.ended != "" {
		rate := float64(rw.bytes) / max(took.Seconds(), 1e-6)
		attrs = append(attrs, slog.Int64("bytes_per_second", int64(rate)),
			slog.String("ended", rw.ended), slog.String("agent", r.UserAgent()))
	}
	o.logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// response is the ResponseWriter of an observed request. The handler's
// goroutine owns it until the handler returns.
type response struct {
	http.ResponseWriter
	started time.Time
	route   route
	code    int
	bytes   int64
	ended   string // how a download ended; "" for every other request
}

// observed finds the response that Observe made, or a spare one to write to.
func observed(w http.ResponseWriter) *response {
	if rw, ok := w.(*response); ok {
		return rw
	}
	return new(response)
}

func (w *response) endedBy(why string) { w.ended = why }

// status is what the client saw: net/http sends 200 when nothing was said.
func (w *response) status() int {
	if w.code == 0 {
		return http.StatusOK
	}
	return w.code
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader remembers the status. Informational ones are not the answer.
func (w *response) WriteHeader(code int) {
	if w.code == 0 && code >= http.StatusOK {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write counts.
func (w *response) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// copyBuffers serve the copies that cannot, or need not, be a sendfile.
var copyBuffers = sync.Pool{New: func() any { b := make([]byte, tinyBody); return &b }}

// ReadFrom hands src to net/http's own ReadFrom, which reaches sendfile for an
// *os.File on a plaintext connection. Under HTTP/2 there is none: it copies.
func (w *response) ReadFrom(src io.Reader) (n int64, err error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	if from, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		n, err = from.ReadFrom(src)
	} else {
		buf := copyBuffers.Get().(*[]byte)
		n, err = io.CopyBuffer(struct{ io.Writer }{w.ResponseWriter}, src, *buf)
		copyBuffers.Put(buf)
	}
	w.bytes += n
	return n, err
}
