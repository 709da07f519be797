package gossip

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"solsnap/gossip/wire"
)

// knows is a config for a server that knows a shred version.
func knows(shredVersion uint16) echoConfig {
	return echoConfig{shredVersion: func() uint16 { return shredVersion }}
}

// serveEcho runs a server until the end of the test, and checks that it ends.
func serveEcho(t *testing.T, config echoConfig, listener net.Listener) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- newEchoServer(config).Run(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("server ended with %v", err)
		}
	})
}

// echoAt runs a server on the loopback interface.
func echoAt(t *testing.T, config echoConfig) netip.AddrPort {
	t.Helper()
	listener := listenTCP(t)
	serveEcho(t, config, listener)
	return portOf(listener.Addr())
}

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

func listenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return socket
}

func portOf(addr net.Addr) netip.AddrPort { return netip.MustParseAddrPort(addr.String()) }

func dialTCP(t *testing.T, server netip.AddrPort) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp4", server.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// hear writes a request, and gives what comes until the other side hangs up.
func hear(t *testing.T, conn net.Conn, request []byte) []byte {
	t.Helper()
	if _, err := conn.Write(request); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var plainQuestion = (&wire.IPEchoRequest{}).Append(nil)

// fromLoopback is the answer to a question from 127.0.0.1.
const fromLoopback = "00000000" + "00000000" + "7f000001" + "01" + "adc3" + "000000000000000000000000"

func TestEchoServer(t *testing.T) {
	server := echoAt(t, knows(50093))
	same(t, "answer", hex.EncodeToString(hear(t, dialTCP(t, server), plainQuestion)), fromLoopback)
}

// TestEchoServerBeforeTheShredVersion is known says none, and then says it.
func TestEchoServerBeforeTheShredVersion(t *testing.T) {
	version := make(chan uint16, 2)
	version <- 0
	version <- 50093
	server := echoAt(t, echoConfig{shredVersion: func() uint16 { return <-version }})
	none := strings.Replace(fromLoopback, "01adc3", "000000", 1)
	same(t, "answer", hex.EncodeToString(hear(t, dialTCP(t, server), plainQuestion)), none)
	same(t, "answer", hex.EncodeToString(hear(t, dialTCP(t, server), plainQuestion)), fromLoopback)
}

// TestEchoServerTriesPorts of the one who asks, all of them, before it answers.
func TestEchoServerTriesPorts(t *testing.T) {
	var request wire.IPEchoRequest
	var sockets [4]*net.UDPConn
	var listeners [4]net.Listener
	for i := range 4 {
		sockets[i], listeners[i] = listenUDP(t), listenTCP(t)
		request.UDPPorts[i] = portOf(sockets[i].LocalAddr()).Port()
		request.TCPPorts[i] = portOf(listeners[i].Addr()).Port()
	}
	server := echoAt(t, knows(50093))
	same(t, "answer", hex.EncodeToString(hear(t, dialTCP(t, server), request.Append(nil))), fromLoopback)
	for i := range 4 {
		b := make([]byte, 10)
		n, from, err := sockets[i].ReadFromUDPAddrPort(b)
		same(t, "error", err, nil)
		same(t, "datagram", hex.EncodeToString(b[:n]), "00")
		same(t, "source", from.Addr(), ip("127.0.0.1"))
		conn, err := listeners[i].Accept()
		if err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(conn)
		same(t, "error", err, nil)
		same(t, "what is said", len(rest), 0)
		conn.Close()
	}
}

// TestEchoServerLeavesOutPort0 among others.
func TestEchoServerLeavesOutPort0(t *testing.T) {
	listener, socket := listenTCP(t), listenUDP(t)
	request := wire.IPEchoRequest{
		TCPPorts: [4]uint16{2: portOf(listener.Addr()).Port()},
		UDPPorts: [4]uint16{3: portOf(socket.LocalAddr()).Port()},
	}
	server := echoAt(t, knows(50093))
	same(t, "answer", hex.EncodeToString(hear(t, dialTCP(t, server), request.Append(nil))), fromLoopback)
	n, err := socket.Read(make([]byte, 10))
	same(t, "error", err, nil)
	same(t, "datagram", n, 1)
}

// TestEchoServerThatCannotConnect hangs up without an answer. UDP ports are tried
// all the same.
func TestEchoServerThatCannotConnect(t *testing.T) {
	closed, socket := listenTCP(t), listenUDP(t)
	closed.Close()
	request := wire.IPEchoRequest{
		TCPPorts: [4]uint16{portOf(closed.Addr()).Port()},
		UDPPorts: [4]uint16{portOf(socket.LocalAddr()).Port()},
	}
	server := echoAt(t, knows(50093))
	same(t, "answer", hex.EncodeToString(hear(t, dialTCP(t, server), request.Append(nil))), "")
	_, err := socket.Read(make([]byte, 10))
	same(t, "error of UDP", err, nil)
}

func TestEchoServerRefusesHTTP(t *testing.T) {
	for name, request := range map[string]string{
		"GET":   "GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"POST":  "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", 20_000),
		"short": "GET / HTTP/1.0\r\n\r\n",
		"cut":   "GET ",
	} {
		t.Run(name, func(t *testing.T) {
			conn := dialTCP(t, echoAt(t, knows(50093)))
			same(t, "answer", string(hear(t, conn, []byte(request))), "HTTP/1.1 400 Bad Request\nContent-length: 0\n\n")
		})
	}
}

// TestEchoServerHangsUp at once on those who do not speak IP echo.
func TestEchoServerHangsUp(t *testing.T) {
	for name, request := range map[string]string{
		"TLS":        "\x16\x03\x01\x00",
		"SSH":        "SSH-",
		"bad header": "\x00\x00\x00\x01",
	} {
		t.Run(name, func(t *testing.T) {
			conn := dialTCP(t, echoAt(t, knows(50093)))
			same(t, "answer", string(hear(t, conn, []byte(request))), "")
		})
	}
	t.Run("end of input", func(t *testing.T) {
		conn := dialTCP(t, echoAt(t, knows(50093)))
		conn.Write(plainQuestion[:20])
		conn.(*net.TCPConn).CloseWrite()
		b, err := io.ReadAll(conn)
		same(t, "error", err, nil)
		same(t, "answer", string(b), "")
	})
}

// TestEchoServerInPieces answers a request that comes byte by byte.
func TestEchoServerInPieces(t *testing.T) {
	conn := dialTCP(t, echoAt(t, knows(50093)))
	conn.(*net.TCPConn).SetNoDelay(true)
	for _, octet := range plainQuestion[:20] {
		conn.Write([]byte{octet})
	}
	same(t, "answer", hex.EncodeToString(hear(t, conn, plainQuestion[20:])), fromLoopback)
}

// phone is a listener without sockets. It accepts what call has brought.
type phone struct {
	calls  chan net.Conn
	closed chan struct{}
}

func newPhone() *phone { return &phone{make(chan net.Conn), make(chan struct{})} }

func (p *phone) Accept() (net.Conn, error) {
	select {
	case conn := <-p.calls:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *phone) Close() error   { close(p.closed); return nil }
func (p *phone) Addr() net.Addr { return &net.TCPAddr{} }

// call connects from an address, by a pipe.
func (p *phone) call(t *testing.T, from string) net.Conn {
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close() })
	p.calls <- caller{theirs, &net.TCPAddr{IP: net.ParseIP(from), Port: 4242}}
	return ours
}

type caller struct {
	net.Conn
	from net.Addr
}

func (c caller) RemoteAddr() net.Addr { return c.from }

// isOpen checks that nothing has come, not even the end.
func isOpen(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read gives %v, want nothing to come", err)
	}
	conn.SetReadDeadline(time.Time{})
}

func isClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	if b, err := io.ReadAll(conn); err != nil || len(b) > 0 {
		t.Errorf("read gives %x and %v, want the end", b, err)
	}
}

// TestEchoServerIsThatOfTheFixtures answers as they do.
func TestEchoServerIsThatOfTheFixtures(t *testing.T) {
	want := captured(t, "derived_ipecho_response.bin")
	p := newPhone()
	serveEcho(t, knows(50093), p)
	for _, from := range []string{"203.0.113.7", "::ffff:203.0.113.7"} {
		same(t, "answer", hex.EncodeToString(hear(t, p.call(t, from), plainQuestion)), hex.EncodeToString(want))
	}
}

// TestEchoServerHoldsNobodyLong, whatever they do.
func TestEchoServerHoldsNobodyLong(t *testing.T) {
	for name, dawdle := range map[string]func(context.Context, net.Conn){
		"silence": func(context.Context, net.Conn) {},
		"a byte each second": func(ctx context.Context, conn net.Conn) {
			for _, octet := range plainQuestion {
				conn.Write([]byte{octet})
				if !pause(ctx, time.Second) {
					return
				}
			}
		},
		"an answer that is not read": func(_ context.Context, conn net.Conn) { conn.Write(plainQuestion) },
		"HTTP without an end": func(ctx context.Context, conn net.Conn) {
			conn.Write([]byte("POST "))
			io.ReadFull(conn, make([]byte, len(badRequest)))
			for pause(ctx, time.Second) {
				conn.Write([]byte{'x'})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPhone()
				serveEcho(t, knows(50093), p)
				begun := time.Now()
				conn := p.call(t, "192.0.2.1")
				go dawdle(t.Context(), conn)
				pause(t.Context(), 5*time.Second-1)
				synctest.Wait()
				again := p.call(t, "192.0.2.1")
				if name != "an answer that is not read" { // who was answered may ask again
					isClosed(t, again)
				}
				again.Close()
				pause(t.Context(), time.Until(begun.Add(5*time.Second)))
				synctest.Wait()
				isOpen(t, p.call(t, "192.0.2.1"))
				if _, err := conn.Write([]byte{0}); !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("write gives %v, want a closed pipe", err)
				}
			})
		})
	}
}

// TestEchoServerServesAnAddressOnce at a time, and loopback addresses more often.
func TestEchoServerServesAnAddressOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone()
		serveEcho(t, knows(50093), p)
		first := p.call(t, "192.0.2.1")
		for range 1000 {
			isClosed(t, p.call(t, "192.0.2.1"))
		}
		isClosed(t, p.call(t, "::ffff:192.0.2.1"))
		isOpen(t, first)
		isOpen(t, p.call(t, "192.0.2.2"))
		isOpen(t, p.call(t, "127.0.0.1"))
		isOpen(t, p.call(t, "127.0.0.1"))
		isOpen(t, p.call(t, "::1"))
		same(t, "answer", len(hear(t, first, plainQuestion)), 27)
	})
}

// TestEchoServerAnswersAgainAtOnce those who have read an answer: validators check
// their ports in one question after the other.
func TestEchoServerAnswersAgainAtOnce(t *testing.T) {
	p := newPhone()
	serveEcho(t, knows(50093), p)
	for range 200 {
		conn := p.call(t, "192.0.2.1")
		conn.Write(plainQuestion)
		if _, err := io.ReadFull(conn, make([]byte, 27)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEchoServerLimitsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := knows(50093)
		config.connections = 3
		p := newPhone()
		serveEcho(t, config, p)
		held := []net.Conn{p.call(t, "127.0.0.1"), p.call(t, "192.0.2.1"), p.call(t, "192.0.2.2")}
		isClosed(t, p.call(t, "127.0.0.1"))
		isClosed(t, p.call(t, "192.0.2.3"))
		same(t, "answer", len(hear(t, held[1], plainQuestion)), 27)
		isOpen(t, p.call(t, "192.0.2.3"))
		isClosed(t, p.call(t, "192.0.2.4"))
	})
	same(t, "limit by default", knows(1).withDefaults().connections, 2048)
}

// TestEchoServerTellsOfConnections before anything is read.
func TestEchoServerTellsOfConnections(t *testing.T) {
	told := make(chan netip.Addr, 1)
	config := knows(50093)
	config.connected = func(from netip.Addr) { told <- from }
	dialTCP(t, echoAt(t, config))
	same(t, "address", <-told, ip("127.0.0.1"))
}

// faulty is a listener that cannot accept for want of file descriptors.
type faulty struct {
	*phone
	tries int
}

func (f *faulty) Accept() (net.Conn, error) {
	select {
	case <-f.closed:
		return nil, net.ErrClosed
	default:
		f.tries++
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
}

// TestEchoServerDoesNotSpin when accepting fails.
func TestEchoServerDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := &faulty{phone: newPhone()}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- newEchoServer(knows(1)).Run(ctx, listener) }()
		pause(t.Context(), time.Minute)
		cancel()
		same(t, "error", <-ended, nil)
		if listener.tries < 50 || listener.tries > 70 {
			t.Errorf("%d tries in a minute, want about one a second", listener.tries)
		}
	})
}

// TestEchoServerEnds with everything it has begun, when told to.
func TestEchoServerEnds(t *testing.T) {
	listener := listenTCP(t)
	ctx, cancel := context.WithCancel(t.Context())
	accepted := make(chan netip.Addr, 10)
	config := knows(1)
	config.connected = func(from netip.Addr) { accepted <- from }
	ended := make(chan error)
	go func() { ended <- newEchoServer(config).Run(ctx, listener) }()
	var conns []net.Conn
	for range 10 {
		conns = append(conns, dialTCP(t, portOf(listener.Addr())))
		<-accepted
	}
	cancel()
	same(t, "error", <-ended, nil)
	for _, conn := range conns {
		isClosed(t, conn)
	}
}

// TestEchoServerWithoutListener reports that, and ends.
func TestEchoServerWithoutListener(t *testing.T) {
	listener := listenTCP(t)
	listener.Close()
	says(t, newEchoServer(knows(1)).Run(t.Context(), listener), "accept IP echo connection", "closed")
}

// FuzzReadEchoRequest reads what anybody may send, in whatever pieces, as the codec
// does, and never more than a request.
func FuzzReadEchoRequest(f *testing.F) {
	f.Add(plainQuestion, uint8(0))
	f.Add(append((&wire.IPEchoRequest{TCPPorts: [4]uint16{1}}).Append(nil), "more"...), uint8(1))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), uint8(2))
	f.Add([]byte("GET "), uint8(1))
	f.Add([]byte{0, 0, 0, 1}, uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, how uint8) {
		source := bytes.NewReader(b)
		got, err := readEchoRequest([]func(io.Reader) io.Reader{
			func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
		}[how%4](source))
		if how%4 < 3 && len(b)-source.Len() > wire.IPEchoRequestSize {
			t.Errorf("%d bytes read", len(b)-source.Len())
		}
		want, wantErr := wire.DecodeIPEchoRequest(b[:min(len(b), wire.IPEchoRequestSize)])
		same(t, "request", got, want)
		same(t, "is refused", err != nil, wantErr != nil)
		same(t, "is HTTP", errors.Is(err, wire.ErrHTTP), errors.Is(wantErr, wire.ErrHTTP))
	})
}
