package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
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

// redacted is the URL for logs and errors, without a password.
func (o *origin) redacted() string {
	if u, err := url.Parse(o.source); err == nil {
		return u.Redacted()
	}
	return o.source
}

// statusError is an answer that is not the archive.
type statusError struct {
	status     int
	retryAfter time.Duration
}

func (e *statusError) Error() string {
	return fmt.Sprintf("answered %d %s", e.status, http.StatusText(e.status))
}

// refuse makes an error of an answer that is neither 200, 206 nor a redirect.
// What a server cannot do now it may do later, if it says so; the rest is final.
func refuse(response *http.Response) error {
	err := &statusError{status: response.StatusCode}
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusRequestTimeout:
	default:
		if response.StatusCode < http.StatusInternalServerError {
			return final{err}
		}
	}
	if seconds, parseErr := strconv.Atoi(response.Header.Get("Retry-After")); parseErr == nil && seconds > 0 {
		err.retryAfter = time.Duration(min(seconds, int(longestDelay/time.Second))) * time.Second
	}
	return err
}

// maxRedirects is more than a chain of an alias and a change of host needs.
const maxRedirects = 5

// newTransport is how archives are fetched: HTTP/1.1, because HTTP/2 costs four
// times the CPU per byte, and never compressed.
func newTransport() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DisableCompression:     true,
		Protocols:              &protocols,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConnsPerHost:    16,
	}
}

// get asks for an archive, and again where it is redirected to, but never for
// another archive. The body is the caller's to close.
func get(ctx context.Context, transport http.RoundTripper, u *url.URL, header http.Header, name snapshot.Name) (*http.Response, *url.URL, error) {
	for range maxRedirects + 1 {
		response, err := ask(ctx, transport, http.MethodGet, u, header)
		if err != nil {
			return nil, nil, err
		}
		if !isRedirect(response.StatusCode) {
			return response, u, nil
		}
		response.Body.Close()
		if u, err = follow(u, response.Header.Get("Location")); err != nil {
			return nil, nil, final{err}
		}
		if !isAlias(u) {
			if err := leadsTo(u, name); err != nil {
				return nil, nil, err
			}
		}
	}
	return nil, nil, final{fmt.Errorf("redirected more than %d times", maxRedirects)}
}

// ask makes one request. Encoding is refused even of a server that encodes
// unasked: its bytes would not be the archive's.
func ask(ctx context.Context, transport http.RoundTripper, method string, u *url.URL, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, final{err}
	}
	for key, values := range header {
		request.Header[key] = values
	}
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", "solsnap")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		response.Body.Close()
		return nil, final{fmt.Errorf("the answer is encoded (%s), which was not asked for", short(encoding))}
	}
	return response, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
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
	if found.size <= 0 {
		return nil, final{errors.New("it does not say how long the archive is")}
	}
	found.manifest = askManifest(ctx, transport, u, name)
	return found, found.settle()
}

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

// Resolve asks a source for an archive's name by its alias: it returns where the
// redirect from u leads, without fetching it.
func Resolve(ctx context.Context, transport http.RoundTripper, u *url.URL) (snapshot.Name, error) {
	for range maxRedirects {
		if name, err := nameAt(u); err == nil {
			return name, nil
		}
		response, err := ask(ctx, transport, http.MethodHead, u, nil)
		if err != nil {
			return snapshot.Name{}, fmt.Errorf("resolve %s: %w", u.Redacted(), err)
		}
		response.Body.Close()
		if !isRedirect(response.StatusCode) {
			return snapshot.Name{}, fmt.Errorf("resolve %s: %w", u.Redacted(), refuse(response))
		}
		if u, err = follow(u, response.Header.Get("Location")); err != nil {
			return snapshot.Name{}, fmt.Errorf("resolve: %w", err)
		}
	}
	return snapshot.Name{}, fmt.Errorf("resolve %s: redirected too often", u.Redacted())
}
