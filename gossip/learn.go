package gossip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"solsnap/gossip/wire"
)

const (
	// askParallel is how many entrypoints are asked at a time (Firedancer,
	// src/discof/ipecho/fd_ipecho_client.h).
	askParallel = 16
	// askGrace is how long the others have after the first has answered.
	askGrace = time.Second
)

// askFunc is AskEntrypoint, or what stands in for it in a test.
type askFunc func(ctx context.Context, entrypoint netip.AddrPort, local netip.Addr, ports wire.IPEchoRequest) (wire.IPEchoResponse, error)

// answer is what an entrypoint says about this node.
type answer struct {
	from entrypoint
	wire.IPEchoResponse
	err error
}

// learn resolves the entrypoints and asks them in random order for this node's
// public address and the shred version, until one has answered and the others had
// a moment to object. The shred version that is wanted is 0 to learn it; otherwise
// entrypoints that know another one do not count. The question comes from the
// local address, or from any if that is not valid.
//
// It is an error if two entrypoints differ about the shred version. If they see
// different addresses of this node, one that the world can reach is preferred.
func (e *entrypoints) learn(ctx context.Context, local netip.Addr, want uint16) (wire.IPEchoResponse, error) {
	if len(e.names) == 0 {
		return wire.IPEchoResponse{}, errors.New("no entrypoint to ask for the address of this node and the shred version; give one, or set both")
	}
	if err := e.resolve(ctx); err != nil {
		return wire.IPEchoResponse{}, err
	}
	points := append([]entrypoint(nil), *e.resolved.Load()...)
	rand.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	answers, errs := e.askAll(ctx, points, local, want)
	if err := ctx.Err(); err != nil {
		return wire.IPEchoResponse{}, fmt.Errorf("ask entrypoints: %w", err)
	}
	if len(answers) == 0 {
		return wire.IPEchoResponse{}, fmt.Errorf("no entrypoint answered: %w", oneLine(errs))
	}
	return agree(answers)
}

// askAll asks some at a time until one has answered, waits a moment for those that
// were asked, and gives the answers that are of use and why others are not.
func (e *entrypoints) askAll(ctx context.Context, points []entrypoint, local netip.Addr, want uint16) (answers []answer, errs []error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for a := range e.askEach(ctx, points, local) {
		if err := a.check(want); err != nil {
			errs = append(errs, err)
			continue
		}
		if answers = append(answers, a); len(answers) == 1 {
			time.AfterFunc(askGrace, cancel)
		}
	}
	return answers, errs
}

// askEach asks until the context ends. The channel must be drained.
func (e *entrypoints) askEach(ctx context.Context, points []entrypoint, local netip.Addr) <-chan answer {
	next, answers := make(chan entrypoint), make(chan answer)
	go func() {
		defer close(next)
		for _, point := range points {
			select {
			case next <- point:
			case <-ctx.Done():
				return
			}
		}
	}()
	var asking sync.WaitGroup
	for range min(askParallel, len(points)) {
		asking.Go(func() {
			for point := range next {
				response, err := e.ask(ctx, point.addr, local, wire.IPEchoRequest{})
				answers <- answer{point, response, err}
			}
		})
	}
	go func() { asking.Wait(); close(answers) }()
	return answers
}

// check tells why an answer is of no use.
func (a answer) check(want uint16) error {
	switch {
	case a.err != nil && a.from.name != a.from.addr.String():
		return fmt.Errorf("%s: %w", a.from.name, a.err)
	case a.err != nil:
		return a.err
	case want == 0 && a.ShredVersion == 0:
		return fmt.Errorf("entrypoint %v does not know the shred version (yet); give another entrypoint, or set the shred version", a.from)
	case want != 0 && a.ShredVersion != 0 && a.ShredVersion != want:
		return fmt.Errorf("entrypoint %v has the shred version %d, want %d; it is of another cluster, or the cluster was restarted", a.from, a.ShredVersion, want)
	}
	return nil
}

// agree is the answer that all give.
func agree(answers []answer) (wire.IPEchoResponse, error) {
	said := answers[0]
	for _, a := range answers[1:] {
		switch {
		case a.ShredVersion == 0: // only if that is not wanted
		case said.ShredVersion == 0:
			said.ShredVersion, said.from = a.ShredVersion, a.from
		case a.ShredVersion != said.ShredVersion:
			return wire.IPEchoResponse{}, fmt.Errorf("entrypoints disagree about the shred version: %v has %d, %v has %d; give those of one cluster, or set the shred version",
				said.from, said.ShredVersion, a.from, a.ShredVersion)
		}
		if isLocal(said.Addr) && !isLocal(a.Addr) {
			said.Addr = a.Addr
		}
	}
	return said.IPEchoResponse, nil
}

// isLocal reports whether the world cannot reach an address.
func isLocal(ip netip.Addr) bool {
	return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
}
