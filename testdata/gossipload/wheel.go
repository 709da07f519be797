//go:build linux

package main

const (
	wheelTick = 2 // ms
	wheelSize = 512
)

// delivery is a value on its way from a relayer to the node under test.
type delivery struct {
	value   []byte
	relayer int32
}

// wheel has deliveries by the time they are due, up to a second ahead. It has one
// owner.
type wheel struct {
	at    uint64 // the tick whose turn is next
	ticks [wheelSize][]delivery
}

func newWheel(now uint64) *wheel { return &wheel{at: now / wheelTick} }

// add plans a delivery. One that is too late is due at once, and one that is too
// far ahead as late as can be.
func (w *wheel) add(due uint64, d delivery) {
	tick := min(max(due/wheelTick, w.at), w.at+wheelSize-1)
	at := &w.ticks[tick%wheelSize]
	*at = append(*at, d)
}

// advance hands over, tick for tick, what is due by now. What it handed over
// last is overwritten later, not while handle runs.
func (w *wheel) advance(now uint64, handle func(due uint64, deliveries []delivery) error) error {
	for ; w.at <= now/wheelTick; w.at++ {
		at := &w.ticks[w.at%wheelSize]
		if len(*at) == 0 {
			continue
		}
		if err := handle(w.at*wheelTick, *at); err != nil {
			return err
		}
		clear(*at)
		*at = (*at)[:0]
	}
	return nil
}
