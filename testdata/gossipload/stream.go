//go:build linux

package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"solsnap/gossip/wire"
)

// chunk is how much of the stream is signed at once, and lead how far ahead of
// its time: far enough for a busy machine, and well below the 15 s that a
// wallclock may be in the future.
const (
	chunk = 50 * time.Millisecond
	lead  = 3 * time.Second
)

// birth is a new value.
type birth struct {
	at    uint64 // in ms since 1970; the value's wallclock
	slot  int32  // in the table
	node  int32
	kind  wire.Kind
	index int
	value value
}

// stream says which values are born when: those of every kind at even distances,
// the owners in turn, in an order of its own for each kind.
type stream struct {
	mix   mix
	start uint64    // in ms since 1970
	born  []uint64  // of each part
	order [][]int32 // of each part
}

func newStream(m mix, start uint64, random *rand.Rand) *stream {
	s := &stream{mix: m, start: start, born: make([]uint64, len(m)), order: make([][]int32, len(m))}
	for i := range m {
		for _, owner := range random.Perm(m[i].owners) {
			s.order[i] = append(s.order[i], int32(owner))
		}
	}
	return s
}

// until are the births before end, in ms since 1970, that have not been given
// before.
func (s *stream) until(end uint64) []birth {
	var births []birth
	for i := range s.mix {
		for {
			b := s.next(i)
			if b.at >= end {
				break
			}
			births = append(births, b)
			s.born[i]++
		}
	}
	slices.SortFunc(births, func(a, b birth) int { return int(int64(a.at) - int64(b.at)) })
	return births
}

// next is the next birth of a part.
func (s *stream) next(i int) birth {
	p := &s.mix[i]
	n := s.born[i]
	owner := int(s.order[i][n%uint64(p.owners)])
	index := int(n/uint64(p.owners)) / p.dwell % p.each
	return birth{
		at: s.start + uint64(float64(n)*1000/p.rate), slot: p.slot(owner, index),
		node: int32(p.firstNode + owner), kind: p.kind, index: index,
	}
}

// age is how old, in ms at the start of the stream, the value is that the owner
// wrote before it began.
func (p *part) age(index int) uint64 {
	return uint64(1000 * p.period() * float64((p.each-1-index)*p.dwell+1))
}

// signer signs the stream ahead of its time. Run owns it.
type signer struct {
	stream *stream
	author *author
	births chan []birth // a chunk each; closed by nobody
}

func newSigner(s *stream, a *author) *signer {
	return &signer{stream: s, author: a, births: make(chan []birth, lead/chunk)}
}

// Run signs until the context ends. It waits when it is far enough ahead.
func (s *signer) Run(ctx context.Context) error {
	for end := s.stream.start; ; {
		end += uint64(chunk.Milliseconds())
		births := s.stream.until(end)
		for i := range births {
			b := &births[i]
			var err error
			if b.value, err = s.author.write(b.kind, b.node, b.index, b.at); err != nil {
				return err
			}
		}
		select {
		case s.births <- births:
		case <-ctx.Done():
			return nil
		}
	}
}
