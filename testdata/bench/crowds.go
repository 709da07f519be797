//go:build linux

package main

import (
	"context"
)

// slowRow: many clients that are themselves the bottleneck, as validators on
// the far side of the world are.
func (b *bench) slowRow() row {
	const clients, rate, buffer = 500, 1e6, 128 << 10
	return row{
		name: "500 clients at 1 MB/s",
		metrics: []metric{
			{"CPU s/GiB", ratioAtMost(1.05)}, {"KiB RSS/client", atMost(12)}, {"% of rate", goal{}},
		},
		measure: func(ctx context.Context, c *contender) ([]float64, error) {
			s, err := c.running(ctx, 0)
			if err != nil {
				return nil, err
			}
			before, err := s.rss()
			if err != nil {
				return nil, err
			}
			l, err := b.occupy(ctx, s, clients, buffer)
			if err != nil {
				return nil, err
			}
			defer l.close()
			if _, err := l.sip(ctx, rate, b.ramp); err != nil {
				return nil, err
			}
			t, cpu, err := s.cost(func() (tally, error) { return l.sip(ctx, rate, b.span) })
			if err != nil {
				return nil, err
			}
			after, err := s.rss()
			return []float64{perGiB(cpu, t), kib(after-before) / clients, 100 * t.bytesPerSecond() / clients / rate}, err
		},
	}
}

// pacedRow: the server's own limit for each download.
func (b *bench) pacedRow() row {
	const clients, rate = 8, 50e6
	length := min(int64(rate*b.span.Seconds()), b.files.size)
	pieces := func(address string) script {
		return func(_, n int) (request, bool) {
			return getRange(address, "/"+b.files.archive, 0, length), n == 0
		}
	}
	return row{
		name:    "8 downloads limited to 50 MB/s each",
		metrics: []metric{{"CPU s/GiB", ratioAtMost(0.65)}, {"% of rate", within(98, 102)}},
		measure: func(ctx context.Context, c *contender) ([]float64, error) {
			s, err := c.running(ctx, rate)
			if err != nil {
				return nil, err
			}
			l, err := connect(s.address, clients, 0)
			if err != nil {
				return nil, err
			}
			defer l.close()
			t, cpu, err := s.cost(func() (tally, error) { return l.run(ctx, pieces(s.address)) })
			return []float64{perGiB(cpu, t), 100 * t.bytesPerSecond() / clients / rate}, err
		},
	}
}

// stalledRow: what a client costs that asks for everything and reads nothing.
func (b *bench) stalledRow() row {
	const clients, buffer = 500, 128 << 10
	return row{
		name:    "500 stalled downloads",
		cold:    true,
		rounds:  3,
		metrics: []metric{{"KiB RSS/client", atMost(42)}},
		measure: func(ctx context.Context, c *contender) ([]float64, error) {
			s, err := c.restarted(ctx, 0)
			if err != nil {
				return nil, err
			}
			before, err := s.rss()
			if err != nil {
				return nil, err
			}
			l, err := b.occupy(ctx, s, clients, buffer)
			if err != nil {
				return nil, err
			}
			defer l.close()
			if err := pause(ctx, b.ramp); err != nil {
				return nil, err
			}
			after, err := s.rss()
			return []float64{kib(after-before) / clients}, err
		},
	}
}

// occupy opens downloads of the whole file and reads no more than their heads.
func (b *bench) occupy(ctx context.Context, s *server, clients, buffer int) (*load, error) {
	l, err := connect(s.address, clients, buffer)
	if err != nil {
		return nil, err
	}
	_, err = l.askAll(func(int, int) (request, bool) {
		return getAll(s.address, "/"+b.files.archive, b.files.size), true
	})
	if err == nil {
		err = l.awaitHeads(ctx)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}
