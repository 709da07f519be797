package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// rangeStep is how much of a remote archive is asked for at a time: the manifest
// of a small cluster is in the first, that of mainnet-beta in some twenty.
const rangeStep = 8 << 20

// remoteArchive reads an archive on a web server from its first byte on, by
// ranges, so that no more is sent than is read. A server that knows no ranges, as
// Agave's, sends the whole file and is hung up on.
type remoteArchive struct {
	ctx    context.Context
	client *http.Client
	url    string // where redirects led to
	etag   string // "" if the server sends none that is strong
	size   int64  // of the file; -1 while unknown

	offset  int64 // of the next byte
	began   int64 // offset of the current response
	fetched int64
	body    io.ReadCloser // of the current response; nil between two
	whole   bool          // the body goes to the end of the file
}

// openRemote sends the first request.
func openRemote(ctx context.Context, address string) (*remoteArchive, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	transport.DisableCompression = true // lengths are those of the archive
	r := &remoteArchive{ctx: ctx, client: &http.Client{Transport: transport}, url: address, size: -1}
	if err := r.next(); err != nil {
		return nil, err
	}
	return r, nil
}

// isRemote tells an address from a file's path.
func isRemote(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// name is the last segment of the path that redirects led to.
func (r *remoteArchive) name() string {
	u, err := url.Parse(r.url)
	if err != nil {
		return ""
	}
	return path.Base(u.Path)
}

// Read implements io.Reader.
func (r *remoteArchive) Read(p []byte) (int, error) {
	for {
		if r.body == nil {
			if err := r.next(); err != nil {
				return 0, err
			}
		}
		n, err := r.body.Read(p)
		r.offset += int64(n)
		r.fetched += int64(n)
		if errors.Is(err, io.EOF) && !r.ended() {
			err = r.Close()
			if r.offset == r.began {
				err = io.ErrNoProgress
			}
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// ended reports that there are no more bytes to ask for.
func (r *remoteArchive) ended() bool { return r.whole || r.offset == r.size }

// next asks for the next range.
func (r *remoteArchive) next() error {
	request, err := http.NewRequestWithContext(r.ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", r.offset, r.offset+rangeStep-1))
	if r.etag != "" {
		request.Header.Set("If-Range", r.etag)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	if err := r.take(response); err != nil {
		response.Body.Close()
		return fmt.Errorf("GET %s: %w", r.url, err)
	}
	r.url = response.Request.URL.String()
	r.body, r.began = response.Body, r.offset
	return nil
}

// take checks that the response is what was asked for.
func (r *remoteArchive) take(response *http.Response) error {
	switch response.StatusCode {
	case http.StatusPartialContent:
		return r.takePart(response.Header)
	case http.StatusOK:
		if r.offset > 0 {
			return errors.New("the file has changed, or ranges are answered only now and then; try again")
		}
		r.whole, r.size = true, response.ContentLength
		return nil
	default:
		return fmt.Errorf("answered %s", response.Status)
	}
}

func (r *remoteArchive) takePart(h http.Header) error {
	first, size, err := parseContentRange(h.Get("Content-Range"))
	switch {
	case err != nil:
		return err
	case first != r.offset:
		return fmt.Errorf("got the range from %d, want from %d", first, r.offset)
	case r.size >= 0 && r.size != size:
		return fmt.Errorf("the file had %d bytes and now has %d; try again", r.size, size)
	}
	r.size = size
	if tag := h.Get("Etag"); strings.HasPrefix(tag, `"`) {
		r.etag = tag
	}
	return nil
}

// parseContentRange reads "bytes FIRST-LAST/SIZE" (RFC 9110 §14.4); a size that
// the server does not know is of no use.
func parseContentRange(s string) (first, size int64, err error) {
	span, total, ok := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	from, to, ok2 := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	size, err3 := strconv.ParseInt(total, 10, 64)
	if !ok || !ok2 || errors.Join(err1, err2, err3) != nil || first < 0 || last < first || size <= last {
		return 0, 0, fmt.Errorf("answered the Content-Range %q", s)
	}
	return first, size, nil
}

// Close hangs up on what is left of a response. Reading may go on after it.
func (r *remoteArchive) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}
