package discovery

import "solsnap/gossip/wire"

// grave keeps what a peer said before it left from coming back by way of somebody
// who has not heard of it.
type grave struct {
	version Version
	until   uint64 // ms since 1970
}

// graves remember at most limit peers. When there are more, the one that was dug
// first is forgotten.
type graves struct {
	limit int
	byID  map[wire.Pubkey]grave
	order []buried // oldest first; some of it may be superseded
}

type buried struct {
	peer  wire.Pubkey
	until uint64
}

// covers reports whether a version of a peer is one that was buried.
func (g *graves) covers(peer wire.Pubkey, v Version, now uint64) bool {
	found, ok := g.byID[peer]
	return ok && now <= found.until && v.Compare(found.version) <= 0
}

func (g *graves) dig(peer wire.Pubkey, fresh grave, now uint64) {
	if g.byID == nil {
		g.byID = make(map[wire.Pubkey]grave)
	}
	for len(g.order) > 0 && (len(g.order) >= g.limit || g.order[0].until < now) {
		oldest := g.order[0]
		g.order = g.order[1:]
		if g.byID[oldest.peer].until == oldest.until {
			delete(g.byID, oldest.peer)
		}
	}
	g.byID[peer] = fresh
	g.order = append(g.order, buried{peer, fresh.until})
}
