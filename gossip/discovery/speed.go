package discovery

import (
	"math"
	"time"

	"solsnap/gossip/wire"
)

// SampleSpeed takes how many bytes a download from a peer of the catalog brought, and
// how long it took; that it brought nothing is a sample too. Other peers are none of
// ours, and what took no time measured nothing. Nobody is told.
//
// The first sample is the estimate, and each later one moves it a quarter of the
// way: samples are minutes apart, and servers get busy. The weight of RTT, an
// eighth, would remember hours.
func (d *Directory) SampleSpeed(peer wire.Pubkey, bytes uint64, took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.edit()
	old := e.next.find(peer)
	if old == nil || took <= 0 {
		return
	}
	p := *old
	p.Speed = nextSpeed(old.Speed, float64(bytes)/took.Seconds())
	e.put(&p)
	e.silent = true
	e.commit()
}

// nextSpeed is the estimate after one more sample. It is never 0, which is unknown,
// nor above what an int64 holds.
func nextSpeed(old uint64, sample float64) uint64 {
	if old != 0 {
		sample = float64(old)*3/4 + sample/4
	}
	const most = math.MaxInt64 / 2
	return max(1, uint64(min(sample, most)))
}
