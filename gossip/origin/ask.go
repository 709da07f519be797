package origin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// statusError is an answer that is not what was asked for.
type statusError struct {
	status     int
	retryAfter time.Duration
}

func (e *statusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("answered %d %s", e.status, http.StatusText(e.status)))
}

func newStatusError(status int, header http.Header) *statusError {
	e := &statusError{status: status}
	const longest = 24 * time.Hour
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err == nil && seconds > 0 {
		e.retryAfter = time.Duration(min(seconds, int(longest/time.Second))) * time.Second
	}
	return e
}

// isMissing reports whether a server said that it has no such thing, and not that it
// cannot answer now.
func isMissing(err error) bool {
	var e *statusError
	return errors.As(err, &e) && e.status/100 == 4 &&
		e.status != http.StatusTooManyRequests && e.status != http.StatusRequestTimeout
}

// ask makes one request, and follows no redirect. The round trip is 0 if there was
// none to measure: the first request of a connection waits for that, too.
func (c *Config) ask(ctx context.Context, method, url, ranges string) (_ *http.Response, rtt time.Duration, _ error) {
	var reused atomic.Pointer[time.Time] // when a connection was taken that was there
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if now := time.Now(); info.Reused {
			reused.Store(&now)
		} else {
			reused.Store(nil)
		}
	}})
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", "solsnap")
	if ranges != "" {
		request.Header.Set("Range", ranges)
	}
	response, err := c.Transport.RoundTrip(request)
	if err != nil {
		return nil, 0, err
	}
	if began := reused.Load(); began != nil {
		rtt = time.Since(*began)
	}
	return response, rtt, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}
