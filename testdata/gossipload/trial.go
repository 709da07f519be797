//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"solsnap/gossip/wire"
)

// joinWithin is how long to wait until the cluster knows a node. One that half of
// it knows by then is measured all the same.
const joinWithin = 2 * time.Minute

// trial is the cluster, and a node in it that is measured.
type trial struct {
	settings
	mode    string
	place   place
	cluster *cluster
	table   *table
	socket  *socket
	echo    *echo
	signer  *signer
	loop    *loop
	node    *process
}

// newTrial makes the cluster; close frees what it holds.
func newTrial(ctx context.Context, s settings, mode, dir string) (*trial, error) {
	t := &trial{settings: s, mode: mode}
	if err := t.prepare(ctx, dir); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *trial) prepare(ctx context.Context, dir string) (err error) {
	if t.place, err = newPlace(dir); err != nil {
		return err
	}
	if t.socket, err = listenAll(0); err != nil {
		return fmt.Errorf("open socket of the cluster: %w", err)
	}
	if t.cluster, err = newCluster(t.population, t.socket.port(), t.seed); err != nil {
		return err
	}
	if t.echo, err = listenEcho(t.cluster.place(t.cluster.entrypoint())); err != nil {
		return fmt.Errorf("open IP echo of the entrypoint: %w", err)
	}
	if t.table, err = newTable(ctx, t.cluster, t.seed); err != nil {
		return fmt.Errorf("make table: %w", err)
	}
	births := newStream(t.cluster.mix, millis(time.Now()), rand.New(newRandom(t.seed, 2)))
	t.signer = newSigner(births, newAuthor(t.cluster, newRandom(t.seed, 3)))
	t.loop = newLoop(t.cluster, t.table, t.socket, t.signer.births, t.place.gossip, t.load, t.seed)
	return nil
}

func (t *trial) close() {
	if t.socket != nil {
		t.socket.close()
	}
	if t.echo != nil {
		_ = t.echo.listener.Close()
	}
	if t.table != nil {
		t.table.close()
	}
}

// run plays the cluster until the node has been measured.
func (t *trial) run(ctx context.Context, command []string) (r result, err error) {
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return t.signer.Run(ctx) })
	group.Go(func() error { return t.loop.Run(ctx) })
	group.Go(func() error { return t.echo.Run(ctx) })
	defer func() {
		cancel()
		if failed := group.Wait(); failed != nil {
			err = failed // what follows is canceled because of it
		}
	}()
	if t.node, err = startProcess(filepath.Join(t.place.dir, "log"), command); err != nil {
		return r, err
	}
	defer t.node.stop()
	return t.measure(ctx)
}

func (t *trial) measure(ctx context.Context) (result, error) {
	began := time.Now()
	if err := t.join(ctx); err != nil {
		return result{}, err
	}
	joined := time.Since(began)
	_, _ = fmt.Fprintf(os.Stderr, "%s: %d of %d nodes know the node after %v; in %v it will be measured for %v\n", t.mode,
		t.loop.published.Load().Visible, len(t.cluster.nodes), joined.Round(time.Second), t.settle, t.span)
	if _, err := t.sample(ctx, t.settle); err != nil {
		return result{}, err
	}
	samples, err := t.sample(ctx, t.span)
	if err != nil {
		return result{}, err
	}
	r := newResult(t.mode, samples)
	r.Nodes = len(t.cluster.nodes)
	if joined < joinWithin {
		r.Joined = joined.Seconds()
	}
	if t.mode != stubMode && len(t.command) == 0 {
		r.Metrics, err = gossipMetrics(ctx, t.place.admin)
	}
	return r, err
}

// join waits until nearly the whole cluster knows the node.
func (t *trial) join(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, joinWithin)
	defer cancel()
	const enough = 0.99
	for {
		c := t.loop.published.Load()
		if float64(c.Visible) >= enough*float64(len(t.cluster.nodes)) {
			return nil
		}
		err := t.wait(within, roundEvery*time.Millisecond)
		if errors.Is(err, context.DeadlineExceeded) && 2*int(c.Visible) >= len(t.cluster.nodes) {
			return nil
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("after %v, %d of %d nodes know the node, %d pings are unanswered; it sent %d pull requests, %d pushes; it says: %s", joinWithin,
				c.Visible, len(t.cluster.nodes), c.Unanswered, c.From[wire.ProtocolPullRequest].Packets, c.From[wire.ProtocolPush].Packets, t.node.said())
		}
		if err != nil {
			return err
		}
	}
}

// wait lets time pass. It ends early when the node does.
func (t *trial) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-t.node.ended:
		return t.node.died()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sample is everything at a time.
type sample struct {
	at       time.Time
	node     usage
	own      usage
	counts   counts
	lost     uint64 // datagrams that the node's socket had no room for
	lostHere uint64 // and that ours had none for
}

// sample takes a sample every second for a time.
func (t *trial) sample(ctx context.Context, d time.Duration) (samples []sample, err error) {
	end := time.Now().Add(d)
	for {
		s, err := t.take()
		if err != nil {
			return nil, errors.Join(err, t.node.died())
		}
		samples = append(samples, s)
		left := time.Until(end)
		if left <= 0 {
			return samples, nil
		}
		if err := t.wait(ctx, min(left, time.Second)); err != nil {
			return nil, err
		}
	}
}

func (t *trial) take() (s sample, err error) {
	var failed [4]error
	s.at, s.counts = time.Now(), *t.loop.published.Load()
	s.node, failed[0] = usageOf(t.node.cmd.Process.Pid)
	s.own, failed[1] = usageOf(os.Getpid())
	s.lost, failed[2] = dropsAt(t.place.gossip.Port())
	s.lostHere, failed[3] = dropsAt(t.socket.port())
	return s, errors.Join(failed[:]...)
}
