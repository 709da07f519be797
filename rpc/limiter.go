package rpc

import (
	"container/list"
	"math"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxClients is how many addresses have a bucket at a time. The one that has
// been quiet for longest makes room, and starts with a full bucket if it comes
// back; an attacker with that many addresses has their bursts anyway.
const maxClients = 8192

// clientLimits holds a token bucket for each client address.
type clientLimits struct {
	rate  rate.Limit
	burst int

	mu      sync.Mutex
	clients map[netip.Prefix]*list.Element // guarded by mu
	recent  *list.List                     // of *clientLimit, busiest lately first; guarded by mu
}

type clientLimit struct {
	key    netip.Prefix
	bucket *rate.Limiter
}

// newClientLimits returns nil, no limits, for a rate below 0.
func newClientLimits(perSecond float64, burst int) *clientLimits {
	if perSecond < 0 {
		return nil
	}
	return &clientLimits{
		rate:    rate.Limit(perSecond),
		burst:   burst,
		clients: make(map[netip.Prefix]*list.Element),
		recent:  list.New(),
	}
}

// wait takes a token and returns 0, or returns how long until there is one.
func (c *clientLimits) wait(client netip.Prefix, now time.Time) time.Duration {
	bucket := c.bucket(client)
	if bucket.AllowN(now, 1) {
		return 0
	}
	missing := 1 - bucket.TokensAt(now)
	return max(time.Duration(missing/float64(c.rate)*float64(time.Second)), time.Millisecond)
}

func (c *clientLimits) bucket(client netip.Prefix) *rate.Limiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.clients[client]; known != nil {
		c.recent.MoveToFront(known)
		return known.Value.(*clientLimit).bucket
	}
	if len(c.clients) >= maxClients {
		oldest := c.recent.Remove(c.recent.Back()).(*clientLimit)
		delete(c.clients, oldest.key)
	}
	fresh := &clientLimit{client, rate.NewLimiter(c.rate, c.burst)}
	c.clients[client] = c.recent.PushFront(fresh)
	return fresh.bucket
}

// clientKey is what one client is known by: an IPv4 address, or an IPv6 /64,
// which is what a provider gives to one customer. What is no address shares
// the zero key.
func clientKey(remote string) netip.Prefix {
	address, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	ip := address.Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	prefix, _ := ip.Prefix(bits)
	return prefix
}

// limitedError says that the client must come back later.
type limitedError struct{ wait time.Duration }

// Error says how much later.
func (e *limitedError) Error() string { return "too many calls; wait for " + e.wait.String() }

// seconds is the wait for Retry-After: whole seconds, at least one, spread over
// three so that clients refused together do not come back together. Agave's
// client sleeps as long as it says, five times at most.
func (e *limitedError) seconds() int {
	return max(int(math.Ceil(e.wait.Seconds())), 1) + rand.IntN(3)
}
