package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"solsnap/snapshot"
)

// UpstreamConfig says which validator is asked, for what, and how much of it.
type UpstreamConfig struct {
	// URL is the validator's JSON-RPC endpoint, http or https. Required. It may
	// hold a password or an access key; of it only the host is ever logged.
	URL string
	// Methods are forwarded; nothing else is. Default DefaultUpstreamMethods.
	Methods []string
	// Timeout is for one call, the wait for a free slot included, and for all the
	// calls of a batch together: those whose turn does not come in time fail like
	// those that find the upstream busy. Default 10 s. Where this node has an
	// answer of its own it waits for 2 s at most.
	Timeout time.Duration
	// ClientRate is how many calls per second one client address may have
	// forwarded, lasting; ClientBurst how many at once. Default 50 and 100. An
	// address is that of the connection, and all of an IPv6 /64 is one; behind a
	// reverse proxy that is the proxy. A ClientRate below 0 is no limit, and none
	// for what one client may have of MaxHeldBytes either.
	ClientRate  float64
	ClientBurst int
	// PollInterval is between two looks at the upstream's slot. Default 2 s.
	PollInterval time.Duration
	// MaxResponseBytes is the longest response read; a call with a longer one
	// is answered as if the upstream were away. Default 16 MiB, which most
	// blocks with full transactions fit into.
	MaxResponseBytes int64
	// MaxHeldBytes bounds the responses in memory of all calls together. Each
	// counts as it is read and until it has been passed on to its client. A call
	// waits with its first byte until there is room, for up to Timeout, and fails
	// when there is none for the rest of it. One client may have an eighth; above
	// that its calls fail at once, so that who does not read what it has asked for
	// is in its own way alone. Default 256 MiB. Neither is ever less than one
	// response of MaxResponseBytes.
	MaxHeldBytes int64
	// MaxConcurrent is how many calls the upstream is sent at a time; more wait
	// for up to Timeout. Default 64.
	MaxConcurrent int
	// Logger is told when the upstream is lost and found, and, once a minute, of
	// calls that found no memory; nil discards.
	Logger *slog.Logger
	// Client sends the requests; for tests.
	Client *http.Client
}

func (c UpstreamConfig) withDefaults() UpstreamConfig {
	if len(c.Methods) == 0 {
		c.Methods = DefaultUpstreamMethods
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.ClientRate == 0 {
		c.ClientRate = 50
	}
	if c.ClientBurst <= 0 {
		c.ClientBurst = 100
	}
	if c.PollInterval <= 0 {
		c.PollInterval = 2 * time.Second
	}
	if c.MaxResponseBytes <= 0 {
		c.MaxResponseBytes = 16 << 20
	}
	if c.MaxHeldBytes <= 0 {
		c.MaxHeldBytes = 256 << 20
	}
	if c.MaxConcurrent <= 0 {
		c.MaxConcurrent = 64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Client == nil {
		c.Client = newUpstreamClient(c.MaxConcurrent)
	}
	return c
}

// newUpstreamClient keeps as many connections as there can be calls. It
// follows no redirect: the operator named a host, and calls go there.
func newUpstreamClient(connections int) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = connections
	transport.DialContext = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Upstream is a live validator that answers what this node cannot. Its answers
// are bounded and checked for shape, but not for truth: it must be trusted.
type Upstream struct {
	config  UpstreamConfig
	methods map[string]bool // never modified
	breaker *breaker
	clients *clientLimits // nil: no limit
	// A call under way has a token in slots and its response in memory. Our own
	// calls have theirs apart, so that clients cannot starve them.
	slots     chan struct{}
	ownSlots  chan struct{}
	memory    *memory
	ownMemory *memory
	refusals  rate.Sometimes // of memory, as they are logged
	ids       atomic.Uint64
	seen      atomic.Pointer[sighting] // replaced whole
	supply    supplyCache
	metrics   *upstreamMetrics
}

// ownCalls is how many calls of our own there can be at a time, the poller's and
// one for the supply, and maxOwnResponse how long a response to one may be.
const (
	ownCalls       = 2
	maxOwnResponse = 64 << 10
)

// clientShare is the part of MaxHeldBytes that one client may have.
const clientShare = 8

// NewUpstream checks the configuration; it does not connect.
func NewUpstream(config UpstreamConfig) (*Upstream, error) {
	host, err := upstreamHost(config.URL)
	if err != nil {
		return nil, err
	}
	config = config.withDefaults()
	methods, err := upstreamMethods(config.Methods)
	if err != nil {
		return nil, err
	}
	config.Logger = config.Logger.With("peer", host)
	metrics := newUpstreamMetrics()
	return &Upstream{
		config:    config,
		methods:   methods,
		breaker:   newBreaker(config.Logger, metrics.state),
		clients:   newClientLimits(config.ClientRate, config.ClientBurst),
		slots:     make(chan struct{}, config.MaxConcurrent),
		ownSlots:  make(chan struct{}, ownCalls),
		memory:    newMemory(config.MaxHeldBytes, config.heldByClient(), config.MaxResponseBytes, metrics.held),
		ownMemory: newMemory(ownCalls*(maxOwnResponse+1), math.MaxInt64, maxOwnResponse, metrics.held),
		refusals:  rate.Sometimes{Interval: time.Minute},
		supply:    supplyCache{turn: make(chan struct{}, 1)},
		metrics:   metrics,
	}, nil
}

// heldByClient is how many bytes of MaxHeldBytes one client may have.
func (c UpstreamConfig) heldByClient() int64 {
	if c.ClientRate < 0 {
		return math.MaxInt64
	}
	return c.MaxHeldBytes / clientShare
}

// upstreamHost checks the URL. No error quotes it: what it holds besides the
// host may be secret.
func upstreamHost(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return "", errors.New("upstream URL is not of the form http://host:port or https://host/path")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("upstream URL has the scheme %q, want http or https", u.Scheme)
	}
	return u.Host, nil
}

func upstreamMethods(names []string) (map[string]bool, error) {
	methods := make(map[string]bool, len(names))
	for _, name := range names {
		switch {
		case slices.Contains(localMethods, name):
			return nil, fmt.Errorf("upstream method %q is about this node and always answered by it; leave it out", name)
		case !slices.Contains(KnownMethods, name):
			return nil, fmt.Errorf("upstream method %q is not known", name)
		}
		methods[name] = true
	}
	return methods, nil
}

// Collector hands out the upstream's metrics for a registry.
func (u *Upstream) Collector() prometheus.Collector { return u.metrics.collector() }

// briefTimeout is for calls that nobody should wait long for: of clients that
// this node could answer itself, and of the poller, whose failures are how a
// hung upstream is noticed. Agave gives a bootstrap peer 5 s for each answer.
const briefTimeout = 2 * time.Second

// upstreamCall is one call to the upstream.
type upstreamCall struct {
	method string
	params []byte
	client netip.Prefix // who holds the response; zero for nobody
	// noBigtable: the client wants no look-up in long-term storage.
	noBigtable bool
	// brief: briefTimeout, if Timeout is not shorter still.
	brief bool
	// own: not a client's call; it has a slot and memory apart.
	own bool
	// poll: made by Run, and so it may be the breaker's probe.
	poll bool
}

// forward asks the upstream on behalf of a client. The error is a
// *limitedError when that client, or this node, has asked too often; any other
// means that the upstream cannot answer.
func (u *Upstream) forward(r *http.Request, c upstreamCall) (outcome, error) {
	c.client = clientKey(r.RemoteAddr)
	if u.clients != nil {
		if wait := u.clients.wait(c.client, time.Now()); wait > 0 {
			u.metrics.limited.Inc()
			return outcome{}, &limitedError{wait}
		}
	}
	return u.call(r.Context(), c)
}

// call makes one call to the upstream, within all limits but the clients'
// rates. The outcome holds memory until it is released.
func (u *Upstream) call(ctx context.Context, c upstreamCall) (outcome, error) {
	started := time.Now()
	answer, err := u.guarded(ctx, c)
	result := resultOf(err)
	u.metrics.calls.WithLabelValues(c.method, string(result)).Inc()
	u.metrics.duration.Observe(time.Since(started).Seconds())
	if err != nil {
		u.config.Logger.Debug("upstream call failed", "method", c.method, "result", string(result), "err", err)
	}
	if result == resultMemory {
		u.refusals.Do(func() {
			u.config.Logger.Warn("upstream responses take all the memory that they may; calls fail until clients have read theirs",
				"client", c.client, "method", c.method, "err", err)
		})
	}
	return answer, err
}

// guarded asks the breaker, waits for a slot, and tells the breaker.
func (u *Upstream) guarded(ctx context.Context, c upstreamCall) (answer outcome, err error) {
	pass := u.breaker.allow(c.poll, time.Now())
	if pass == refused {
		return outcome{}, &upstreamError{resultRefused, errors.New("circuit breaker is open")}
	}
	verdict := abandoned
	defer func() { u.breaker.report(pass, verdict, err, time.Now()) }()
	limited, cancel := context.WithTimeout(ctx, u.timeout(c))
	defer cancel()
	slots := u.slots
	if c.own {
		slots = u.ownSlots
	}
	if err := acquire(limited, slots); err != nil {
		return outcome{}, err
	}
	defer func() { <-slots }()
	answer, err = u.exchange(limited, c)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errBatchTime):
		// It may have begun a moment ago; that is not the upstream's fault.
		return outcome{}, err
	case err != nil && ctx.Err() != nil:
		// Nobody is waiting any longer; that is not the upstream's fault.
		return outcome{}, &upstreamError{resultCanceled, err}
	}
	verdict = verdictOf(err)
	return answer, err
}

var errBatchTime = errors.New("no time left for the batch")

// batchContext bounds the calls of one batch together: they run a few at a
// time, and the client has no more patience for them than for one.
func (u *Upstream) batchContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, u.config.Timeout, errBatchTime)
}

func (u *Upstream) timeout(c upstreamCall) time.Duration {
	if c.brief {
		return min(u.config.Timeout, briefTimeout)
	}
	return u.config.Timeout
}

// acquire puts a token into slots. One that frees up as ctx ends is not taken:
// the call would fail at once, and that would be held against the upstream.
func acquire(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		if ctx.Err() == nil {
			return nil
		}
		<-slots
	case <-ctx.Done():
	}
	return &upstreamError{resultBusy, fmt.Errorf("wait for one of %d slots: %w", cap(slots), ctx.Err())}
}

// pollRetry is the pause after a poll that failed: the next ones tell whether
// the upstream is gone, and until then clients wait for it.
const pollRetry = 250 * time.Millisecond

// Run polls the upstream's slot until ctx ends. Nothing else finds out that an
// upstream given up on is back.
func (u *Upstream) Run(ctx context.Context) error {
	for {
		pause := u.config.PollInterval
		if err := u.poll(ctx); verdictOf(err) == failed {
			pause = min(pause, pollRetry)
		}
		// A tenth of jitter, so that many nodes do not ask in step.
		pause += rand.N(pause/10 + 1)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// sightingAge is how long a polled slot counts as known, about 75 slots.
const sightingAge = 30 * time.Second

// sighting is a slot and when it was seen.
type sighting struct {
	slot snapshot.Slot
	at   time.Time
}

// pollParams ask for the confirmed slot: what Agave's own health check compares
// with. Finalized would lag by some 32 slots; processed may be on a fork that dies.
var pollParams = []byte(`[{"commitment":"confirmed"}]`)

// poll notes the slot; the error is of the call, and has been logged.
func (u *Upstream) poll(ctx context.Context) error {
	answer, err := u.call(ctx, upstreamCall{method: "getSlot", params: pollParams, brief: true, own: true, poll: true})
	defer answer.release()
	if err != nil || answer.result == nil {
		return err
	}
	n, err := strconv.ParseUint(string(answer.result), 10, 64)
	if err != nil {
		u.config.Logger.Debug("upstream slot is not a number", "err", err)
		return nil
	}
	u.seen.Store(&sighting{snapshot.Slot(n), time.Now()})
	return nil
}

// Slot is the cluster's confirmed slot as last polled by Run, false when there
// is none younger than 30 s.
func (u *Upstream) Slot() (snapshot.Slot, bool) {
	seen := u.seen.Load()
	if seen == nil || time.Since(seen.at) > sightingAge {
		return 0, false
	}
	return seen.slot, true
}
