package gossip

import (
	"encoding/binary"
	"net/netip"
	"time"

	"solsnap/gossip/wire"
)

// The rules of the ping gate in milliseconds (Agave gossip/src/cluster_info.rs and
// ping_pong.rs).
const (
	pongTTL      = 1_280_000
	pongDeadline = 60_000
	pingInterval = 20_000 // between pings to the same pair
	pingTries    = 3      // pings at pingRetry, before pingInterval counts
	pingRetry    = 2_000  // Agave since 4.2 takes a ping for lost after 1 to 2 s
)

// pingLimits bound the ping cache. Zero fields take their defaults.
type pingLimits struct {
	pairs    int    // remembered; 126,976 by default (Agave, GOSSIP_PING_CACHE_CAPACITY)
	pings    rate   // to pairs that have not ponged; 1000 per second by default
	ttl      uint64 // of a pong, in ms; pongTTL by default
	interval uint64 // between pings to the same pair, in ms; pingInterval by default
}

func (l pingLimits) withDefaults() pingLimits {
	inherit(&l.pairs, 126_976)
	inherit(&l.pings, rate{perSecond: 1000, burst: 1000})
	inherit(&l.ttl, pongTTL)
	inherit(&l.interval, pingInterval)
	return l
}

// pingCache knows which nodes are where they claim to be: those that answered a
// ping from exactly that address. Times are milliseconds since 1970. One owner.
//
// Both kinds of pairs share one bound. Pairs enter only when a ping is sent, at
// most 1000 per second, so that inventing new ones takes two minutes to push out
// those that are in use.
type pingCache struct {
	pairs  *lru[pair, pingState]
	pings  *limiter
	limits pingLimits
	random func() uint64
}

// pair is a node at an address. It holds no pointers, and is the same for both
// forms of an IPv4 address.
type pair struct {
	pubkey wire.Pubkey
	ip     [16]byte
	port   uint16
}

func newPair(pubkey wire.Pubkey, addr netip.AddrPort) pair {
	return pair{pubkey, addr.Addr().As16(), addr.Port()}
}

// pingState is what is known about a pair.
type pingState struct {
	ponged  bool
	waiting bool   // a ping is out
	tries   uint8  // how many pings with this token are out
	pong    uint64 // when the last pong came, if ponged
	first   uint64 // when the first ping with this token went
	ping    uint64 // when the last ping went; a pair has always been pinged
	token   wire.Token
	rtt     uint32 // in ms, at least 1 if ponged
}

// newPingCache is an empty cache. The tokens come from random, whose numbers
// nobody may be able to guess.
func newPingCache(limits pingLimits, random func() uint64) *pingCache {
	limits = limits.withDefaults()
	return &pingCache{
		pairs:  newLRU[pair, pingState](limits.pairs),
		pings:  newLimiter(limits.pings),
		limits: limits,
		random: random,
	}
}

// check tells whether a node has ponged from an address, and gives the token to
// ping it with if it is time for that.
func (c *pingCache) check(pubkey wire.Pubkey, addr netip.AddrPort, now uint64) (verified bool, ping *wire.Token) {
	key := newPair(pubkey, addr)
	s := c.pairs.get(key)
	if s == nil {
		return false, c.first(key, now)
	}
	verified = s.verified(c.limits.ttl, now)
	if verified && now <= s.pong+c.limits.ttl/4 { // in time not to expire
		return true, nil
	}
	if s.ping <= now && now < s.ping+c.wait(s) {
		return verified, nil
	}
	return verified, c.again(s, verified, now)
}

// first pings a pair that is new.
func (c *pingCache) first(key pair, now uint64) *wire.Token {
	if !c.pings.take(1, now) {
		return nil
	}
	return c.ping(c.pairs.add(key), now)
}

// again pings a pair that is known. One that has ponged is never refused, since
// strangers could otherwise keep it from being verified in time.
func (c *pingCache) again(s *pingState, verified bool, now uint64) *wire.Token {
	if verified {
		c.pings.spend(1, now)
	} else if !c.pings.take(1, now) {
		return nil
	}
	return c.ping(s, now)
}

// wait is how long after the last ping another may follow. One that got lost is
// soon sent again: without a pong a node is as good as not there.
func (c *pingCache) wait(s *pingState) uint64 {
	if s.waiting && s.tries < pingTries {
		return min(pingRetry, c.limits.interval)
	}
	return c.limits.interval
}

// ping makes a token, or takes the one that is out: then a late pong is as good.
func (c *pingCache) ping(s *pingState, now uint64) *wire.Token {
	if s.waiting && s.tries < pingTries && s.timely(now) {
		s.tries, s.ping = s.tries+1, now
	} else {
		for i := 0; i < len(s.token); i += 8 {
			binary.LittleEndian.PutUint64(s.token[i:], c.random())
		}
		s.waiting, s.tries, s.first, s.ping = true, 1, now, now
	}
	token := s.token
	return &token
}

// expects reports whether a pong answers a ping that is out. Pongs that do not are
// not worth verifying.
func (c *pingCache) expects(pong *wire.Pong, from netip.AddrPort, now uint64) bool {
	s := c.pairs.peek(newPair(pong.From, from))
	return s != nil && s.expects(pong.Hash, now)
}

// pong takes a pong whose signature was verified, and tells how long it took. It
// is false for one that answers no ping to the same node at the same address. A
// pong counts once.
func (c *pingCache) pong(pong *wire.Pong, from netip.AddrPort, now uint64) (rtt time.Duration, ok bool) {
	s := c.pairs.get(newPair(pong.From, from))
	if s == nil || !s.expects(pong.Hash, now) {
		return 0, false
	}
	s.rtt = uint32(max(now-min(now, s.ping), 1)) // those before were most likely lost
	s.ponged, s.pong, s.waiting = true, now, false
	return s.roundTrip(), true
}

// rtt is how long the last pong of a verified node took, or 0.
func (c *pingCache) rtt(pubkey wire.Pubkey, addr netip.AddrPort, now uint64) time.Duration {
	s := c.pairs.peek(newPair(pubkey, addr))
	if s == nil || !s.verified(c.limits.ttl, now) {
		return 0
	}
	return s.roundTrip()
}

func (c *pingCache) len() int { return c.pairs.len() }

func (s *pingState) verified(ttl, now uint64) bool {
	return s.ponged && s.pong <= now+clockStep && now <= s.pong+ttl
}

func (s *pingState) expects(hash wire.Hash, now uint64) bool {
	return s.waiting && s.timely(now) && hash == wire.PongHash(s.token)
}

// timely reports whether a pong to the token would not be too late.
func (s *pingState) timely(now uint64) bool {
	return s.first <= now && now <= s.first+pongDeadline
}

func (s *pingState) roundTrip() time.Duration {
	return time.Duration(s.rtt) * time.Millisecond
}
