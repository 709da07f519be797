package fetch

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"solsnap/snapshot"
)

// statusError is an answer that is not the archive.
type statusError struct {
	status     int
	retryAfter time.Duration
}

func (e *statusError) Error() string {
	return fmt.Sprintf("answered %d %s", e.status, http.StatusText(e.status))
}

// Is makes an archive that a server does not have fs.ErrNotExist.
func (e *statusError) Is(target error) bool {
	return target == fs.ErrNotExist && (e.status == http.StatusNotFound || e.status == http.StatusGone)
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

// NewTransport is how archives are fetched: HTTP/1.1, because HTTP/2 costs four
// times the CPU per byte, and never compressed. The caller may change it before it
// is used, for one where it dials.
func NewTransport() *http.Transport {
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
