package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"solsnap/middleware"
)

// endpoint is an http.Server with its sockets: bound first, then served, then
// drained. The public and the admin server each have one.
type endpoint struct {
	logger    *slog.Logger
	server    *http.Server
	addresses []socket
	drain     drain
	// bodyTimeout is how long a client has for the body of a request.
	bodyTimeout time.Duration

	conns     tally             // open connections
	clients   clients           // the same by client address
	turns     turns             // of the connections' files
	requests  tally             // running handlers
	accepted  atomic.Uint64     // connections let in so far
	total     *ceiling          // of conns
	perClient *ceiling          // of clients
	lingering chan *net.TCPConn // from turnAway to linger; bounded, overflow is closed at once

	mu      sync.Mutex
	doors   []*door // bound sockets; guarded by mu
	running bool    // the sockets are run's; guarded by mu
}

// socket is where to listen.
type socket struct {
	address string
	tls     bool
}

// limits are those of an endpoint; see Config for their meaning.
type limits struct {
	readHeaderTimeout, bodyTimeout time.Duration
	idleTimeout                    time.Duration
	writeTimeout                   time.Duration // 0 is none
	maxHeaderBytes, maxConns       int
	maxConnsPerClient              int
}

func newEndpoint(logger *slog.Logger, sockets []socket, l limits, d drain) *endpoint {
	e := &endpoint{
		logger:      logger,
		addresses:   sockets,
		drain:       d,
		bodyTimeout: l.bodyTimeout,
		clients:     clients{most: l.maxConnsPerClient},
		turns:       newTurns(),
		total:       newCeiling("total", l.maxConns),
		perClient:   newCeiling("client", l.maxConnsPerClient),
		lingering:   make(chan *net.TCPConn, lingerMost),
	}
	e.server = &http.Server{
		// There is no ReadTimeout: it would cover the watch for a client that
		// goes away during a download, and end the download. boundBody sets a
		// deadline for bodies alone. Who writes for longer than WriteTimeout
		// lifts that.
		ReadHeaderTimeout: l.readHeaderTimeout,
		WriteTimeout:      l.writeTimeout,
		IdleTimeout:       l.idleTimeout,
		MaxHeaderBytes:    max(l.maxHeaderBytes-headSlack, 1),
		ErrorLog:          log.New(newServerLog(logger), "", 0),
		ConnState:         e.connState,
		// OPTIONS * is the handler's, like OPTIONS anywhere else.
		DisableGeneralOptionsHandler: true,
	}
	return e
}

// headSlack is what net/http reads of a head beyond its MaxHeaderBytes
// (Server.initialReadLimitSize).
const headSlack = 4096

// handle sets the handler. It is called once, before listen.
func (e *endpoint) handle(h http.Handler) {
	e.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.requests.add()
		defer e.requests.done()
		e.boundBody(w, r)
		h.ServeHTTP(w, r)
	})
}

// connState frees the place of a connection that has ended. net/http reports
// exactly one of these states for each connection that a door let in.
func (e *endpoint) connState(c net.Conn, state http.ConnState) {
	if state == http.StateClosed || state == http.StateHijacked {
		e.clients.done(middleware.ClientAddr(c.RemoteAddr().String()))
		e.conns.done()
	}
}

// useTLS sets what TLS sockets offer: TLS 1.3 and nothing older, HTTP/2 and
// HTTP/1.1.
func (e *endpoint) useTLS(c *Certificate) {
	e.server.TLSConfig = &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: c.get,
		// Said outright: when a plaintext socket happens to be served first,
		// net/http looks here, once, whether to set up HTTP/2 at all.
		NextProtos: []string{"h2", "http/1.1"},
	}
	e.server.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: maxStreams,
		SendPingTimeout:      pingAfter, // finds peers that have vanished
	}
}

const (
	// maxStreams is how many requests one HTTP/2 connection runs at once.
	maxStreams = 64
	// pingAfter is how long an HTTP/2 peer may be silent before it is asked
	// whether it is still there.
	pingAfter = 30 * time.Second
)

// listen binds every socket, or none. Once bound it does nothing more.
func (e *endpoint) listen(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.bind(ctx)
}

// take is listen for run, whose the sockets then are.
func (e *endpoint) take(ctx context.Context) ([]*door, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.bind(ctx)
	e.running = err == nil
	return e.doors, err
}

// close lets go of sockets that are bound and not run's.
func (e *endpoint) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running {
		return nil
	}
	var errs []error
	for _, d := range e.doors {
		errs = append(errs, d.Close())
	}
	e.doors = nil
	return errors.Join(errs...)
}

// bind is for who holds mu.
func (e *endpoint) bind(ctx context.Context) error {
	if e.doors != nil {
		return nil
	}
	doors := make([]*door, 0, len(e.addresses))
	for _, s := range e.addresses {
		l, err := listen(ctx, s.address)
		if err != nil {
			for _, d := range doors {
				_ = d.Close()
			}
			return err
		}
		doors = append(doors, &door{TCPListener: l, endpoint: e, tls: s.tls})
	}
	e.doors = doors
	return nil
}

// addrs are the addresses of the bound sockets, in the order of e.addresses.
func (e *endpoint) addrs() []net.Addr {
	e.mu.Lock()
	defer e.mu.Unlock()
	addrs := make([]net.Addr, len(e.doors))
	for i, d := range e.doors {
		addrs[i] = d.Addr()
	}
	return addrs
}

// run serves until ctx is done and the drain has ended, or until a socket
// fails. Every goroutine that served has then returned.
func (e *endpoint) run(ctx context.Context, beside ...func(context.Context) error) error {
	doors, err := e.take(ctx)
	if err != nil {
		return err
	}
	group, serving := errgroup.WithContext(ctx)
	for _, d := range doors {
		e.logger.Info("listening", "address", d.Addr(), "tls", d.tls)
		group.Go(func() error { return ignoreClosed(d.serve(e.server)) })
	}
	for _, f := range beside {
		group.Go(func() error { return f(serving) })
	}
	var lingering sync.WaitGroup
	lingering.Go(e.linger)

	<-serving.Done()
	e.shutDown()
	err = group.Wait()
	close(e.lingering) // its senders are the doors, which have returned
	lingering.Wait()
	return errors.Join(err, e.settle())
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// settleTime is what handlers have to return in once their connections are cut.
const settleTime = 10 * time.Second

// settle waits for the last goroutines of net/http, which Shutdown and Close
// leave behind.
func (e *endpoint) settle() error {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	if err := e.ended(ctx); err != nil {
		return fmt.Errorf("%d requests did not end within %v of being cut", e.requests.count(), settleTime)
	}
	return nil
}

// ended waits for every handler, and for what net/http has to send after it.
func (e *endpoint) ended(ctx context.Context) error {
	return errors.Join(e.conns.wait(ctx), e.requests.wait(ctx))
}
