package fetch

import "time"

const (
	// leastSegment and mostSegment bound what a worker takes at once; between
	// them it is what the source sends in segmentTime. So a request's round trip
	// is a small part of its time, and little is left in slow hands.
	leastSegment = 2 << 20
	mostSegment  = 256 << 20
	segmentTime  = 2 * time.Second

	// leastSteal is not worth another request to divide.
	leastSteal = 64 << 10
	// patience is for how long the rest of a segment is left to its worker.
	patience = 200 * time.Millisecond
	// silence is for how long nothing may come before a segment is judged to be
	// going nowhere.
	silence = 500 * time.Millisecond
)

// segmentEnd is where a segment from lo should end. Long ones end with a piece,
// so that pieces are of one source where they can be.
func segmentEnd(lo int64, speed float64) int64 {
	length := int64(min(max(speed*segmentTime.Seconds(), leastSegment), mostSegment))
	end := lo + length
	if length < pieceSize {
		return min(end, (lo/pieceSize+1)*pieceSize)
	}
	return end / pieceSize * pieceSize
}

// speed is how many bytes come per second for a segment, at least one; known is
// false if it is too early to tell.
func (s *segment) speed(now time.Time) (_ float64, known bool) {
	elapsed := now.Sub(s.began)
	switch {
	case now.Sub(s.last) > silence:
		return 1, true
	case s.pos > s.lo && elapsed > 0:
		return max(float64(s.pos-s.lo)/elapsed.Seconds(), 1), true
	default:
		return s.guess, s.guess > 0
	}
}

// steal takes over the end of the segment that would otherwise be the last to be
// done: so much that both are done together, or all of it.
func (b *board) steal(now time.Time, speed float64) span {
	var victim *segment
	longest := patience
	for _, s := range b.running {
		if left := timeLeft(s, now); !s.solo && left > longest {
			victim, longest = s, left
		}
	}
	if victim == nil {
		return span{}
	}
	other, known := victim.speed(now)
	if !known || speed == 0 {
		other, speed = 1, 1
	}
	part := share(victim.hi-victim.pos, speed, other)
	if part == 0 {
		return span{}
	}
	stolen := span{victim.hi - part, victim.hi}
	victim.hi = stolen.lo
	if victim.pos == victim.hi {
		victim.cancel()
	}
	return stolen
}

func timeLeft(s *segment, now time.Time) time.Duration {
	left := s.hi - s.pos
	if left == 0 {
		return 0
	}
	speed, known := s.speed(now)
	if !known {
		return time.Second
	}
	const forever = 1 << 30 // seconds
	return time.Duration(min(float64(left)/speed, forever) * float64(time.Second))
}

// share is how many of the left bytes the faster of two should take of the other:
// neither gets a part that is not worth a request.
func share(left int64, thief, victim float64) int64 {
	part := int64(float64(left) * (thief / (thief + victim)))
	switch {
	case part < leastSteal && (left > leastSteal || thief < 2*victim):
		return 0
	case left-part < leastSteal && thief > victim:
		return left
	default:
		return min(part, left)
	}
}
