package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"
)

// memory bounds the upstream responses that are held at a time, and each one.
type memory struct {
	room  *semaphore.Weighted
	most  int64 // bytes of one response
	gauge prometheus.Gauge
}

func newMemory(total, most int64, gauge prometheus.Gauge) *memory {
	return &memory{room: semaphore.NewWeighted(max(total, most+1)), most: most, gauge: gauge}
}

// holding is a response, and the memory that it takes until free.
type holding struct {
	memory *memory
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
	if err := h.memory.room.Acquire(ctx, size); err != nil {
		return &upstreamError{resultMemory, fmt.Errorf("wait for memory for the response: %w", err)}
	}
	h.resize(size)
	return h.fill(ctx, response.Body)
}

var errMemory = errors.New("no memory for the rest of the response")

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
		if !h.memory.room.TryAcquire(size - h.taken) {
			return &upstreamError{resultMemory, errMemory}
		}
		h.resize(size)
	}
}

// resize moves the text to memory of that size, which is acquired already.
func (h *holding) resize(size int64) {
	text := make([]byte, len(h.text), size)
	copy(text, h.text)
	h.memory.gauge.Add(float64(size - h.taken))
	h.text, h.taken = text, size
}

// free gives the memory back. Nothing may use the text any longer.
func (h *holding) free() {
	h.memory.room.Release(h.taken)
	h.memory.gauge.Sub(float64(h.taken))
	h.text, h.taken = nil, 0
}

func (h *holding) tooLarge() error {
	return &upstreamError{resultTooLarge, fmt.Errorf("response is above %d bytes", h.memory.most)}
}
