package gossip

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"solsnap/gossip/wire"
)

// entrypointThat runs a server that treats one connection as it likes.
func entrypointThat(t *testing.T, serve func(conn *net.TCPConn)) netip.AddrPort {
	t.Helper()
	listener := listenTCP(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		serve(conn.(*net.TCPConn))
	}()
	t.Cleanup(func() { listener.Close(); <-ended })
	return portOf(listener.Addr())
}

// answering reads a question and writes answers, each in one piece.
func answering(pieces ...[]byte) func(*net.TCPConn) {
	return func(conn *net.TCPConn) {
		io.ReadFull(conn, make([]byte, wire.IPEchoRequestSize))
		for _, piece := range pieces {
			conn.Write(piece)
		}
	}
}

func unhex(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAskEntrypointIsThatOfTheFixtures in what it says and understands.
func TestAskEntrypointIsThatOfTheFixtures(t *testing.T) {
	request, response := captured(t, "derived_ipecho_request.bin"), captured(t, "derived_ipecho_response.bin")
	said := make([]byte, wire.IPEchoRequestSize)
	entrypoint := entrypointThat(t, func(conn *net.TCPConn) {
		io.ReadFull(conn, said)
		conn.Write(response)
	})
	got, err := AskEntrypoint(t.Context(), entrypoint, netip.Addr{},
		wire.IPEchoRequest{TCPPorts: [4]uint16{8899, 8001}, UDPPorts: [4]uint16{8001, 8003}})
	same(t, "error", err, nil)
	same(t, "answer", got, wire.IPEchoResponse{Addr: ip("203.0.113.7"), ShredVersion: 50093})
	same(t, "question", hex.EncodeToString(said), hex.EncodeToString(request))
}

// TestAskOurOwnEntrypoint from a certain address.
func TestAskOurOwnEntrypoint(t *testing.T) {
	server := echoAt(t, knows(50093))
	locals := []string{"127.0.0.1"}
	if runtime.GOOS == "linux" { // elsewhere there is no other loopback address
		locals = append(locals, "127.0.0.2")
	}
	for _, local := range locals {
		got, err := AskEntrypoint(t.Context(), server, ip(local), wire.IPEchoRequest{})
		same(t, "error", err, nil)
		same(t, "answer", got, wire.IPEchoResponse{Addr: ip(local), ShredVersion: 50093})
	}
}

func TestAskEntrypoint(t *testing.T) {
	whole := unhex(t, fromLoopback)
	none := bytes.Clone(whole)
	none[12] = 0
	var octets [][]byte
	for i := range whole {
		octets = append(octets, whole[i:i+1])
	}
	answer := wire.IPEchoResponse{Addr: ip("127.0.0.1"), ShredVersion: 50093}
	unknown := wire.IPEchoResponse{Addr: ip("127.0.0.1")}
	for name, tt := range map[string]struct {
		serve   func(*net.TCPConn)
		want    wire.IPEchoResponse
		cause   error
		refusal string
	}{
		"whole":             {answering(whole), answer, nil, ""},
		"in two":            {answering(whole[:13], whole[13:]), answer, nil, ""},
		"byte by byte":      {answering(octets...), answer, nil, ""},
		"more than whole":   {answering(whole, make([]byte, 100)), answer, nil, ""},
		"no padding":        {answering(whole[:15]), answer, nil, ""},
		"no shred version":  {answering(whole[:12]), unknown, nil, ""},
		"none":              {answering(none), unknown, nil, ""},
		"nothing":           {answering(), wire.IPEchoResponse{}, io.EOF, "hung up"},
		"cut":               {answering(whole[:10]), wire.IPEchoResponse{}, io.ErrUnexpectedEOF, "hung up"},
		"nothing was heard": {func(conn *net.TCPConn) { conn.SetLinger(0) }, wire.IPEchoResponse{}, nil, "hung up"},
		"HTTP": {answering([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")), wire.IPEchoResponse{}, wire.ErrHTTP,
			"that of an HTTP server, give the gossip port"},
		"TLS":             {answering([]byte("\x15\x03\x01\x00\x02\x02\x16")), wire.IPEchoResponse{}, nil, "header is 15030100"},
		"multicast":       {answering(unhex(t, "0000000000000000e000000101adc3")), wire.IPEchoResponse{}, nil, "has the address 224.0.0.1"},
		"unspecified":     {answering(unhex(t, "00000000000000000000000001adc3")), wire.IPEchoResponse{}, nil, "has the address 0.0.0.0"},
		"another address": {answering(unhex(t, "000000000200000000000000")), wire.IPEchoResponse{}, nil, "address family 2"},
	} {
		t.Run(name, func(t *testing.T) {
			entrypoint := entrypointThat(t, tt.serve)
			got, err := AskEntrypoint(t.Context(), entrypoint, netip.Addr{}, wire.IPEchoRequest{})
			same(t, "answer", got, tt.want)
			if tt.refusal == "" {
				same(t, "error", err, nil)
				return
			}
			says(t, err, "ask entrypoint "+entrypoint.String(), tt.refusal)
			if tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("error is %v, want it to wrap %v", err, tt.cause)
			}
		})
	}
}

func TestAskNobody(t *testing.T) {
	listener := listenTCP(t)
	listener.Close()
	_, err := AskEntrypoint(t.Context(), portOf(listener.Addr()), netip.Addr{}, wire.IPEchoRequest{})
	says(t, err, "connection refused", "nothing listens at TCP port")
}

// TestAskEntrypointGivesUp after five seconds, whether there is no answer, half an
// answer, or no connection.
func TestAskEntrypointGivesUp(t *testing.T) {
	for name, dial := range map[string]dialFunc{
		"no connection": func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
		"no answer": func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go io.Copy(io.Discard, theirs)
			return ours, nil
		},
		"half an answer": func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go io.Copy(io.Discard, theirs)
			go theirs.Write(make([]byte, 20))
			return ours, nil
		},
		"deaf": func(context.Context, string, string) (net.Conn, error) {
			ours, _ := net.Pipe()
			return ours, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, err := ask(t.Context(), dial, at("192.0.2.1:8001"), wire.IPEchoRequest{})
				same(t, "time", time.Since(begun), 5*time.Second)
				same(t, "error", errors.Is(err, context.DeadlineExceeded), true)
				says(t, errors.New(nextStep(err, at("192.0.2.1:8001"))), "no answer in time, check that TCP port 8001 is open")
			})
		})
	}
}

func TestAskEntrypointIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	entrypoint := entrypointThat(t, func(conn *net.TCPConn) {
		cancel()
		io.Copy(io.Discard, conn)
	})
	_, err := AskEntrypoint(ctx, entrypoint, netip.Addr{}, wire.IPEchoRequest{})
	same(t, "cancelled", errors.Is(err, context.Canceled), true)
}

func TestNextStep(t *testing.T) {
	for err, want := range map[error]string{
		&net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}:  "no answer in time",
		&net.OpError{Op: "read", Err: syscall.ECONNRESET}: "hung up",
		&net.OpError{Op: "write", Err: syscall.EPIPE}:     "hung up",
	} {
		says(t, errors.New(nextStep(err, at("192.0.2.1:8001"))), want)
	}
	same(t, "next step otherwise", nextStep(io.ErrNoProgress, at("192.0.2.1:8001")), "")
}

// half is a connection whose other side has already said all.
type half struct{ io.Reader }

func (half) Write(b []byte) (int, error) { return len(b), nil }

// FuzzExchange understands what an entrypoint may say, in whatever pieces, as the
// codec does.
func FuzzExchange(f *testing.F) {
	whole, _ := hex.DecodeString(fromLoopback)
	f.Add(whole)
	f.Add(whole[:15])
	f.Add(whole[:12])
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := exchange(half{bytes.NewReader(b)}, wire.IPEchoRequest{})
		slow, slowErr := exchange(half{iotest.OneByteReader(bytes.NewReader(b))}, wire.IPEchoRequest{})
		same(t, "answer in pieces", slow, got)
		same(t, "is refused in pieces", slowErr != nil, err != nil)
		if err != nil {
			return
		}
		want, err := wire.DecodeIPEchoResponse(b[:min(len(b), wire.IPEchoResponseSize)])
		same(t, "error", err, nil)
		same(t, "shred version", got.ShredVersion, want.ShredVersion)
		if !got.Addr.IsValid() || got.Addr.IsUnspecified() || got.Addr.IsMulticast() {
			t.Errorf("address is %v", got.Addr)
		}
	})
}
