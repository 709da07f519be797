package gossip

import (
	"math"
	"math/bits"
	"net/netip"
)

// rate is how fast tokens come, and how many may be saved up.
type rate struct {
	perSecond, burst uint64
}

// pullBudget is how many bytes all pull responses may have, with a number of nodes
// that have stake (Agave gossip/src/cluster_info.rs, update_data_budget).
func pullBudget(staked int) rate {
	step := 1024 * uint64(max(staked, 2))
	return rate{perSecond: 10 * step, burst: 5 * step}
}

// bucket is a token bucket. The zero value is full. One owner.
type bucket struct {
	debt uint64 // thousandths of a token missing from a full bucket
	at   uint64 // when debt was right, in ms
}

// left is how many tokens there are.
func (b *bucket) left(r rate, now uint64) uint64 {
	b.refill(r, now)
	full := thousandths(r.burst)
	return (full - min(full, b.debt)) / 1000
}

// take takes n tokens, or none if there are fewer.
func (b *bucket) take(r rate, n, now uint64) bool {
	if b.left(r, now) < n {
		return false
	}
	b.debt += thousandths(n)
	return true
}

// spend takes n tokens though there may be fewer: what is missing has to come in
// before there are any.
func (b *bucket) spend(r rate, n, now uint64) {
	b.refill(r, now)
	b.debt = min(b.debt, math.MaxUint64/2) + min(thousandths(n), math.MaxUint64/2)
}

// refill puts in what has come since. A clock that was set back brings nothing.
func (b *bucket) refill(r rate, now uint64) {
	over, come := bits.Mul64(now-min(now, b.at), r.perSecond)
	b.at = now
	if over > 0 {
		come = math.MaxUint64
	}
	b.debt -= min(b.debt, come)
}

func thousandths(n uint64) uint64 {
	return 1000 * min(n, math.MaxUint64/1000)
}

// limiter is one bucket for all. The rate may be changed at any time. One owner.
type limiter struct {
	rate
	bucket bucket
}

func (l *limiter) left(now uint64) uint64  { return l.bucket.left(l.rate, now) }
func (l *limiter) take(n, now uint64) bool { return l.bucket.take(l.rate, n, now) }
func (l *limiter) spend(n, now uint64)     { l.bucket.spend(l.rate, n, now) }
func newLimiter(r rate) *limiter           { return &limiter{rate: r} }

// sourceLimiter is a bucket for each IP address. It is bounded: the address that
// was seen longest ago is forgotten, and would find its bucket full again. One
// owner.
type sourceLimiter struct {
	rate
	buckets *lru[[16]byte, bucket]
}

// newSourceLimiter limits each address, and remembers a number of them.
func newSourceLimiter(r rate, addresses int) *sourceLimiter {
	return &sourceLimiter{rate: r, buckets: newLRU[[16]byte, bucket](addresses)}
}

func (l *sourceLimiter) left(ip netip.Addr, now uint64) uint64 {
	return l.buckets.add(ip.As16()).left(l.rate, now)
}

// take takes one token, or none if there is none.
func (l *sourceLimiter) take(ip netip.Addr, now uint64) bool {
	return l.buckets.add(ip.As16()).take(l.rate, 1, now)
}

func (l *sourceLimiter) spend(ip netip.Addr, n, now uint64) {
	l.buckets.add(ip.As16()).spend(l.rate, n, now)
}
