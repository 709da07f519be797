//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
)

func (b *bench) downloadRows() []row {
	goals := []struct {
		clients int
		cpu     goal
	}{{1, ratioAtMost(1)}, {8, ratioAtMost(1.1)}, {64, ratioAtMost(0.85)}, {512, ratioAtMost(0.85)}}
	rows := make([]row, 0, len(goals))
	for _, g := range goals {
		rows = append(rows, row{
			name:    "download, " + count(g.clients),
			metrics: []metric{{"CPU s/GiB", g.cpu}, {"GiB/s", ratioAtLeast(1.05)}},
			measure: func(ctx context.Context, c *contender) ([]float64, error) {
				return b.download(ctx, c, g.clients, b.parts(g.clients, b.passes))
			},
		})
	}
	return rows
}

// parts lets the clients fetch the file together, each its own part of it, as
// often as passes says. One client fetches it whole.
func (b *bench) parts(clients, passes int) func(address string) script {
	path, each := "/"+b.files.archive, b.files.size/int64(clients)
	return func(address string) script {
		return func(client, n int) (request, bool) {
			if clients == 1 {
				return getAll(address, path, b.files.size), n < passes
			}
			return getRange(address, path, int64(client)*each, each), n < passes
		}
	}
}

// rangesRow fetches as many bytes in pieces from anywhere.
func (b *bench) rangesRow(clients int) row {
	const piece = 1 << 20
	path, each := "/"+b.files.archive, int(b.files.size)*b.passes/piece/clients
	pieces := func(address string) script {
		random := rand.New(rand.NewPCG(1, 2)) // both servers get the same
		return func(_, n int) (request, bool) {
			return getRange(address, path, random.Int64N(b.files.size-piece), piece), n < each
		}
	}
	return row{
		name:    "random 1 MiB ranges, " + count(clients),
		metrics: []metric{{"CPU s/GiB", ratioAtMost(1.1)}, {"GiB/s", goal{}}},
		measure: func(ctx context.Context, c *contender) ([]float64, error) {
			return b.download(ctx, c, clients, pieces)
		},
	}
}

// download measures a script. Connections are opened before.
func (b *bench) download(ctx context.Context, c *contender, clients int, play func(string) script) ([]float64, error) {
	s, err := c.running(ctx, 0)
	if err != nil {
		return nil, err
	}
	l, err := connect(s.address, clients, 0)
	if err != nil {
		return nil, err
	}
	defer l.close()
	t, cpu, err := s.cost(func() (tally, error) { return l.run(ctx, play(s.address)) })
	return []float64{perGiB(cpu, t), t.bytesPerSecond() / (1 << 30)}, err
}

func (b *bench) secureRow(clients int) row {
	return row{
		name:    "TLS 1.3, " + count(clients),
		metrics: []metric{{"CPU s/GiB", ratioAtMost(0.95)}, {"GiB/s", goal{}}},
		measure: func(ctx context.Context, c *contender) ([]float64, error) {
			s, err := c.running(ctx, 0)
			if err != nil {
				return nil, err
			}
			l, err := connectSecurely(ctx, s.tlsAddress, clients)
			if err != nil {
				return nil, err
			}
			defer l.close()
			if err := b.sameCipher(l.cipher()); err != nil {
				return nil, err
			}
			t, cpu, err := s.cost(func() (tally, error) { return l.run(ctx, b.parts(clients, 1)(s.tlsAddress)) })
			return []float64{perGiB(cpu, t), t.bytesPerSecond() / (1 << 30)}, err
		},
	}
}

// sameCipher holds every TLS connection of the run to the suite of the first.
func (b *bench) sameCipher(suite string) error {
	if b.cipher == "" {
		b.cipher = suite
	}
	if b.cipher != suite {
		return fmt.Errorf("got cipher suite %s, want %s as before", suite, b.cipher)
	}
	return nil
}
