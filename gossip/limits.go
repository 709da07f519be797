package gossip

import "time"

// Limits are the timers and bounds of the protocol. A zero field has the default
// that is named with it: Agave's (gossip/src/cluster_info.rs and its neighbours)
// where Agave has one, and a safety limit of ours where it has none.
type Limits struct {
	// Round is the beat of the node, 100 ms.
	Round time.Duration
	// PullInterval is how often others are asked for what we lack, 500 ms.
	// SettledInterval is the same half a minute after joining: as before, but 5 s in
	// Light mode, since what a Light node wants comes by push, and most of what it is
	// given is of no use to it. It then asks for all partitions and not for an eighth,
	// as far as PullFilters goes.
	PullInterval, SettledInterval time.Duration
	// PullFilters is how many pull requests a pull sends at most: 1024, and 64 in
	// Light mode.
	PullFilters int
	// RefreshInterval is how often the own contact info is signed anew and a push
	// peer is replaced: 7.5 s. AnnounceInterval is the same for the own snapshot
	// hashes: 10 s, since Firedancer forgets those of unstaked nodes after 15 s.
	RefreshInterval, AnnounceInterval time.Duration
	// EntrypointInterval is how often an entrypoint that has not been met is asked
	// again: 7.5 s.
	EntrypointInterval time.Duration

	// PushWindow is how far the wallclock of a pushed value, PullWindow how far that
	// of who pulls, may be from ours: 15 s. PruneAge is how old a prune may be:
	// 500 ms.
	PushWindow, PullWindow, PruneAge time.Duration
	// ValueTimeout is how long the values of an unstaked node are kept without a
	// refresh, 15 s, and StakedTimeout those of a staked node, or of all while no
	// stake is known, 48 h.
	ValueTimeout, StakedTimeout time.Duration
	// PeerActive is how long after its last contact info a node is still pushed to
	// and pulled from: 60 s.
	PeerActive time.Duration

	// PushFanout is to how many peers a value is pushed: 9 of the ActiveSet of 12.
	PushFanout, ActiveSet int
	// PushBatch is how many pairs of value and peer one push handles: 4096.
	PushBatch int
	// PruneUpserts is after how many values of an origin its relayers are judged:
	// 20. In Light mode, which counts contact infos and snapshot hashes only, 5.
	PruneUpserts int

	// PingTTL is how long a pong proves an address, 1280 s; it is renewed after a
	// quarter. PingInterval is between two pings to the same node, 20 s; PingCache
	// how many nodes are remembered, 126,976; PingRate how many pings a second go to
	// nodes that have not ponged, 1000.
	PingTTL, PingInterval time.Duration
	PingCache, PingRate   int
	// PongRate and PongBurst are how many pings from one IP address are answered, a
	// second and at once: 64 and 256. (6,000 nodes ping once in 320 s.)
	PongRate, PongBurst int

	// Pubkeys is how many nodes are kept, 8192, Values how many values, 1<<20
	// (1<<15 in Light mode), and Refused how many hashes of values that are not
	// kept, 1<<19.
	Pubkeys, Values, Refused int

	// PullBudget is how many bytes of pull responses go out, for each 100 ms.
	// By default it is 1 KiB for each staked node, of which at least 2, as Agave
	// does; an entrypoint should have 200 KiB or more. Five times that may go out
	// at once.
	PullBudget int
	// ScanRate and ScanBurst are how many tests of values against filters one IP
	// address may cause, a second and at once: 262,144 and 1,048,576.
	ScanRate, ScanBurst int

	// ReceiveQueue is how many datagrams wait between the socket and the loop,
	// 16,384, and 8192 in Light mode; the oldest are dropped. ReceiveBuffer is what
	// the kernel is asked to hold, 32 MiB.
	ReceiveQueue, ReceiveBuffer int
	// SaveInterval is how often the contact infos are saved: 60 s.
	SaveInterval time.Duration
}

func (l Limits) withDefaults(mode Mode) Limits {
	values, upserts, filters, queue, settled := 1<<20, 20, 1024, 16_384, 500*time.Millisecond
	if mode == Light {
		values, upserts, filters, queue, settled = 1<<15, 5, 64, 8192, 5*time.Second
	}
	for field, def := range map[*time.Duration]time.Duration{
		&l.Round: 100 * time.Millisecond, &l.PullInterval: 500 * time.Millisecond, &l.SettledInterval: settled,
		&l.RefreshInterval: 7500 * time.Millisecond, &l.AnnounceInterval: 10 * time.Second, &l.EntrypointInterval: 7500 * time.Millisecond,
		&l.PushWindow: 15 * time.Second, &l.PullWindow: 15 * time.Second, &l.PruneAge: 500 * time.Millisecond,
		&l.ValueTimeout: 15 * time.Second, &l.StakedTimeout: 48 * time.Hour, &l.PeerActive: time.Minute,
		&l.PingTTL: 1280 * time.Second, &l.PingInterval: 20 * time.Second, &l.SaveInterval: time.Minute,
	} {
		inherit(field, def)
	}
	for field, def := range map[*int]int{
		&l.PullFilters: filters, &l.PushFanout: 9, &l.ActiveSet: 12, &l.PushBatch: 4096, &l.PruneUpserts: upserts,
		&l.PingCache: 126_976, &l.PingRate: 1000, &l.PongRate: 64, &l.PongBurst: 256,
		&l.Pubkeys: 8192, &l.Values: values, &l.Refused: 1 << 19,
		&l.ScanRate: 262_144, &l.ScanBurst: 1_048_576, &l.ReceiveQueue: queue, &l.ReceiveBuffer: 32 << 20,
	} {
		inherit(field, def)
	}
	return l
}

func inherit[T comparable](field *T, def T) {
	var zero T
	if *field == zero {
		*field = def
	}
}

// millis is a duration on the wire's clock.
func millis(d time.Duration) uint64 { return uint64(d.Milliseconds()) }
