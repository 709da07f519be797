package mirror

import (
	"cmp"
	"maps"
	"slices"

	"solsnap/gossip/discovery"
	"solsnap/snapshot"
)

// Request is what there is to choose from, and what is wanted.
type Request struct {
	Offers []Offer
	// Trust is whom to believe. Required.
	Trust *Trust
	// Have are the archives on the disk that are good.
	Have []snapshot.Name
	// Kept is how many bytes of an archive an earlier download has left.
	Kept map[snapshot.Name]int64
	// Failed are what was tried in vain.
	Failed []Failure
	// Base asks for what is on this full archive alone. Nil is any.
	Base *snapshot.Name
	// Slot asks for the pair or the full archive of a slot. Nil is the best.
	Slot *snapshot.Slot
	// FullOnly wants no incremental.
	FullOnly bool
	Model    Model
}

// Failure is a source that was tried in vain.
type Failure struct {
	URL string
	// Archive is what it did not deliver. The zero Name means that nothing is to be
	// taken from it any more.
	Archive snapshot.Name
	Err     error
}

// Choice is what can be done, the best first, and what cannot, and why.
type Choice struct {
	Plans   []Plan
	Refused []Refusal
	// Highest is the highest slot that is offered and believed.
	Highest snapshot.Slot
}

// Choose ranks all that can be done. It is a function of the request.
func Choose(r Request) Choice {
	c := chooser{
		Request: r, fulls: map[snapshot.Name]*pool{}, incrementals: map[snapshot.Name]map[snapshot.Name]*pool{},
	}
	c.Model = c.Model.withDefaults()
	for i := range r.Offers {
		c.offer(&r.Offers[i])
	}
	for _, name := range r.Have {
		c.have(name)
	}
	c.settle()
	for _, full := range slices.SortedFunc(maps.Keys(c.fulls), compareNames) {
		if c.Base == nil || full == state(*c.Base) {
			c.plan(c.fulls[full])
		}
	}
	slices.SortStableFunc(c.choice.Plans, comparePlans)
	return c.choice
}

// chooser is a Choose under way.
type chooser struct {
	Request
	choice Choice
	fulls  map[snapshot.Name]*pool
	// incrementals are by the state of their full archive, because one that was made
	// of another of the same slot does not fit.
	incrementals map[snapshot.Name]map[snapshot.Name]*pool
}

func (c *chooser) refuse(o *Offer, name snapshot.Name, reason Reason, err error) {
	c.choice.Refused = append(c.choice.Refused, Refusal{Peer: o.Peer, URL: o.URL, Archive: name, Reason: reason, Err: err})
}

// offer takes of an offer what may be taken.
func (c *chooser) offer(o *Offer) {
	if reason := c.source(o); reason != Accepted {
		c.refuse(o, o.Full.Name, reason, nil)
		return
	}
	if c.accept(o, o.Full.Name) {
		c.pool(c.fulls, o.Full.Name).add(o, &o.Full)
	}
	if o.Incremental != nil && !c.FullOnly && c.accept(o, o.Incremental.Name) {
		c.pool(c.on(o.Full.Name), o.Incremental.Name).add(o, o.Incremental)
	}
}

// source judges where an offer comes from.
func (c *chooser) source(o *Offer) Reason {
	switch {
	case o.URL == "":
		return NoAddress
	case c.Trust.config.OnlyKnownRPC && o.Source != discovery.Origin && !c.Trust.Known(o.Peer):
		return NotKnown
	}
	return Accepted
}

// plausible is what Firedancer takes for a slot (src/discof/restore/utils).
const plausible = 10_000_000_000

// accept judges an archive of an offer.
func (c *chooser) accept(o *Offer, name snapshot.Name) bool {
	reason, err := c.Trust.Vouches(o.Full.Name, name), error(nil)
	if name.Slot >= plausible {
		reason = Implausible
	}
	if reason == Accepted && !c.asked(o, name) {
		reason = OtherSlot
	}
	if reason == Accepted {
		if err = c.failure(o.URL, name); err != nil {
			reason = Failed
		}
	}
	if reason != Accepted {
		c.refuse(o, name, reason, err)
		return false
	}
	c.choice.Highest = max(c.choice.Highest, name.Slot)
	return true
}

// asked reports whether an archive is, or is the base of, what was asked for.
func (c *chooser) asked(o *Offer, name snapshot.Name) bool {
	return c.Slot == nil || name.Slot == *c.Slot || name == o.Full.Name && o.Incremental != nil && o.Incremental.Name.Slot == *c.Slot
}

func (c *chooser) failure(url string, name snapshot.Name) error {
	for _, f := range c.Failed {
		if f.URL == url && (f.Archive == snapshot.Name{} || state(f.Archive) == state(name)) {
			return f.Err
		}
	}
	return nil
}

func (c *chooser) on(full snapshot.Name) map[snapshot.Name]*pool {
	all := c.incrementals[state(full)]
	if all == nil {
		all = map[snapshot.Name]*pool{}
		c.incrementals[state(full)] = all
	}
	return all
}

func (c *chooser) pool(all map[snapshot.Name]*pool, name snapshot.Name) *pool {
	p := all[state(name)]
	if p == nil {
		p = &pool{step: Step{Name: state(name)}}
		all[state(name)] = p
	}
	return p
}

// have takes an archive on the disk. Of an incremental one nobody knows the hash of
// its base: it fits each full archive on the disk of that slot.
func (c *chooser) have(name snapshot.Name) {
	if name.Kind == snapshot.Incremental {
		return
	}
	if reason := c.Trust.Vouches(name, name); reason != Accepted {
		c.refuse(&Offer{}, name, reason, nil)
		return
	}
	full := c.pool(c.fulls, name)
	full.step.Have, full.step.Name = true, name
	c.choice.Highest = max(c.choice.Highest, name.Slot)
	for _, other := range c.Have {
		if other.Kind != snapshot.Incremental || other.Base != name.Slot || c.FullOnly {
			continue
		}
		if reason := c.Trust.Vouches(name, other); reason != Accepted {
			c.refuse(&Offer{}, other, reason, nil)
			continue
		}
		p := c.pool(c.on(name), other)
		p.step.Have, p.step.Name = true, other
		c.choice.Highest = max(c.choice.Highest, other.Slot)
	}
}

// settle ends the gathering.
func (c *chooser) settle() {
	c.settleAll(c.fulls, c.Model.FullSize)
	all := map[snapshot.Name]*pool{}
	for _, on := range c.incrementals {
		maps.Copy(all, on)
	}
	c.settleAll(all, c.Model.IncrementalSize)
}

// settleAll takes archives of unknown size to be as large as others of their kind.
func (c *chooser) settleAll(pools map[snapshot.Name]*pool, assumed int64) {
	var sizes []int64
	for _, p := range pools {
		sizes = append(sizes, p.sizes...)
	}
	if len(sizes) > 0 {
		assumed = median(sizes)
	}
	for _, p := range pools {
		p.settle(assumed)
		p.step.Kept = c.Kept[p.step.Name]
	}
}

// plan adds what can be done with a full archive: with each incremental on it, or
// without where there is none.
func (c *chooser) plan(full *pool) {
	before := len(c.choice.Plans)
	all := c.incrementals[state(full.step.Name)]
	for _, name := range slices.SortedFunc(maps.Keys(all), compareNames) {
		c.add(Plan{Full: full.step, Incremental: &all[name].step})
	}
	if len(c.choice.Plans) == before {
		c.add(Plan{Full: full.step})
	}
}

func (c *chooser) add(p Plan) {
	if c.Slot != nil && p.Slot() != *c.Slot {
		return
	}
	p.Download = p.Full.takes()
	if p.Incremental != nil {
		p.Download += p.Incremental.takes()
	}
	p.Behind = uint64(c.choice.Highest - min(p.Slot(), c.choice.Highest))
	p.CaughtUp = c.Model.caughtUp(p.Download, p.Behind)
	c.choice.Plans = append(c.choice.Plans, p)
}

// comparePlans puts that first from which one has caught up first.
func comparePlans(a, b Plan) int {
	return cmp.Or(cmp.Compare(a.CaughtUp, b.CaughtUp), cmp.Compare(b.Slot(), a.Slot()))
}

// compareNames gives an order that is the same each time.
func compareNames(a, b snapshot.Name) int {
	return cmp.Or(cmp.Compare(b.Slot, a.Slot), slices.Compare(a.Hash[:], b.Hash[:]))
}
