package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// worker fetches over one connection to one source. Its fields are owned by run.
type worker struct {
	attempt *attempt
	member  int     // of the team
	speed   float64 // bytes per second, of the last segment; 0 at first
	buffer  []byte
}

const (
	// bufferSize is read and written at once, unless the source is slow.
	bufferSize = 512 << 10
	// gatherTime is how long a buffer is filled before it is written.
	gatherTime = 50 * time.Millisecond
	// lookAgain is how often a worker without work looks whether others have
	// become slow.
	lookAgain = 100 * time.Millisecond
	// wellDone is after how many bytes a source counts as one that delivers.
	wellDone = 1 << 20
)

var (
	errStalled = errors.New("it has stalled")
	errTaken   = errors.New("another source has taken over")
	// errChanged is final: what has come is not of the same file as what would.
	errChanged = errors.New("the archive has changed at the source")
)

func (w *worker) origin() *origin { return w.attempt.team[w.member] }

// run works until the archive is complete or its source is given up, which is no
// error. It returns those of the disk and of ctx.
func (w *worker) run(ctx context.Context) error {
	w.buffer = make([]byte, bufferSize)
	for !w.origin().isGone() {
		changed := w.attempt.board.change()
		if w.attempt.board.complete() {
			return nil
		}
		worked, err := w.turn(ctx)
		if err == nil && !worked {
			err = await(ctx, changed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// await returns when changed is closed, or after a little while.
func await(ctx context.Context, changed <-chan struct{}) error {
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-timer.C:
	}
	return nil
}

// turn fetches a segment, if there is one.
func (w *worker) turn(ctx context.Context) (worked bool, _ error) {
	request, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	board := w.attempt.board
	s := board.take(time.Now(), w.member, w.speed, func() { cancel(errTaken) })
	if s == nil {
		return false, nil
	}
	err := w.fetch(ctx, request, s, cancel)
	board.end(s)
	if elapsed := time.Since(s.began).Seconds(); elapsed > 0 {
		w.speed = float64(s.pos-s.lo) / elapsed
	}
	switch cause := context.Cause(request); {
	case ctx.Err() != nil:
		return true, ctx.Err()
	case err == nil, errors.Is(cause, errTaken):
		return true, nil
	case errors.As(err, new(diskError)):
		return true, err
	case cause != nil:
		err = cause
	}
	return true, w.failed(ctx, err)
}

// failed leaves a source alone for a while. Without ranges it has to begin anew,
// and so has the attempt.
func (w *worker) failed(ctx context.Context, err error) error {
	delay, gone := w.origin().fail(err, w.attempt.config)
	if gone {
		return nil
	}
	if err := pause(ctx, delay); err != nil {
		return err
	}
	if !w.origin().offer.ranges {
		return errExhausted
	}
	return nil
}

// fetch makes one request for a segment and places what comes. What has come is
// placed even if the request is over: ctx is that of the attempt.
func (w *worker) fetch(ctx, request context.Context, s *segment, cancel context.CancelCauseFunc) error {
	stall := w.attempt.config.StallTimeout
	watchdog := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer watchdog.Stop()
	response, err := w.open(request, s)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for w.attempt.board.left(s) > 0 && !w.origin().isGone() {
		n, readErr := w.gather(response.Body, s, func() { watchdog.Reset(stall) })
		watchdog.Stop()
		if err := w.place(ctx, s, w.buffer[:n]); err != nil {
			return err
		}
		if w.attempt.board.left(s) > 0 && readErr != nil {
			return ended(readErr, s)
		}
		watchdog.Reset(stall)
	}
	return nil
}

// ended makes an error of a body that has ended early. A server may send less than
// was asked for and say so, but not crumbs.
func ended(err error, s *segment) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	if s.pos-s.lo >= wellDone {
		return nil
	}
	return fmt.Errorf("it sent only %d bytes: %w", s.pos-s.lo, io.ErrUnexpectedEOF)
}

// gather reads until the buffer is full, for a little while, or to the end of the
// segment. It calls alive before each read.
func (w *worker) gather(body io.Reader, s *segment, alive func()) (n int, err error) {
	buffer := w.buffer[:min(int64(len(w.buffer)), w.attempt.board.left(s), w.most())]
	for until := time.Now().Add(gatherTime); n < len(buffer) && err == nil; {
		alive()
		var more int
		more, err = body.Read(buffer[n:])
		n += more
		if time.Now().After(until) {
			break
		}
	}
	return n, err
}

// most is how many bytes every limiter would let through at once.
func (w *worker) most() int64 {
	most := int64(bufferSize)
	for _, l := range w.limiters() {
		most = min(most, int64(max(l.Burst(), 1)))
	}
	return most
}

// limiters are those that apply.
func (w *worker) limiters() (limiters []*rate.Limiter) {
	for _, l := range []*rate.Limiter{w.attempt.config.Limiter, w.origin().limiter} {
		if l != nil && l.Limit() != rate.Inf {
			limiters = append(limiters, l)
		}
	}
	return limiters
}

// place writes as many of the bytes as are still the segment's, and sends pieces
// that are full by it to be checked.
func (w *worker) place(ctx context.Context, s *segment, b []byte) error {
	board := w.attempt.board
	at, n := board.reserve(s, len(b))
	if n == 0 {
		return nil
	}
	if err := w.attempt.part.write(b[:n], at); err != nil {
		return onDisk(fmt.Errorf("write at %d: %w", at, err))
	}
	full := board.place(s, at, n, time.Now())
	w.origin().delivered(int64(n), w.origin().offer.ranges && s.pos-s.lo >= wellDone)
	for _, i := range full {
		select {
		case w.attempt.full <- i:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, l := range w.limiters() {
		if err := l.WaitN(ctx, len(b)); err != nil {
			return err
		}
	}
	return nil
}

// open asks for a segment and makes sure that the answer is of it.
func (w *worker) open(ctx context.Context, s *segment) (*http.Response, error) {
	o := w.origin()
	header := http.Header{}
	if o.offer.ranges {
		header["Range"] = []string{formatRange(s.lo, s.lo+w.attempt.board.left(s))}
		if o.offer.etag != "" {
			header["If-Range"] = []string{o.offer.etag}
		}
	}
	response, u, err := get(ctx, w.attempt.config.Transport, o.offer.url, header, w.attempt.config.Name)
	if err != nil {
		return nil, err
	}
	if err = leadsTo(u, w.attempt.config.Name); err == nil {
		err = o.offer.accept(response, s.lo)
	}
	if err != nil {
		response.Body.Close()
		return nil, err
	}
	return response, nil
}

// accept reports why an answer is not what the offer promised from lo on.
func (f *offer) accept(response *http.Response, lo int64) error {
	tag := strongTag(response.Header)
	switch status := response.StatusCode; {
	case status == http.StatusPartialContent && f.ranges:
		r, err := parseContentRange(response.Header.Get("Content-Range"))
		if err != nil {
			return final{err}
		}
		if r.size != f.size || f.etag != "" && tag != "" && tag != f.etag {
			return refusal(ErrVerification, "%w: it had %d bytes of %s, has %d of %s", errChanged, f.size, f.etag, r.size, tag)
		}
		if r.lo != lo {
			return final{fmt.Errorf("it sends bytes from %d, not from %d", r.lo, lo)}
		}
		return nil
	case status == http.StatusOK && f.ranges && tag == f.etag && response.ContentLength == f.size:
		return final{errors.New("it has ranges and yet ignores them")}
	case status == http.StatusOK && (f.ranges || response.ContentLength != f.size),
		status == http.StatusRequestedRangeNotSatisfiable:
		return refusal(ErrVerification, "%w: it had %d bytes, has %d", errChanged, f.size, response.ContentLength)
	case status == http.StatusOK:
		return nil
	default:
		return refuse(response)
	}
}
