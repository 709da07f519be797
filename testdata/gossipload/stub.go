//go:build linux

package main

import (
	"context"
	"crypto/ed25519"
	crand "crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"

	"solsnap/gossip/wire"
)

// stub is a node that knows its entrypoint and nobody else. It decodes what it
// gets, keeps and checks none of it, prunes, and answers pings and pull requests.
// run owns it.
type stub struct {
	conn       *net.UDPConn
	key        ed25519.PrivateKey
	info       wire.ContactInfo
	entrypoint netip.AddrPort
	prunes     stubPrunes
	now        uint64 // in ms since 1970
	refreshed  uint64 // when it last pushed its ContactInfo
	rounds     int    // of pulls that may have been answered
	answered   bool
}

// stubPulls is how many rounds of pulls it takes to have seen most of the table.
// A stub remembers nothing, and so would get it again and again.
const stubPulls = 16

func runStub(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet(stubMode, flag.ContinueOnError)
	port := flags.Int("port", 0, "gossip port")
	entrypoint := flags.String("entrypoint", "", "HOST:PORT")
	if err := flags.Parse(args); err != nil {
		return err
	}
	at, err := netip.ParseAddrPort(*entrypoint)
	if err != nil {
		return fmt.Errorf("-entrypoint: %w", err)
	}
	s, err := newStub(ctx, uint16(*port), at)
	if err != nil {
		return err
	}
	defer func() { _ = s.conn.Close() }()
	return s.run(ctx)
}

func newStub(ctx context.Context, port uint16, entrypoint netip.AddrPort) (*stub, error) {
	echoed, err := askEcho(ctx, entrypoint)
	if err != nil {
		return nil, fmt.Errorf("ask %v for the shred version: %w", entrypoint, err)
	}
	_, key, err := ed25519.GenerateKey(crand.Reader)
	if err != nil {
		return nil, err
	}
	s := &stub{key: key, entrypoint: entrypoint, prunes: stubPrunes{}}
	s.info = wire.ContactInfo{Pubkey: wire.PubkeyOf(key), Outset: uint64(time.Now().UnixMicro()), ShredVersion: echoed.ShredVersion}
	place := netip.AddrPortFrom(echoed.Addr, port)
	if err := s.info.SetSockets(placesOf(place)); err != nil {
		return nil, err
	}
	if s.conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(place)); err != nil {
		return nil, err
	}
	return s, s.conn.SetReadBuffer(kernelBuffer)
}

// askEcho is the client's side of IP echo.
func askEcho(ctx context.Context, entrypoint netip.AddrPort) (wire.IPEchoResponse, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp4", entrypoint.String())
	if err != nil {
		return wire.IPEchoResponse{}, err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write(new(wire.IPEchoRequest).Append(nil)); err != nil {
		return wire.IPEchoResponse{}, err
	}
	b, err := io.ReadAll(io.LimitReader(conn, 1024))
	if err != nil {
		return wire.IPEchoResponse{}, err
	}
	return wire.DecodeIPEchoResponse(b)
}

// run answers until the context ends.
func (s *stub) run(ctx context.Context) error {
	b := make([]byte, bufferSize)
	for next := time.Now(); ctx.Err() == nil; {
		_ = s.conn.SetReadDeadline(next)
		n, from, err := s.conn.ReadFromUDPAddrPort(b)
		now := time.Now()
		s.now = millis(now)
		switch {
		case err == nil:
			err = s.take(b[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		case errors.Is(err, os.ErrDeadlineExceeded):
			err = nil
		}
		if err == nil && now.After(next) {
			next = now.Add(5 * roundEvery * time.Millisecond)
			err = s.round()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// round pushes and pulls.
func (s *stub) round() error {
	own, err := s.ownInfo()
	if err != nil {
		return err
	}
	if s.now-s.refreshed >= refreshSeconds*1000 {
		s.refreshed = s.now
		hashes, err := wire.Sign(s.key, snapshotHashes(s.info.Pubkey, s.now))
		if err != nil {
			return err
		}
		for _, v := range []wire.Verified{own, hashes} {
			if err := s.send(s.entrypoint, &wire.Push{From: s.info.Pubkey, Values: []wire.Value{v.Value()}}); err != nil {
				return err
			}
		}
	}
	return s.pull(own)
}

func (s *stub) ownInfo() (wire.Verified, error) {
	info := s.info
	info.Wallclock = s.now
	return wire.Sign(s.key, &info)
}

// pull asks for everything in an eighth of the partitions.
func (s *stub) pull(own wire.Verified) error {
	if s.rounds == stubPulls {
		return nil
	}
	if s.answered {
		s.rounds++
	}
	set, err := wire.NewFilterSet(0, wire.FilterRoom(own), wire.PullShare, wire.MaxFilters, rand.Uint64)
	if err != nil {
		return err
	}
	for _, f := range set.Filters() {
		if err := s.send(s.entrypoint, &wire.PullRequest{Filter: f, Caller: own.Value()}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stub) send(to netip.AddrPort, m wire.Message) error {
	b, err := wire.Append(nil, m)
	if err != nil {
		return err
	}
	_, err = s.conn.WriteToUDPAddrPort(b, to)
	return err
}

func (s *stub) take(b []byte, from netip.AddrPort) error {
	m, err := wire.Decode(b)
	if err != nil {
		return fmt.Errorf("from %v: %w", from, err)
	}
	switch m := m.(type) {
	case *wire.Ping:
		if from == s.entrypoint {
			s.refreshed = 0 // it takes the ContactInfo from now on
		}
		return s.send(from, wire.NewPong(s.key, m.Token))
	case *wire.PullResponse:
		s.answered = true
	case *wire.PullRequest:
		own, err := s.ownInfo()
		if err != nil {
			return err
		}
		return s.send(from, &wire.PullResponse{From: s.info.Pubkey, Values: []wire.Value{own.Value()}})
	case *wire.Push:
		for _, v := range m.Values {
			if s.prunes.judge(v.Origin(), m.From, s.now) {
				prune := wire.NewPrune(s.key, m.From, []wire.Pubkey{v.Origin()}, s.now)
				if err := s.send(from, prune); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// placesOf are the sockets of a node that has none but gossip.
func placesOf(gossip netip.AddrPort) map[wire.SocketKey]netip.AddrPort {
	return map[wire.SocketKey]netip.AddrPort{wire.SocketGossip: gossip}
}
