package middleware

import (
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// pieces are the running bodies of one client that are paced but need no slot.
// They come and go too quickly for shares of their own, and there may be
// hundreds at once: together they count as one download.
type pieces struct {
	limiter *rate.Limiter // that all of them wait for
	running int           // guarded by Transfers.mu
	sent    atomic.Int64  // bytes since the last look
	rate    float64       // before that look, in bytes per second; guarded by Transfers.mu
}

// joinPieces counts the transfer among those of its client. The caller holds mu.
func (t *Transfers) joinPieces(tr *transfer) (first bool) {
	p, ok := t.pieces[tr.client]
	if !ok {
		p = &pieces{limiter: rate.NewLimiter(0, tinyBody)}
		t.pieces[tr.client] = p
	}
	p.running++
	tr.pieces, tr.limiter = p, p.limiter
	return !ok
}

// lookAtPieces measures what the clients took since the last look, and forgets
// those that have gone: not before, since another piece may follow at once. The
// caller holds mu.
func (t *Transfers) lookAtPieces(passed time.Duration) {
	for client, p := range t.pieces {
		sent := p.sent.Swap(0)
		if p.running == 0 && sent == 0 {
			delete(t.pieces, client)
		}
		if passed > 0 {
			p.rate = float64(sent) / passed.Seconds()
		}
	}
}

// demand is how much the client would take by pieces. The caller holds
// Transfers.mu.
func (p *pieces) demand() float64 { return guessDemand(p.rate, float64(p.limiter.Limit())) }

// freePieces lets them go unpaced. The caller holds mu.
func (t *Transfers) freePieces() {
	for _, p := range t.pieces {
		p.limiter.SetLimit(rate.Inf)
	}
}

// mostForPieces is what all pieces may have together, in bytes per second: there
// is no bound on how many clients ask for some, and the downloads must not fall to
// the minimum for it. The caller holds mu.
func (t *Transfers) mostForPieces() float64 {
	const reserve, floor = 2, 1.0 / 16
	total := float64(t.limits.TotalRate)
	return max(total-float64(t.taken)*reserve*float64(t.limits.MinimumRate), total*floor)
}

// pieceDemands are those of all clients, in the order of the list. The caller
// holds mu.
func (t *Transfers) pieceDemands() (clients []*pieces, demands []float64) {
	for _, p := range t.pieces {
		clients, demands = append(clients, p), append(demands, p.demand())
	}
	return clients, demands
}
