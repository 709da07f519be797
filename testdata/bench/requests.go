//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// smallRow asks for the same small thing over and over.
func (b *bench) smallRow(name string, ask func(host string) request, rate goal) row {
	const clients = 64
	return row{
		name:    name + ", 64 connections",
		metrics: []metric{{"requests/s", rate}, {"CPU µs/request", goal{}}},
		measure: func(ctx context.Context, c *contender) ([]float64, error) {
			s, err := c.running(ctx, 0)
			if err != nil {
				return nil, err
			}
			l, err := connect(s.address, clients, 0)
			if err != nil {
				return nil, err
			}
			defer l.close()
			want, end := ask(s.address), time.Now().Add(b.span)
			t, cpu, err := s.cost(func() (tally, error) {
				return l.run(ctx, func(int, int) (request, bool) { return want, time.Now().Before(end) })
			})
			requests := float64(t.requests)
			return []float64{requests / t.elapsed.Seconds(), cpu.Seconds() * 1e6 / requests}, err
		},
	}
}

// latencyRow: do small requests still get their turn?
func (b *bench) latencyRow() row {
	names := []string{"alias", "/health", "JSON-RPC"}
	r := row{name: "beside 64 downloads"}
	for _, name := range names {
		r.metrics = append(r.metrics,
			metric{"p99 ms " + name + " idle", goal{}},
			metric{"p99 ms " + name, atMost(100)},
			metric{name + " ÷ idle", atMost(5)})
	}
	r.measure = func(ctx context.Context, c *contender) ([]float64, error) {
		s, err := c.running(ctx, 0)
		if err != nil {
			return nil, err
		}
		idle, err := probeFor(ctx, s.address, smallRequests(s.address), b.span)
		if err != nil {
			return nil, err
		}
		busy, err := b.probeBusy(ctx, s)
		if err != nil {
			return nil, err
		}
		var values []float64
		for i := range names {
			values = append(values, p99(idle[i]), p99(busy[i]), p99(busy[i])/p99(idle[i]))
		}
		return values, nil
	}
	return r
}

func askAlias(host string) request {
	return request{text: get(host, "/snapshot.tar.bz2", ""), line: "HTTP/1.1 303", length: -1}
}

func askHealth(host string) request {
	return request{text: get(host, "/health", ""), line: "HTTP/1.1 200", length: -1}
}

func (b *bench) askByte(host string) request {
	return getRange(host, "/"+b.files.archive, 0, 1)
}

func smallRequests(host string) []request {
	return []request{askAlias(host), askHealth(host), post(host)}
}

// probeBusy probes while 64 clients download the whole file as fast as they can.
func (b *bench) probeBusy(ctx context.Context, s *server) ([][]time.Duration, error) {
	l, err := connect(s.address, 64, 0)
	if err != nil {
		return nil, err
	}
	defer l.close()
	l.calm = true // the probes share its core
	loading, stop := context.WithCancel(ctx)
	var failed error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, failed = l.run(loading, func(int, int) (request, bool) {
			return getAll(s.address, "/"+b.files.archive, b.files.size), true
		})
	}()
	defer func() {
		stop()
		<-ended // before its sockets are closed
	}()
	if err := pause(ctx, b.ramp); err != nil {
		return nil, err
	}
	took, err := probeFor(ctx, s.address, smallRequests(s.address), b.span)
	select {
	case <-ended:
		return nil, fmt.Errorf("downloads beside the probes: %w", failed)
	default:
		return took, err
	}
}
