package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"solsnap/snapshot"
)

// origin is a source, and what has been learnt of it.
type origin struct {
	source  string        // as configured
	start   *url.URL      // where to ask
	limiter *rate.Limiter // nil: no limit

	// Set by probe, before any worker has it.
	offer *offer

	mu       sync.Mutex
	failures int   // in a row; guarded by mu
	gone     error // why it was given up; guarded by mu
	err      error // the last failure, not yet final; guarded by mu
	received int64 // bytes, by this Run; guarded by mu
}

// offer is what a source has, as it answered.
type offer struct {
	url      *url.URL // of the archive, after redirects
	size     int64
	ranges   bool   // it answers them, and by etag or manifest its bytes are told from others
	etag     string // strong; "" for none
	manifest *manifest
}

// sourceLimiter limits one source. Its burst is 20 ms worth: with less, a limiter
// gives less than it should.
func sourceLimiter(bytesPerSecond int64) *rate.Limiter {
	if bytesPerSecond == 0 {
		return nil
	}
	const least = 32 << 10
	return rate.NewLimiter(rate.Limit(bytesPerSecond), int(max(bytesPerSecond/50, least)))
}

// fail notes a failure. It reports for how long the source should be left alone,
// or that it is given up.
func (o *origin) fail(err error, c *Config) (delay time.Duration, gone bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failures++
	o.err = err
	if o.gone == nil && (isFinal(err) || o.failures >= c.Attempts) {
		o.gone = err
		c.Logger.Warn("source given up", "url", o.redacted(), "err", err)
	}
	var status *statusError
	var asked time.Duration
	if errors.As(err, &status) {
		asked = status.retryAfter
	}
	return backoff(o.failures, asked, c.jitter()), o.gone != nil
}

// delivered notes bytes. A source that delivers has not failed in a row.
func (o *origin) delivered(n int64, well bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.received += n
	if well {
		o.failures = 0
	}
}

func (o *origin) isGone() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.gone != nil
}

func (o *origin) redacted() string { return redacted(o.source) }

// redacted is a URL for logs and errors, without a password.
func redacted(source string) string {
	if u, err := url.Parse(source); err == nil {
		return u.Redacted()
	}
	return source
}

// probe learns what a source has, by asking for its first byte: servers without
// ranges answer with all of it, which is not read.
func probe(ctx context.Context, transport http.RoundTripper, o *origin, name snapshot.Name) (*offer, error) {
	response, u, err := get(ctx, transport, o.start, http.Header{"Range": {formatRange(0, 1)}}, name)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if status := response.StatusCode; status != http.StatusOK && status != http.StatusPartialContent {
		return nil, refuse(response)
	}
	if err := leadsTo(u, name); err != nil {
		return nil, err
	}
	found := &offer{url: u, etag: strongTag(response.Header), size: response.ContentLength}
	if response.StatusCode == http.StatusPartialContent {
		r, err := parseContentRange(response.Header.Get("Content-Range"))
		if err != nil || r.lo != 0 || r.hi != 1 {
			return nil, final{errors.Join(errors.New("its ranges are not those asked for"), err)}
		}
		found.size, found.ranges = r.size, true
	}
	switch {
	case found.size <= 0:
		return nil, final{errors.New("it does not say how long the archive is")}
	case found.size > maxSize:
		return nil, final{fmt.Errorf("it says that the archive has %s", bytesOf(found.size))}
	}
	found.manifest = askManifest(ctx, transport, u, name)
	return found, found.settle()
}

// maxSize is more than an archive has (mainnet's have 100 GiB), and a bound for what
// is kept in memory of each piece.
const maxSize = 16 << 40

// settle holds an offer against its own manifest.
func (f *offer) settle() error {
	if f.manifest != nil && f.manifest.size != f.size {
		return refusal(ErrVerification, "it offers %d bytes, but by its manifest the archive has %d", f.size, f.manifest.size)
	}
	f.ranges = f.ranges && (f.etag != "" || f.manifest != nil)
	return nil
}

// leadsTo refuses a URL that is not of the archive.
func leadsTo(u *url.URL, name snapshot.Name) error {
	found, err := nameAt(u)
	if err != nil {
		return refusal(ErrName, "it leads to no archive: %w", err)
	}
	if found != name {
		return refusal(ErrName, "it leads to %s", found)
	}
	return nil
}

// strongTag is the ETag if it names bytes: one for If-Range (RFC 9110 §13.1.5).
func strongTag(h http.Header) string {
	const longest = 256
	tag := h.Get("ETag")
	if len(tag) < 2 || len(tag) > longest || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return ""
	}
	for _, c := range []byte(tag[1 : len(tag)-1]) {
		if c <= ' ' || c == '"' || c == 0x7f {
			return ""
		}
	}
	return tag
}

// askManifest returns nil if there is none: most servers know nothing of them.
func askManifest(ctx context.Context, transport http.RoundTripper, u *url.URL, name snapshot.Name) *manifest {
	response, err := ask(ctx, transport, http.MethodGet, beside(u, name), nil)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxManifest+1))
	if err != nil || len(text) > maxManifest {
		return nil
	}
	m, err := parseManifest(text, name)
	if err != nil {
		return nil
	}
	return m
}
