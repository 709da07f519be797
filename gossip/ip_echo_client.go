package gossip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"

	"solsnap/gossip/wire"
)

// AskEntrypoint asks an entrypoint by IP echo what address this node has for it
// and what the cluster's shred version is, and to try ports of that address. It
// takes five seconds at most (Agave net-utils/src/ip_echo_client.rs). The question
// comes from the local address, or from any if that is not valid.
//
// The shred version is 0 if the entrypoint does not know it. One that does probe
// answers after all TCP ports were reached, and closes the connection without an
// answer when one was not: the error wraps io.EOF then. An entrypoint running
// Firedancer answers and probes nothing. The error wraps wire.ErrHTTP if
// the port is that of an HTTP server.
func AskEntrypoint(ctx context.Context, entrypoint netip.AddrPort, local netip.Addr, ports wire.IPEchoRequest) (wire.IPEchoResponse, error) {
	var dialer net.Dialer
	if local.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	response, err := ask(ctx, dialer.DialContext, entrypoint, ports)
	if err != nil {
		return wire.IPEchoResponse{}, fmt.Errorf("ask entrypoint %v: %w%s", entrypoint, err, nextStep(err, entrypoint))
	}
	return response, nil
}

// dialFunc is (*net.Dialer).DialContext, or what stands in for it in a test.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func ask(ctx context.Context, dial dialFunc, entrypoint netip.AddrPort, ports wire.IPEchoRequest) (wire.IPEchoResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, echoTimeout)
	defer cancel()
	conn, err := dial(ctx, "tcp4", entrypoint.String())
	if err != nil {
		return wire.IPEchoResponse{}, err
	}
	defer hangUp(conn)
	defer context.AfterFunc(ctx, func() { hangUp(conn) })()
	response, err := exchange(conn, ports)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // not that the connection was closed
	}
	return response, err
}

// exchange writes the question and reads the answer, in as many pieces as it comes
// in.
func exchange(conn io.ReadWriter, ports wire.IPEchoRequest) (wire.IPEchoResponse, error) {
	if _, err := conn.Write(ports.Append(nil)); err != nil {
		return wire.IPEchoResponse{}, err
	}
	var b [wire.IPEchoResponseSize]byte
	n, err := io.ReadFull(conn, b[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return wire.IPEchoResponse{}, err
	}
	response, err := wire.DecodeIPEchoResponse(b[:n])
	if err != nil {
		return wire.IPEchoResponse{}, err
	}
	response.Addr = response.Addr.Unmap()
	if !response.Addr.IsValid() || response.Addr.IsUnspecified() || response.Addr.IsMulticast() {
		return wire.IPEchoResponse{}, fmt.Errorf("it says that this node has the address %v", response.Addr)
	}
	return response, nil
}

// nextStep is what an operator may do about an entrypoint that has not answered.
func nextStep(err error, entrypoint netip.AddrPort) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, wire.ErrHTTP):
		return fmt.Sprintf("; port %d is that of an HTTP server, give the gossip port (usually 8001)", entrypoint.Port())
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("; nothing listens at TCP port %d, check the port or give another entrypoint", entrypoint.Port())
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("; no answer in time, check that TCP port %d is open on the way, or give another entrypoint", entrypoint.Port())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "; it hung up, as it does when it is asked twice at a time, or cannot reach a TCP port that it was asked to try; try again, or give another entrypoint"
	}
	return ""
}
