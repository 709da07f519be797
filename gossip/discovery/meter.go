package discovery

import (
	"sync"
	"time"

	"solsnap/gossip/wire"
)

// meter bounds how much news of one peer is taken and handed on: whoever has a key
// can sign a new version every millisecond, and the whole fleet would carry it. An
// honest peer announces once in AnnounceGap.
type meter struct {
	mu      sync.Mutex
	started time.Time           // guarded by mu; of the window
	counts  map[wire.Pubkey]int // guarded by mu; of peers whose news was taken in it
}

const (
	meterWindow = 10 * time.Second
	meterLimit  = 30
)

// full reports whether there was enough of a peer.
func (m *meter) full(peer wire.Pubkey, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.started).Abs() >= meterWindow {
		m.started, m.counts = now, nil
	}
	return m.counts[peer] >= meterLimit
}

// count is for news that the peer did sign: otherwise anybody could silence it.
func (m *meter) count(peer wire.Pubkey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts = make(map[wire.Pubkey]int)
	}
	m.counts[peer]++
}
