//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// row is one kind of work, measured on each contender in turn.
type row struct {
	name    string
	metrics []metric
	// measure returns a value for each metric.
	measure func(ctx context.Context, c *contender) ([]float64, error)
	cold    bool // the first round counts: every round starts a new server
	rounds  int  // at most so many; 0 means no bound
}

// rows are those of the budgets for serving, in their order.
func (b *bench) rows() []row {
	return append(b.downloadRows(),
		b.rangesRow(8), b.rangesRow(64),
		b.secureRow(1), b.secureRow(64),
		b.slowRow(), b.pacedRow(),
		b.smallRow("alias redirect", askAlias, ratioAtLeast(0.55)),
		b.smallRow("/health", askHealth, ratioAtLeast(0.55)),
		b.smallRow("getHighestSnapshotSlot", post, ratioAtLeast(0.45)),
		b.smallRow("probe bytes=0-0", b.askByte, ratioAtLeast(1)),
		b.latencyRow(), b.startRow(), b.stalledRow())
}

// startRow: a new process on a state directory that knows the file.
func (b *bench) startRow() row {
	return row{
		name:    "start",
		cold:    true,
		metrics: []metric{{"ms to first byte", atMost(50)}, {"MiB RSS idle", atMost(30)}},
		measure: func(ctx context.Context, c *contender) ([]float64, error) {
			s, err := c.restarted(ctx, 0)
			if err != nil {
				return nil, err
			}
			if err := pause(ctx, b.ramp); err != nil {
				return nil, err
			}
			rss, err := s.rss()
			return []float64{float64(s.firstByte) / float64(time.Millisecond), kib(rss) / 1024}, err
		},
	}
}

func count(clients int) string {
	if clients == 1 {
		return "1 client"
	}
	return fmt.Sprintf("%d clients", clients)
}

// cost is what work took of the server's CPU.
func (s *server) cost(work func() (tally, error)) (tally, time.Duration, error) {
	before, err := s.cpu()
	if err != nil {
		return tally{}, 0, err
	}
	t, err := work()
	if err != nil {
		return t, 0, err
	}
	after, err := s.cpu()
	return t, after - before, err
}

func perGiB(cpu time.Duration, t tally) float64 { return cpu.Seconds() / float64(t.bytes) * (1 << 30) }

func kib(bytes int64) float64 { return float64(bytes) / 1024 }
