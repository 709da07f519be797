package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"solsnap/gossip"
	"solsnap/gossip/wire"
)

// discover runs the node until no new producers come, and gives everybody it has
// met. That ctx ends is no error: what was found by then counts.
func (p *peersCommand) discover(ctx context.Context, node gossipNode) ([]gossip.Peer, error) {
	running, stop := context.WithTimeout(ctx, p.timeout)
	defer stop()
	group, running := errgroup.WithContext(running)
	group.Go(func() error { return node.Run(running) })
	var peers []gossip.Peer
	group.Go(func() error {
		defer stop()
		peers = p.await(running, node)
		return nil
	})
	err := group.Wait()
	return peers, err
}

// lookInterval is how often the peers are looked at.
const lookInterval = 100 * time.Millisecond

// await looks until ctx ends or no producer is new for quietTime.
func (p *peersCommand) await(ctx context.Context, node gossipNode) []gossip.Peer {
	show, end := p.progress()
	defer end()
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	producers, newest := map[wire.Pubkey]bool{}, time.Now()
	for {
		peers, now := node.Peers(), time.Now()
		for i := range peers {
			if key := peers[i].Pubkey; peers[i].Snapshots != nil && !producers[key] {
				producers[key], newest = true, now
			}
		}
		show(len(peers), len(producers))
		if len(producers) > 0 && now.Sub(newest) >= quietTime {
			return peers
		}
		select {
		case <-ctx.Done():
			return peers
		case <-ticker.C:
		}
	}
}

// progress shows on a terminal how many were found, and logs it elsewhere.
func (p *peersCommand) progress() (show func(nodes, producers int), end func()) {
	if terminal, ok := terminalOf(p.stderr); ok {
		return peersBar(terminal, p.timeout)
	}
	last := time.Now()
	return func(nodes, producers int) {
		if now := time.Now(); now.Sub(last) >= lineInterval {
			last = now
			p.log.Info("gossip: looking for snapshots", "nodes", nodes, "with_snapshots", producers)
		}
	}, func() {}
}

// terminalOf is the terminal that w writes to, if it does.
func terminalOf(w io.Writer) (*os.File, bool) {
	file, ok := w.(*os.File)
	return file, ok && term.IsTerminal(int(file.Fd()))
}

// peersBar fills as the time runs out, and disappears at the end.
func peersBar(terminal io.Writer, timeout time.Duration) (show func(nodes, producers int), end func()) {
	var nodes, producers atomic.Int64
	found := func(decor.Statistics) string {
		return fmt.Sprintf(" %d nodes, %d with snapshots", nodes.Load(), producers.Load())
	}
	container := mpb.New(mpb.WithOutput(terminal), mpb.WithRefreshRate(barInterval), mpb.WithWidth(40))
	bar := container.AddBar(timeout.Milliseconds()+1, // it is not to complete by itself
		mpb.PrependDecorators(decor.Name("looking ")), mpb.AppendDecorators(decor.Any(found)))
	started := time.Now()
	show = func(n, m int) {
		nodes.Store(int64(n))
		producers.Store(int64(m))
		bar.SetCurrent(min(time.Since(started), timeout).Milliseconds())
	}
	return show, func() {
		bar.Abort(true)
		container.Wait()
	}
}
