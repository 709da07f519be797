package fetch

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"solsnap/snapshot"
)

// Config says what to download, from where, and with how much patience.
type Config struct {
	// Dir takes the archive. Required; it must exist.
	Dir string
	// Name is the archive. Required.
	Name snapshot.Name
	// Sources are URLs, http or https, best first: of a server ("http://192.0.2.1:8899"),
	// of an alias on it, or of the archive itself. At least one is required.
	Sources []string

	// Follow, if set, is called whenever the bytes begin to come from the first,
	// and returns who reads them.
	Follow func() Follower
	// MinRate is how many bytes must come per second, over every 10 s of the
	// download. 0: no matter. Agave and Firedancer demand 10 MiB/s.
	MinRate int64
	// Limiter limits bytes, together with all others who use it. Give it a burst
	// of 20 ms worth or more. Nil: no limit.
	Limiter *rate.Limiter
	// SourceRate limits the bytes per second from each source. 0: no limit.
	SourceRate int64
	// Connections is how many are opened to each source that has ranges. Default
	// 1: servers count them.
	Connections int
	// StallTimeout is how long a source may send nothing. Default 5 s.
	StallTimeout time.Duration
	// Attempts is how often in a row a source may fail before it is given up.
	// Default 5.
	Attempts int
	// Reserve is how many bytes of the filesystem must stay free.
	Reserve int64
	// Logger hears of sources that are given up. Nil discards.
	Logger *slog.Logger
	// Transport carries the requests: who must not be dialled is its business. It
	// must not follow redirects. Default: HTTP/1.1, no compression, the
	// environment's proxy.
	Transport http.RoundTripper

	// Tests only.
	jitter func() float64 // in [0, 1); instead of math/rand
}

func (c Config) withDefaults() Config {
	if c.Connections == 0 {
		c.Connections = 1
	}
	if c.StallTimeout == 0 {
		c.StallTimeout = 5 * time.Second
	}
	if c.Attempts == 0 {
		c.Attempts = 5
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.jitter == nil {
		c.jitter = rand.Float64
	}
	return c
}

func (c Config) validate() error {
	if c.Dir == "" {
		return errors.New("fetch: the directory is not set")
	}
	if _, err := snapshot.ParseName(c.Name.String()); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	if len(c.Sources) == 0 {
		return errors.New("fetch: no source is set")
	}
	if c.MinRate < 0 || c.SourceRate < 0 || c.Reserve < 0 || c.Connections < 0 || c.StallTimeout < 0 || c.Attempts < 0 {
		return errors.New("fetch: a rate, number or time is negative")
	}
	if c.Limiter != nil && c.Limiter.Limit() != rate.Inf && c.Limiter.Burst() <= 0 {
		return errors.New("fetch: the limiter has no burst, and lets nothing through")
	}
	if limit := c.limit(); limit < float64(c.MinRate) {
		return fmt.Errorf("fetch: the limit of %.0f bytes/s is below the least rate of %d", limit, c.MinRate)
	}
	return nil
}

// limit is how many bytes per second the configuration lets through at best. The
// rate of a source counts once, because only one may be left.
func (c Config) limit() float64 {
	limit := float64(rate.Inf)
	if c.Limiter != nil {
		limit = float64(c.Limiter.Limit())
	}
	if c.SourceRate > 0 {
		limit = min(limit, float64(c.SourceRate))
	}
	return limit
}

// origins parses Sources, each once.
func (c Config) origins() ([]*origin, error) {
	var origins []*origin
	for i, source := range c.Sources {
		if slices.Contains(c.Sources[:i], source) {
			continue
		}
		u, err := url.Parse(source)
		if err == nil && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			err = errors.New("want http://HOST or https://HOST")
		}
		if err != nil {
			return nil, fmt.Errorf("fetch: source %q: %w", source, err)
		}
		origins = append(origins, &origin{source: source, start: locate(u, c.Name), limiter: sourceLimiter(c.SourceRate)})
	}
	return origins, nil
}

// Follower reads an archive while it arrives, in file order, from the first byte.
// It may be slow: it never has more than one buffer, and what it has not seen yet
// waits in the file. Its methods are called by one goroutine, and Run waits for
// them: they must return soon once Run's context has ended.
type Follower interface {
	// Write gets the next bytes, which it must not keep. An error means that the
	// archive is bad, and ends the download.
	io.Writer
	// End is called once. With nil all bytes have been written, and the result is
	// the verdict on them; otherwise the result is ignored: the download has
	// failed, or begins anew with other bytes for another Follower.
	End(err error) error
}
