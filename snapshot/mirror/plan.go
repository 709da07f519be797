package mirror

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"solsnap/gossip/wire"
	"solsnap/snapshot"
)

// Plan is a way to get a pair.
type Plan struct {
	Full Step
	// Incremental has Full as its base. It is nil when there is none to get.
	Incremental *Step
	// Behind is how many slots the pair is behind the highest that is offered.
	Behind uint64
	// Download is how long it is expected to take, and CaughtUp when a validator that
	// starts from it is expected to be up with the cluster.
	Download, CaughtUp time.Duration
}

// Slot is that of the state which the pair restores.
func (p *Plan) Slot() snapshot.Slot {
	if p.Incremental != nil {
		return p.Incremental.Name.Slot
	}
	return p.Full.Name.Slot
}

// Step is one archive of a plan.
type Step struct {
	Name snapshot.Name
	// Have means that the archive is on the disk.
	Have bool
	// Size is in bytes, or what is assumed if nobody tells.
	Size int64
	// Kept is how many bytes an earlier download has left.
	Kept int64
	// Sources have it, the best first. Archives of one name may differ in their bytes.
	Sources []Place
}

// Place is where an archive can be had.
type Place struct {
	Peer wire.Pubkey
	URL  string
	RTT  time.Duration
	// Speed is in bytes per second. Measured tells it from a guess.
	Speed    int64
	Measured bool
	// Format is that of the archive there.
	Format snapshot.Format
}

// compare puts the better first: the faster, and of these the nearer.
func (p Place) compare(other Place) int {
	known := func(d time.Duration) time.Duration {
		if d == 0 {
			return unknownRTT
		}
		return d
	}
	return cmp.Or(cmp.Compare(other.Speed, p.Speed), cmp.Compare(known(p.RTT), known(other.RTT)), strings.Compare(p.URL, other.URL))
}

// takes is how long the download is expected to take, from the best source alone:
// others may have other bytes.
func (s *Step) takes() time.Duration {
	if s.Have || len(s.Sources) == 0 {
		return 0
	}
	return takes(s.Size-s.Kept, s.Sources[0].Speed)
}

// pool gathers who has an archive.
type pool struct {
	step  Step
	sizes []int64
}

func (p *pool) add(o *Offer, a *Offered) {
	if a.Size > 0 {
		p.sizes = append(p.sizes, a.Size)
	}
	p.step.Sources = append(p.step.Sources, Place{
		Peer: o.Peer, URL: o.URL, RTT: o.RTT, Speed: speedOf(o), Measured: o.Speed > 0, Format: a.Name.Format,
	})
}

// settle puts the sources in order, leaves those out that have another format than
// the best, and takes the median of the sizes.
func (p *pool) settle(assumed int64) {
	s := &p.step
	slices.SortFunc(s.Sources, Place.compare)
	s.Sources = slices.CompactFunc(s.Sources, func(a, b Place) bool { return a.URL == b.URL })
	if !s.Have && len(s.Sources) > 0 {
		s.Name.Format = s.Sources[0].Format
		s.Sources = slices.DeleteFunc(s.Sources, func(other Place) bool { return other.Format != s.Name.Format })
	}
	s.Size = assumed
	if len(p.sizes) > 0 {
		s.Size = median(p.sizes)
	}
}

func median(all []int64) int64 {
	slices.Sort(all)
	return all[len(all)/2]
}
