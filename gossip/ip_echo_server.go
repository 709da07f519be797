package gossip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"solsnap/gossip/wire"
)

// echoTimeout is how long everything may take that has to do with one connection,
// on either side (Agave net-utils/src/ip_echo_server.rs, IO_TIMEOUT).
const echoTimeout = 5 * time.Second

// badRequest is what Agave answers to HTTP, byte for byte.
const badRequest = "HTTP/1.1 400 Bad Request\nContent-length: 0\n\n"

// echoConfig is how to run an echoServer.
type echoConfig struct {
	// shredVersion is that of the cluster, or 0 while it is not known. Any goroutine
	// may call it. Required.
	shredVersion func() uint16
	// connections is how many are served at a time; 2048 by default. Others are
	// closed at once.
	connections int
	// timeout is how long a connection may take; 5 s by default.
	timeout time.Duration
	// connected is told about each connection, before anything is read from it: a
	// connection is how an entrypoint tries one of our TCP ports. Any goroutine may
	// call it. May be nil.
	connected func(from netip.Addr)
	// logger may be nil.
	logger *slog.Logger
}

func (c echoConfig) withDefaults() echoConfig {
	if c.connections == 0 {
		c.connections = 2048
	}
	if c.timeout == 0 {
		c.timeout = echoTimeout
	}
	if c.connected == nil {
		c.connected = func(netip.Addr) {}
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// echoServer tells those who ask over TCP what their IP address is, and the shred
// version, and tries the ports that they name (Agave
// net-utils/src/ip_echo_server.rs).
//
// Anybody may ask. It costs one small goroutine for five seconds at most, and the
// ports tried, eight at most, are those of the address that the request came from,
// which TCP has proved. Ports below 1024 are tried like others, as Agave does: a
// node may well serve RPC at 80 or 443.
type echoServer struct {
	config echoConfig
	guests guests
}

func newEchoServer(config echoConfig) *echoServer {
	config = config.withDefaults()
	return &echoServer{config: config, guests: guests{limit: config.connections}}
}

// Run serves connections until the context ends, which is no error, or the
// listener does. It closes the listener, and returns when nothing runs any more.
func (s *echoServer) Run(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { hangUp(listener) })()
	var wait backoff
	for {
		conn, err := listener.Accept()
		switch {
		case err == nil:
			wait.reset()
			s.start(ctx, conn, &running)
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept IP echo connection: %w", err)
		default:
			s.config.logger.Warn("IP echo does not accept", "err", err)
			pause(ctx, wait.next())
		}
	}
}

// start serves a connection in the background, if there is room for its address.
func (s *echoServer) start(ctx context.Context, conn net.Conn, running *sync.WaitGroup) {
	from := addrOf(conn.RemoteAddr())
	s.config.connected(from)
	if !s.guests.enter(from) {
		hangUp(conn)
		return
	}
	running.Go(func() {
		if err := s.serve(ctx, conn, from); err != nil {
			s.config.logger.Debug("IP echo ended", "peer", from, "err", err)
		}
	})
}

// serve answers one request and closes the connection, at the latest after the
// timeout. Who has been answered may ask again, so it leaves before that.
func (s *echoServer) serve(ctx context.Context, conn net.Conn, from netip.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.timeout)
	defer cancel()
	defer hangUp(conn)
	defer context.AfterFunc(ctx, func() { hangUp(conn) })()

	response, err := s.answer(ctx, conn, from)
	if errors.Is(err, wire.ErrHTTP) {
		defer s.guests.leave(from)
		return refuseHTTP(conn)
	}
	s.guests.leave(from)
	if err != nil {
		return err
	}
	_, err = conn.Write(response) // in one piece: Agave's client reads once
	return err
}

// answer reads a request, does what it asks for, and gives the response.
func (s *echoServer) answer(ctx context.Context, conn net.Conn, from netip.Addr) ([]byte, error) {
	request, err := readEchoRequest(conn)
	if err != nil {
		return nil, err
	}
	if err := s.probe(ctx, addrOf(conn.LocalAddr()), from, request); err != nil {
		return nil, err
	}
	return (&wire.IPEchoResponse{Addr: from, ShredVersion: s.config.shredVersion()}).Append(nil)
}

// readEchoRequest reads a request. It judges by the header first: what HTTP has to
// say may be shorter than a request.
func readEchoRequest(r io.Reader) (wire.IPEchoRequest, error) {
	var b [wire.IPEchoRequestSize]byte
	const header = 4
	if _, err := io.ReadFull(r, b[:header]); err != nil {
		return wire.IPEchoRequest{}, fmt.Errorf("read IP echo header: %w", err)
	}
	if _, err := wire.DecodeIPEchoRequest(b[:]); err != nil {
		return wire.IPEchoRequest{}, err
	}
	if _, err := io.ReadFull(r, b[header:]); err != nil {
		return wire.IPEchoRequest{}, fmt.Errorf("read IP echo request: %w", err)
	}
	return wire.DecodeIPEchoRequest(b[:])
}

// refuseHTTP answers and waits for the client to hang up. Closing before all it
// sent was read would reset the connection, and might lose it the answer.
func refuseHTTP(conn net.Conn) error {
	if _, err := io.WriteString(conn, badRequest); err != nil {
		return err
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			return err
		}
	}
	_, err := io.CopyN(io.Discard, conn, 64<<10)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// probe tries ports of the address that asks for it: a byte to each UDP port, a
// connection to each TCP port. A datagram may get lost or not be sent at all; a
// connection must not fail.
func (s *echoServer) probe(ctx context.Context, local, peer netip.Addr, ports wire.IPEchoRequest) error {
	if ports.UDPPorts != [4]uint16{} {
		if err := probeUDP(local, peer, ports.UDPPorts); err != nil {
			s.config.logger.Debug("IP echo cannot probe UDP", "peer", peer, "err", err)
		}
	}
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))}
	for _, number := range ports.TCPPorts {
		if number == 0 {
			continue
		}
		conn, err := dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(peer, number).String())
		if err != nil {
			return fmt.Errorf("probe TCP port: %w", err)
		}
		hangUp(conn)
	}
	return nil
}

func probeUDP(local, peer netip.Addr, ports [4]uint16) error {
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return err
	}
	defer hangUp(socket)
	var errs []error
	for _, number := range ports {
		if number == 0 {
			continue
		}
		_, err := socket.WriteToUDPAddrPort([]byte{0}, netip.AddrPortFrom(peer, number))
		errs = append(errs, err)
	}
	return oneLine(errs)
}

// guests are the addresses that are being served: one connection for each, but any
// number for loopback addresses, up to a limit for all.
type guests struct {
	limit int

	mu    sync.Mutex
	count int                     // guarded by mu
	once  map[netip.Addr]struct{} // guarded by mu
}

func (g *guests) enter(ip netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.once[ip]; ok || g.count >= g.limit {
		return false
	}
	g.count++
	if !ip.IsLoopback() {
		if g.once == nil {
			g.once = make(map[netip.Addr]struct{})
		}
		g.once[ip] = struct{}{}
	}
	return true
}

func (g *guests) leave(ip netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count--
	delete(g.once, ip)
}

// hangUp closes what nothing more is wanted of, so that no error matters.
func hangUp(c io.Closer) { c.Close() }

// addrOf is the IP address of one end of a connection.
func addrOf(addr net.Addr) netip.Addr {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
