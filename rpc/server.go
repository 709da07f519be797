package rpc

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"

	gorilla "github.com/gorilla/rpc/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a Server needs to know. Nothing is required.
type Config struct {
	// MaxBodyBytes is the largest body accepted, in bytes; a larger one is
	// answered with 413. Default 51,200 as Agave's --rpc-max-request-body-size.
	MaxBodyBytes int64
	// MaxBatch is the most calls in a batch; a longer one is refused whole.
	// Default 100. Agave has no limit but the body's.
	MaxBatch int
	// MaxBatchBytes is how many bytes the results of one batch may have
	// together; elements above it become errors. They are all in memory until
	// the last is there, and it is not for a client to say how often the longest
	// response of an upstream fits into one request. Those under way when it is
	// reached are bounded by UpstreamConfig.MaxHeldBytes alone, and results of
	// the upstream by what one client may have of that. Default 64 MiB.
	MaxBatchBytes int64
	// Upstream answers the methods that it is configured for; nil means none.
	Upstream *Upstream
	// Logger is told of panics and internal errors; nil discards.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.MaxBodyBytes <= 0 {
		c.MaxBodyBytes = 50 << 10
	}
	if c.MaxBatch <= 0 {
		c.MaxBatch = 100
	}
	if c.MaxBatchBytes <= 0 {
		c.MaxBatchBytes = 64 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Server answers JSON-RPC over HTTP on any path. Register everything before
// the first request: the method table is not locked. How long a client may take
// to send a body is for the http.Server around it to say, as package api does.
type Server struct {
	config  Config
	gorilla *gorilla.Server
	// methods is by wire name: *filled before serving, then never modified*.
	methods  map[string]*method
	services int // receivers registered so far; owned by Register
	metrics  *serverMetrics
}

// method is a name that the server has an answer for.
type method struct {
	name string
	// target is gorilla's name of the registered method; empty when the method
	// is only forwarded.
	target string
	// forwarded: the upstream is asked first.
	forwarded bool
	metrics   methodMetrics
}

// NewServer returns a server that knows the methods of the upstream alone.
func NewServer(config Config) *Server {
	s := &Server{
		config:  config.withDefaults(),
		gorilla: gorilla.NewServer(),
		methods: make(map[string]*method),
		metrics: newServerMetrics(),
	}
	s.gorilla.RegisterCodec(codec{}, "application/json")
	if config.Upstream != nil {
		for name := range config.Upstream.methods {
			s.method(name).forwarded = true
		}
	}
	return s
}

// method returns the entry of a wire name, new if need be.
func (s *Server) method(name string) *method {
	m := s.methods[name]
	if m == nil {
		m = &method{name: name, metrics: s.metrics.method(name)}
		s.methods[name] = m
	}
	return m
}

// Register makes every exported method of the receiver a JSON-RPC method,
// named as in Go with the first letter in lower case. Each must be
// func(*http.Request, *Params, *any) error: it decodes its Params, sets *any
// to the result and returns nil, or returns an error (see Error). The request
// carries the client's context and headers; its body has been read, and like
// the Params it is valid until the method returns. In a batch the context ends
// with what the upstream may take, if there is one.
//
// Register fails, and registers nothing, when a method has another signature,
// when there is none, or when a name is taken.
func (s *Server) Register(methods any) error {
	names, err := wireMethods(methods)
	if err != nil {
		return err
	}
	for wire := range names {
		if m := s.methods[wire]; m != nil && m.target != "" {
			return fmt.Errorf("register method %s of %T: the name is taken", wire, methods)
		}
	}
	service := "s" + strconv.Itoa(s.services)
	if err := s.gorilla.RegisterService(methods, service); err != nil {
		return fmt.Errorf("register methods of %T: %w", methods, err)
	}
	s.services++
	for wire, name := range names {
		s.method(wire).target = service + "." + name
	}
	return nil
}

// Collector hands out the server's metrics for a registry.
func (s *Server) Collector() prometheus.Collector { return s.metrics.collector() }

// scratch is the memory for a body and its response.
type scratch struct{ body, out []byte }

var scratches = sync.Pool{New: func() any {
	return &scratch{make([]byte, 0, 4<<10), make([]byte, 0, 4<<10)}
}}

// give takes the memory back, unless it has grown too large to keep.
func (m *scratch) give() {
	if cap(m.body) <= maxPooled && cap(m.out) <= maxPooled {
		scratches.Put(m)
	}
}

// ServeHTTP answers one request. The order of its checks and its texts are
// those of jsonrpc-http-server 18 as Agave configures it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodOptions:
		serveOptions(w)
	case r.Method != http.MethodPost:
		w.Header()["Allow"] = allowed
		refuse(w, http.StatusMethodNotAllowed, "Used HTTP Method is not allowed. POST or OPTIONS is required\n")
	case !acceptable(r.Header):
		refuse(w, http.StatusUnsupportedMediaType, "Supplied content type is not allowed. Content-Type: application/json is required\n")
	default:
		s.servePost(w, r)
	}
}

func (s *Server) servePost(w http.ResponseWriter, r *http.Request) {
	m := scratches.Get().(*scratch)
	defer m.give()
	var refused *refusal
	if m.body, refused = s.readBody(w, r, m.body[:0]); refused != nil {
		refuse(w, refused.status, refused.text)
		return
	}
	reply := s.respond(r, m.body, m.out[:0])
	defer reply.release()
	m.out = reply.text
	reply.write(w)
}
