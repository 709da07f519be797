package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"solsnap/snapshot"
)

// Archives is the catalogue of archives. *snapshot.Store is one. No method may
// block.
type Archives interface {
	// Served returns the served pair, and false while there is none.
	Served() (snapshot.Pair, bool)
	// Archives returns every listed archive, highest slot first. It belongs to
	// the callee: the caller must not modify it.
	Archives() []snapshot.Archive
	// Lookup returns a listed archive.
	Lookup(snapshot.Name) (snapshot.Archive, bool)
	// Scanned reports whether the directories have been looked at yet.
	Scanned() bool
}

// Digests knows the digests of archives. *snapshot.Digester is one.
type Digests interface {
	// Lookup returns the digest of the archive's bytes once it has been
	// computed. It must not block.
	Lookup(snapshot.Archive) (snapshot.Digest, bool)
}

// Config configures a Server.
type Config struct {
	// Listeners and TLSListeners are the addresses, HOST:PORT, for plaintext
	// and TLS. At least one is required; port 0 takes any free port. An IPv6
	// address gets a socket for IPv6 only, everything else one for IPv4.
	Listeners, TLSListeners []string
	// Certificate is for TLSListeners, and required if there are any. Run
	// watches its files.
	Certificate *Certificate
	// Archives is required.
	Archives Archives
	// RPC answers every request that no route matches, on any path and with any
	// method. Required. It adds its own CORS headers.
	RPC http.Handler
	// OpenAPI is the document at /openapi.yaml. Required.
	OpenAPI []byte

	// Digests may be nil: the catalogue then has no digests.
	Digests Digests
	// Genesis reports whether the genesis is known. Nil: readiness does not
	// depend on it.
	Genesis func() bool
	// Health compares us with the cluster. Nil: unknown. It is shown by /readyz
	// but does not decide it: else one bad source would take every server out.
	Health func() snapshot.Health
	// Middleware goes around the routes, the outermost first.
	Middleware []func(http.Handler) http.Handler
	// ConnContext is http.Server.ConnContext. It sees a TCP connection that is a
	// syscall.Conn, or a *tls.Conn around one.
	ConnContext func(context.Context, net.Conn) context.Context
	// Version is sent as "Server: solsnap/VERSION". Empty sends nothing.
	Version string

	// ReadHeaderTimeout is how long a client has to send a request's head, and
	// to complete a TLS handshake. Default 10 s.
	ReadHeaderTimeout time.Duration
	// BodyTimeout is how long a client has for the body that its request
	// announces, counted from the head, whether or not anybody wants it. A
	// handler may set a deadline of its own. Default 10 s.
	BodyTimeout time.Duration
	// IdleTimeout is how long a connection may wait for its next request.
	// Default 2 min.
	IdleTimeout time.Duration
	// WriteTimeout is how long the answer to a request may take, from its head
	// on. Default 60 s. A download lifts it and is held to its progress instead,
	// see middleware.Transfers.
	WriteTimeout time.Duration
	// MaxHeaderBytes bounds a request's head. Below 4 KiB it is 4 KiB. Default
	// 16 KiB.
	MaxHeaderBytes int
	// MaxConnections is how many connections all listeners have open at once;
	// further ones get a 503. Default 4096.
	MaxConnections int
	// MaxConnectionsPerClient is the same for one client, see
	// middleware.ClientAddr. 0 is no limit.
	MaxConnectionsPerClient int
	// DrainDelay is how long a stopping server, no longer ready, still answers
	// new connections. Default 0.
	DrainDelay time.Duration
	// DrainTimeout is how long running requests may then go on. Default 60 s.
	DrainTimeout time.Duration
	// Cut is called when DrainTimeout has passed and requests still run. It ends
	// the downloads, so that they are known as cut by us (middleware.Transfers);
	// a second later, at the latest, all connections are closed. It must not
	// block. Nil does nothing.
	Cut func()
	// Logger may be nil: nothing is logged.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Genesis == nil {
		c.Genesis = func() bool { return true }
	}
	if c.Health == nil {
		c.Health = func() snapshot.Health { return snapshot.Health{} }
	}
	if c.Digests == nil {
		c.Digests = noDigests{}
	}
	if c.ReadHeaderTimeout == 0 {
		c.ReadHeaderTimeout = 10 * time.Second
	}
	if c.BodyTimeout == 0 {
		c.BodyTimeout = 10 * time.Second
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 2 * time.Minute
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = time.Minute
	}
	if c.MaxHeaderBytes == 0 {
		c.MaxHeaderBytes = 16 << 10
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = 4096
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) check() error {
	switch {
	case len(c.Listeners)+len(c.TLSListeners) == 0:
		return errors.New("no listen address")
	case len(c.TLSListeners) > 0 && c.Certificate == nil:
		return errors.New("a TLS listener needs a certificate and a key")
	case c.Archives == nil || c.RPC == nil || len(c.OpenAPI) == 0:
		return errors.New("archives, the RPC handler and the OpenAPI document are required")
	default:
		return nil
	}
}

func (c Config) sockets() []socket {
	var sockets []socket
	for _, a := range c.Listeners {
		sockets = append(sockets, socket{address: a})
	}
	for _, a := range c.TLSListeners {
		sockets = append(sockets, socket{address: a, tls: true})
	}
	return sockets
}

// noDigests knows none.
type noDigests struct{}

// Lookup implements Digests.
func (noDigests) Lookup(snapshot.Archive) (snapshot.Digest, bool) { return snapshot.Digest{}, false }
