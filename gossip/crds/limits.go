package crds

import "cmp"

// Limits bound the table. Zero means the default.
type Limits struct {
	// Values is how many values there are at most, by default 1<<20. When there is
	// no room, those of least stake go, of them the oldest; see SetStakes. Mainnet has
	// about 350,000.
	Values int
	// Pubkeys is how many origins Trim leaves, once there are 1.1 times as many; by
	// default 8192 (Agave, CRDS_UNIQUE_PUBKEY_CAPACITY). Between two calls of Trim
	// there are at most twice as many; newcomers beyond that are rejected.
	Pubkeys int
	// Refused is how many hashes Refuse remembers, by default 1<<19. When there is no
	// room, the one that came first goes.
	Refused int
	// Purged and Failed are how many hashes are remembered of what lost, by default
	// 1<<20 and 1<<19. When there is no room, the oldest go. Mainnet replaces 11,300
	// values a second, which is 850,000 in the 75 s for which they are remembered.
	Purged, Failed int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Values:  cmp.Or(l.Values, 1<<20),
		Pubkeys: cmp.Or(l.Pubkeys, 8192),
		Refused: cmp.Or(l.Refused, 1<<19),
		Purged:  cmp.Or(l.Purged, 1<<20),
		Failed:  cmp.Or(l.Failed, 1<<19),
	}
}
