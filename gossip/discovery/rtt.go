package discovery

import (
	"sync"
	"time"

	"solsnap/gossip/wire"
)

// Path is what a round trip goes over. Those over different ones are not to be
// compared: a UDP ping costs one, a request over HTTPS up to four.
type Path uint8

const (
	// OverHTTP is how the fleet talks.
	OverHTTP Path = iota
	// OverUDP is how gossip pings.
	OverUDP
	paths
)

// Estimate is a smoothed round-trip time and how much it varies, as TCP has them
// (RFC 6298).
type Estimate struct {
	SRTT, RTTVar time.Duration
}

// next is the estimate after one more sample.
func (e Estimate) next(sample time.Duration) Estimate {
	if e == (Estimate{}) {
		return Estimate{sample, sample / 2}
	}
	return Estimate{
		SRTT:   e.SRTT - e.SRTT/8 + sample/8,
		RTTVar: e.RTTVar - e.RTTVar/4 + (e.SRTT-sample).Abs()/4,
	}
}

// Tracker has the estimates of one path. The zero value has none.
type Tracker struct {
	mu   sync.Mutex
	byID map[wire.Pubkey]Estimate // guarded by mu
}

// Add takes a sample, and returns the estimate after it. What is not above zero is
// no round trip, and changes nothing.
func (t *Tracker) Add(peer wire.Pubkey, sample time.Duration) Estimate {
	t.mu.Lock()
	defer t.mu.Unlock()
	if sample <= 0 {
		return t.byID[peer]
	}
	if t.byID == nil {
		t.byID = make(map[wire.Pubkey]Estimate)
	}
	e := t.byID[peer].next(sample)
	t.byID[peer] = e
	return e
}

// Get is zero while there was no sample.
func (t *Tracker) Get(peer wire.Pubkey) Estimate {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[peer]
}

// Remove forgets a peer.
func (t *Tracker) Remove(peer wire.Pubkey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, peer)
}

// Len is how many peers have an estimate.
func (t *Tracker) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byID)
}
