package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The admin server is for one operator and a scraper; its limits are no option.
const (
	adminConnections  = 64
	adminHeaderTime   = 10 * time.Second
	adminBodyTime     = 10 * time.Second
	adminIdleTime     = 2 * time.Minute
	adminHeaderBytes  = 16 << 10
	adminDrainTimeout = time.Second
)

// AdminConfig configures an Admin.
type AdminConfig struct {
	// Address is HOST:PORT, plaintext. Required. The host is an IP address of
	// this host only, unless there is a Token.
	Address string
	// Gatherer is what /metrics shows. Required.
	Gatherer prometheus.Gatherer
	// Status is what /admin/v1/status shows. Required. It must not block.
	Status func() Status
	// Gossip is what /admin/v1/gossip shows; nil when there is no gossip. It must
	// not block.
	Gossip func() Gossip
	// Token is the secret that clients send as "Authorization: Bearer TOKEN".
	// Empty: none is asked for, but requests must be addressed to this host.
	Token string
	// Logger may be nil: nothing is logged.
	Logger *slog.Logger
}

// Admin is the admin server: metrics, profiles, status. Whoever may read it
// may learn everything the process has in memory, so it is for operators.
type Admin struct {
	cfg      AdminConfig
	endpoint *endpoint
	router   *chi.Mux
}

// NewAdmin assembles the admin server. Nothing is bound yet. It refuses to let
// other hosts in without a token.
func NewAdmin(cfg AdminConfig) (*Admin, error) {
	if cfg.Gatherer == nil || cfg.Status == nil {
		return nil, errors.New("admin server: the metrics gatherer and the status are required")
	}
	if cfg.Token == "" && !isLoopback(hostOf(cfg.Address)) {
		return nil, fmt.Errorf("admin server: %s is open to other hosts and there is no token: set --admin-token-file, or an --admin-address on 127.0.0.1 or [::1]", cfg.Address)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Admin{cfg: cfg}
	a.endpoint = newEndpoint(cfg.Logger.With("server", "admin"), []socket{{address: cfg.Address}}, limits{
		readHeaderTimeout: adminHeaderTime,
		bodyTimeout:       adminBodyTime,
		idleTimeout:       adminIdleTime,
		maxHeaderBytes:    adminHeaderBytes,
		maxConns:          adminConnections,
	}, drain{timeout: adminDrainTimeout})
	a.router = a.routes()
	a.endpoint.handle(a.Handler())
	return a, nil
}

// Routes are the routes, for a test that holds them against openapi.yaml.
func (a *Admin) Routes() chi.Routes { return a.router }

// Handler is everything that a request passes, without sockets.
func (a *Admin) Handler() http.Handler {
	if a.cfg.Token != "" {
		return requireToken(a.cfg.Token, a.router)
	}
	return requireLocalHost(a.router)
}

// Listen binds the address. Run does so by itself when this has not been called.
func (a *Admin) Listen(ctx context.Context) error { return a.endpoint.listen(ctx) }

// Close lets go of the socket that Listen has bound, when Run is not to follow.
// After Run it does nothing.
func (a *Admin) Close() error { return a.endpoint.close() }

// Addrs is the bound address. It is empty before Listen.
func (a *Admin) Addrs() []net.Addr { return a.endpoint.addrs() }

// Run serves until ctx is done and returns when every request has ended; those
// that take more than a second, such as profiles, are cut. An Admin runs once.
func (a *Admin) Run(ctx context.Context) error { return a.endpoint.run(ctx) }

func (a *Admin) routes() *chi.Mux {
	metrics := promhttp.HandlerFor(a.cfg.Gatherer, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(a.cfg.Logger.Handler(), slog.LevelError),
	})
	r := chi.NewRouter()
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "no such admin route")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "method not allowed")
	})
	for path, get := range map[string]http.HandlerFunc{
		"/metrics":               metrics.ServeHTTP,
		"/admin/v1/status":       a.status,
		"/admin/v1/gossip":       a.gossip,
		"/debug/pprof/":          pprof.Index,
		"/debug/pprof/{profile}": profile,
	} {
		r.Get(path, get)
		r.Head(path, get)
	}
	return r
}

// status answers the provider's Status.
func (a *Admin) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, "application/json", a.cfg.Status().document(time.Now()))
}

// profile answers one profile of net/http/pprof. Index knows those of
// runtime/pprof by the path; these four are made elsewhere.
func profile(w http.ResponseWriter, r *http.Request) {
	switch chi.URLParam(r, "profile") {
	case "cmdline":
		pprof.Cmdline(w, r)
	case "profile":
		pprof.Profile(w, r)
	case "symbol":
		pprof.Symbol(w, r)
	case "trace":
		pprof.Trace(w, r)
	default:
		pprof.Index(w, r)
	}
}

// refuse answers a problem of the admin server, which has no request IDs.
func refuse(w http.ResponseWriter, status int, title string) {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, "application/problem+json", problem{Title: title, Status: status})
}
