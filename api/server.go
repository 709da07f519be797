package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// Server is the public server.
type Server struct {
	cfg      Config // with defaults
	endpoint *endpoint
	router   *chi.Mux
	draining atomic.Bool
}

// NewServer assembles the server. Nothing is bound yet.
func NewServer(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("public server: %w", err)
	}
	s := &Server{cfg: cfg.withDefaults()}
	s.endpoint = newEndpoint(s.cfg.Logger.With("server", "public"), s.cfg.sockets(), limits{
		readHeaderTimeout: s.cfg.ReadHeaderTimeout,
		bodyTimeout:       s.cfg.BodyTimeout,
		idleTimeout:       s.cfg.IdleTimeout,
		writeTimeout:      s.cfg.WriteTimeout,
		maxHeaderBytes:    s.cfg.MaxHeaderBytes,
		maxConns:          s.cfg.MaxConnections,
		maxConnsPerClient: s.cfg.MaxConnectionsPerClient,
	}, drain{
		delay:   s.cfg.DrainDelay,
		timeout: s.cfg.DrainTimeout,
		begin:   func() { s.draining.Store(true) },
		cut:     s.cfg.Cut,
	})
	s.endpoint.server.ConnContext = s.cfg.ConnContext
	if s.cfg.Certificate != nil {
		s.endpoint.useTLS(s.cfg.Certificate)
	}
	s.router = s.routes()
	s.endpoint.handle(s.Handler())
	return s, nil
}

// Routes are the routes of this package, for a test that holds them against
// openapi.yaml. What Middleware and RPC answer is not among them.
func (s *Server) Routes() chi.Routes { return s.router }

// Handler is everything that a request passes, without sockets.
func (s *Server) Handler() http.Handler {
	var h http.Handler = s.router
	for _, wrap := range slices.Backward(s.cfg.Middleware) {
		h = wrap(h)
	}
	if s.cfg.Version == "" {
		return h
	}
	name := []string{"solsnap/" + s.cfg.Version}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Server"] = name
		h.ServeHTTP(w, r)
	})
}

// Listen binds every listener, or none. Connections wait in the kernel's queue
// until Run. Run listens by itself when this has not been called.
func (s *Server) Listen(ctx context.Context) error { return s.endpoint.listen(ctx) }

// Close lets go of the sockets that Listen has bound, when Run is not to follow.
// Once Run has been called it does nothing: what ends Run is its context.
func (s *Server) Close() error { return s.endpoint.close() }

// Connections is how many connections are open on the listeners now.
func (s *Server) Connections() int { return s.endpoint.conns.count() }

// Addrs are the bound addresses: Listeners, then TLSListeners, in their order.
// It is empty before Listen.
func (s *Server) Addrs() []net.Addr { return s.endpoint.addrs() }

// Run serves until ctx is done, drains, and returns when every request has
// ended. A clean drain, and one that had to cut transfers, returns nil. A
// Server runs once.
func (s *Server) Run(ctx context.Context) error {
	if s.cfg.Certificate != nil {
		return s.endpoint.run(ctx, s.cfg.Certificate.Run)
	}
	return s.endpoint.run(ctx)
}

// Collector counts connections for Prometheus.
func (s *Server) Collector() prometheus.Collector {
	return serverMetrics{s.endpoint, s.cfg.Certificate}
}
