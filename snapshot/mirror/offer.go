package mirror

import (
	"time"

	"solsnap/gossip/discovery"
	"solsnap/gossip/wire"
	"solsnap/snapshot"
)

// Offer is a pair that a source says to have. Nothing is proven by it.
type Offer struct {
	Peer   wire.Pubkey
	Source discovery.Source
	// URL is of the server; "" if it names none.
	URL  string
	Full Offered
	// Incremental has Full as its base. It is nil when there is none, and must not be
	// modified.
	Incremental *Offered
	// RTT is 0 while unknown.
	RTT time.Duration
	// Speed is what was measured, in bytes per second; 0 while unknown.
	Speed int64
}

// Offered is an archive in an offer.
type Offered struct {
	// Name has the format zstd until another is known: gossip does not tell.
	Name snapshot.Name
	// Size is in bytes; 0 while unknown.
	Size int64
}

// Offers are what the peers of a catalog say to have, one for each pair.
func Offers(c discovery.Catalog) []Offer {
	var offers []Offer
	for p := range c.Peers() {
		for i := range p.Entry.Streams {
			offers = append(offers, newOffer(p, &p.Entry.Streams[i]))
		}
	}
	return offers
}

func newOffer(p *discovery.Peer, s *discovery.Stream) Offer {
	o := Offer{Peer: p.Entry.Peer, Source: p.Source, RTT: p.RTT, Speed: int64(min(p.Speed, 1<<62)), Full: offered(fullName(s), s.Full.Size)}
	if len(p.Entry.Addresses) > 0 {
		o.URL = p.Entry.Addresses[0]
	}
	if s.Incremental != nil {
		incremental := offered(incrementalName(s), s.Incremental.Size)
		o.Incremental = &incremental
	}
	return o
}

func offered(name snapshot.Name, size uint64) Offered {
	const most = 1 << 62
	return Offered{Name: name, Size: int64(min(size, most))}
}

func fullName(s *discovery.Stream) snapshot.Name {
	return snapshot.Name{Kind: snapshot.Full, Slot: snapshot.Slot(s.Full.Slot), Hash: snapshot.Hash(s.Full.Hash)}
}

func incrementalName(s *discovery.Stream) snapshot.Name {
	return snapshot.Name{
		Kind: snapshot.Incremental, Base: snapshot.Slot(s.Full.Slot),
		Slot: snapshot.Slot(s.Incremental.Slot), Hash: snapshot.Hash(s.Incremental.Hash),
	}
}

// state is what an archive restores, whatever its format.
func state(n snapshot.Name) snapshot.Name {
	n.Format = snapshot.FormatZstd
	return n
}
