package gossip

import (
	"crypto/ed25519"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"

	"solsnap/gossip/crds"
	"solsnap/gossip/wire"
)

// engine is the protocol as a state machine: datagrams, the time and commands go
// in, datagrams come out. It has one owner, starts no goroutine but those that
// check signatures inside a call, and looks at no clock. Datagrams that came in
// may be reused when a call returns; those that go out are in outbox until it is
// emptied.
type engine struct {
	limits       Limits
	mode         Mode
	key          ed25519.PrivateKey
	self         wire.Pubkey
	known        []wire.Pubkey
	allowPrivate bool
	version      wire.Version
	log          *slog.Logger
	random       *rand.Rand

	// What others are told of us. rpc is invalid for none.
	gossip, rpc  netip.AddrPort
	shredVersion uint16
	outset       uint64 // microseconds, constant
	snapshots    *Snapshots
	serving      bool
	joined       uint64 // when join was called; 0 before

	table    *crds.Table
	pings    *pingCache
	active   *activeSet
	received *receivedCache
	stakes   stakes
	pongs    *sourceLimiter // pings answered
	scans    *sourceLimiter // work for pull requests
	bytes    *limiter       // of pull responses

	doors         []door
	introductions []introduction // in the order in which they were made
	refreshed     uint64         // own contact info
	announced     uint64         // own snapshot hashes
	latest        uint64         // time of the last round
	pulled        uint64
	pushed        uint64
	cursor        uint64                    // of the table, for pushing
	returned      map[netip.AddrPort]uint64 // who gave us our own contact info, and when

	// parcels are empty between calls of push. Those of former peers are dropped when
	// the peers change.
	parcels map[parcel][]wire.Verified

	inbox  inbox // of receive
	outbox outbox
	stats  Stats
	failed error // ErrDuplicateInstance
	// pressure is how much of the queue before receive is taken, from 0 to 1. It is
	// the caller's to set.
	pressure float64
	shed     bool // a value was dropped since the last pull for want of time
	width    int  // how many requests the last pull sent at most
}

// While the queue fills up, what costs a signature check is dropped, so that what
// is urgent does not come too late: a prune counts for half a second only, and one
// that is lost makes the next minute as busy. First go pull responses, of which
// everything will be asked for again, then pushes, which will be pulled.
const (
	pullPressure = 0.25
	pushPressure = 0.5
)

// sources is of how many IP addresses it is remembered what they have used up.
const sources = 16_384

func perSecond(n, burst int) rate { return rate{perSecond: uint64(n), burst: uint64(burst)} }

// pullRate is the budget of pull responses: what was configured, or what the
// stakes say.
func pullRate(configured int, s stakes) rate {
	if configured > 0 {
		return perSecond(10*configured, 5*configured)
	}
	return pullBudget(len(s))
}

// identity is what an engine does not choose itself.
type identity struct {
	cfg    Config
	random *rand.Rand
	outset uint64
}

func newEngine(id identity) *engine {
	l := id.cfg.Limits
	self := wire.PubkeyOf(id.cfg.Key)
	e := &engine{
		limits: l, mode: id.cfg.Mode, key: id.cfg.Key, self: self, known: id.cfg.KnownValidators, allowPrivate: id.cfg.AllowPrivate,
		version: id.cfg.Version, log: id.cfg.Logger, random: id.random, outset: id.outset, serving: true,
		table:    crds.NewTable(self, crds.Limits{Values: l.Values, Pubkeys: l.Pubkeys, Refused: l.Refused}),
		pings:    newPingCache(pingLimits{pairs: l.PingCache, pings: perSecond(l.PingRate, l.PingRate), ttl: millis(l.PingTTL), interval: millis(l.PingInterval)}, id.random.Uint64),
		active:   newActiveSet(self, id.random.Uint64),
		received: newReceivedCache(receivedLimits{origins: l.Pubkeys, upserts: l.PruneUpserts}),
		pongs:    newSourceLimiter(perSecond(l.PongRate, l.PongBurst), sources),
		scans:    newSourceLimiter(perSecond(l.ScanRate, l.ScanBurst), sources),
		bytes:    newLimiter(pullRate(l.PullBudget, nil)),
		returned: make(map[netip.AddrPort]uint64),
		parcels:  make(map[parcel][]wire.Verified),
		inbox:    newInbox(),
		outbox:   outbox{allowPrivate: id.cfg.AllowPrivate},
	}
	e.active.fanout, e.active.size = l.PushFanout, l.ActiveSet
	e.active.own(0)
	e.table.SetRandom(id.random.Uint64)
	return e
}

// setStakes replaces the stakes.
func (e *engine) setStakes(s stakes) {
	e.stakes = s
	e.table.SetStakes(s)
	e.active.own(s.of(e.self))
	e.bytes.rate = pullRate(e.limits.PullBudget, s)
}

// join begins to take part, with what the engine could not know before: where it
// is and of which cluster.
func (e *engine) join(gossip, rpc netip.AddrPort, shredVersion uint16, now uint64) {
	e.gossip, e.rpc, e.shredVersion, e.joined = gossip, rpc, shredVersion, now
}

// pushEvery is how long what is new waits for more that may share its packets, in
// ms. Agave pushes after each batch.
const pushEvery = 10

// receive acts upon a batch of datagrams. Their memory is the caller's again when
// it returns.
func (e *engine) receive(in []packet, now uint64) {
	b := &e.inbox
	b.reset()
	for i := range in {
		e.stats.BytesIn += uint64(len(in[i].data))
		e.look(b, in[i].addr, in[i].data, now)
	}
	b.prove()
	e.stats.Verified += uint64(len(b.checks))
	e.settle(b, now)
	if now-e.pushed >= pushEvery {
		e.push(now)
	}
}

// round is to be called every Limits.Round. It does all that is done by the
// clock.
func (e *engine) round(now uint64) {
	if e.joined == 0 {
		return
	}
	e.watchClock(now)
	e.refresh(now)
	if now-e.pulled >= e.pullInterval(now) {
		e.pulled = now
		e.pull(now)
	}
	e.push(now)
	e.sendIntroductions(now)
	e.table.Expire(now, e.timeout)
	e.table.Trim(e.keeps, e.stakes.of)
	e.forgetReturned(now)
}

// pullInterval is longer once the table has been filled.
func (e *engine) pullInterval(now uint64) uint64 {
	if now-e.joined < joining {
		return millis(e.limits.PullInterval)
	}
	return max(millis(e.limits.PullInterval), millis(e.limits.SettledInterval))
}

// pullShare makes up for a longer interval by asking for more at a time: what does
// not come by push, such as a second node with our key, which others now take for
// us, should not be found out any later.
func (e *engine) pullShare(now uint64) int {
	return max(1, int(wire.PullShare*millis(e.limits.PullInterval)/e.pullInterval(now)))
}

// keeps tells the nodes that are not trimmed from the table.
func (e *engine) keeps(origin wire.Pubkey) bool {
	if origin == e.self || slices.Contains(e.known, origin) {
		return true
	}
	node, ok := e.table.ContactInfo(origin)
	return ok && e.isDoor(allowedSocket(node.Info, wire.SocketGossip, e.allowPrivate))
}

// timeout is how long the values of a node are kept without a refresh (Agave
// gossip/src/crds_gossip_pull.rs, CrdsTimeouts).
func (e *engine) timeout(origin wire.Pubkey) uint64 {
	if e.stakes.empty() || e.stakes.of(origin) > 0 {
		return max(millis(e.limits.ValueTimeout), millis(e.limits.StakedTimeout))
	}
	return millis(e.limits.ValueTimeout)
}

// sign is for values of our own, whose fields are right by construction.
func (e *engine) sign(data wire.Data) (wire.Verified, bool) {
	v, err := wire.Sign(e.key, data)
	if err != nil {
		e.log.Error("gossip: own value not signed", "kind", data.Label().Kind, "err", err)
	}
	return v, err == nil
}
