//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"solsnap/gossip/wire"
)

// echo is the IP echo of the entrypoint: it says what address a caller has, and
// the shred version. It tries no ports.
type echo struct{ listener net.Listener }

func listenEcho(at netip.AddrPort) (*echo, error) {
	l, err := net.Listen("tcp4", at.String())
	if err != nil {
		return nil, err
	}
	return &echo{l}, nil
}

// Run answers until the context ends.
func (e *echo) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = e.listener.Close() })
	defer stop()
	var answers sync.WaitGroup
	defer answers.Wait()
	for {
		conn, err := e.listener.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		answers.Go(func() { answerEcho(conn) })
	}
}

// answerEcho drops whoever asks for something else.
func answerEcho(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	var b [wire.IPEchoRequestSize]byte
	if _, err := io.ReadFull(conn, b[:]); err != nil {
		return
	}
	if _, err := wire.DecodeIPEchoRequest(b[:]); err != nil {
		return
	}
	caller := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	response := wire.IPEchoResponse{Addr: caller, ShredVersion: shredVersion}
	if answer, err := response.Append(nil); err == nil {
		_, _ = conn.Write(answer)
	}
}
