package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// memory bounds the upstream responses that are held at a time: all together,
// those of one client, and each one.
type memory struct {
	total, share, most int64 // bytes: of all, of one client, of one response
	gauge              prometheus.Gauge

	mu      sync.Mutex
	taken   int64                  // guarded by mu
	clients map[netip.Prefix]int64 // who has taken how much of it, if any; guarded by mu
	freed   chan struct{}          // closed, and replaced, when some is given back; guarded by mu
}

// newMemory makes room for one response of the longest kind at least, whoever
// it is for.
func newMemory(total, share, most int64, gauge prometheus.Gauge) *memory {
	return &memory{
		total:   max(total, most+1),
		share:   max(share, most+1),
		most:    most,
		gauge:   gauge,
		clients: make(map[netip.Prefix]int64),
		freed:   make(chan struct{}),
	}
}

// Why there is no memory. The client can do something about the second only.
var (
	errMemory = errors.New("no memory for the response")
	errShare  = errors.New("no memory for the response: the client has not read enough of its others")
)

// take takes memory for a client. When others have it, the channel is closed
// as soon as one of them has given some back.
func (m *memory) take(client netip.Prefix, size int64) (freed <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.clients[client]+size > m.share:
		return nil, errShare
	case m.taken+size > m.total:
		return m.freed, errMemory
	}
	m.taken += size
	m.clients[client] += size
	m.gauge.Add(float64(size))
	return nil, nil
}

// acquire takes memory and waits for it while others have it. There is no
// queue: a short response need not wait behind a long one that does not fit.
// Nor is there a wait for what the client has itself: it would take a slot of
// the upstream from others.
func (m *memory) acquire(ctx context.Context, client netip.Prefix, size int64) error {
	for {
		freed, err := m.take(client, size)
		if freed == nil {
			return err
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", err, ctx.Err())
		}
	}
}

// give gives memory back.
func (m *memory) give(client netip.Prefix, size int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken -= size
	if m.clients[client] -= size; m.clients[client] == 0 {
		delete(m.clients, client)
	}
	m.gauge.Sub(float64(size))
	close(m.freed)
	m.freed = make(chan struct{})
}

// holding is a response, and the memory that it takes until free.
type holding struct {
	memory *memory
	client netip.Prefix
	text   []byte
	taken  int64 // the capacity of text; owned by who has the holding
}

// firstHolding is the memory for a response of unknown length to begin with.
const firstHolding = 1 << 10

// read reads a response whole. It waits for its first memory only: calls that
// waited for more while they hold some could all wait for each other.
func (h *holding) read(ctx context.Context, response *http.Response) error {
	most, size := h.memory.most, response.ContentLength+1
	if size > most+1 {
		return h.tooLarge()
	}
	if size <= 1 {
		size = min(firstHolding, most+1)
	}
	if err := h.memory.acquire(ctx, h.client, size); err != nil {
		return &upstreamError{resultMemory, err}
	}
	h.resize(size)
	return h.fill(ctx, response.Body)
}

// fill reads to the end. One byte more than allowed is enough to know that
// there are too many; one byte of room is left to see that there are no more.
func (h *holding) fill(ctx context.Context, body io.Reader) error {
	for {
		n, err := body.Read(h.text[len(h.text):cap(h.text)])
		h.text = h.text[:len(h.text)+n]
		switch {
		case int64(len(h.text)) > h.memory.most:
			return h.tooLarge()
		case err == io.EOF:
			return nil
		case err != nil:
			return transportError(ctx, err)
		case len(h.text) < cap(h.text):
			continue
		}
		size := min(2*h.taken, h.memory.most+1)
		if _, err := h.memory.take(h.client, size-h.taken); err != nil {
			return &upstreamError{resultMemory, err}
		}
		h.resize(size)
	}
}

// resize moves the text to memory of that size, which has been taken already.
func (h *holding) resize(size int64) {
	text := make([]byte, len(h.text), size)
	copy(text, h.text)
	h.text, h.taken = text, size
}

// free gives the memory back. Nothing may use the text any longer.
func (h *holding) free() {
	h.memory.give(h.client, h.taken)
	h.text, h.taken = nil, 0
}

func (h *holding) tooLarge() error {
	return &upstreamError{resultTooLarge, fmt.Errorf("response is above %d bytes", h.memory.most)}
}
