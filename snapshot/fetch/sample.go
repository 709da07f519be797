package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"solsnap/snapshot"
)

// Sampled is what a source has shown of itself.
type Sampled struct {
	// Size is that of the archive, in bytes.
	Size int64
	// Latency is from the request to the head of the answer, redirects included.
	Latency time.Duration
	// Read is how many bytes came, in Took after the head.
	Read int64
	Took time.Duration
}

// Sample reads the first bytes of an archive at a source, at most so many and for
// at most so long, and hangs up. The source is one as in Config.Sources. Of a
// source that does not have the archive the error is fs.ErrNotExist, and of one
// that has another ErrName.
func Sample(ctx context.Context, transport http.RoundTripper, source string, name snapshot.Name, most int64, within time.Duration) (Sampled, error) {
	u, err := url.Parse(source)
	if err != nil {
		return Sampled{}, fmt.Errorf("sample: %w", err)
	}
	began := time.Now()
	response, u, err := get(ctx, transport, locate(u, name), http.Header{"Range": {formatRange(0, most)}}, name)
	if err != nil {
		return Sampled{}, fmt.Errorf("sample %s: %w", redacted(source), err)
	}
	defer response.Body.Close()
	s := Sampled{Latency: time.Since(began)}
	if err := leadsTo(u, name); err != nil {
		return Sampled{}, fmt.Errorf("sample %s: %w", redacted(source), err)
	}
	if s.Size, err = sizeOf(response); err != nil {
		return Sampled{}, fmt.Errorf("sample %s: %w", redacted(source), err)
	}
	hangUp := time.AfterFunc(within, func() { response.Body.Close() })
	defer hangUp.Stop()
	s.Read, err = io.Copy(io.Discard, io.LimitReader(response.Body, most))
	if s.Took = time.Since(began) - s.Latency; err != nil && (s.Took < within || ctx.Err() != nil) {
		return Sampled{}, fmt.Errorf("sample %s: %w", redacted(source), err)
	}
	return s, nil
}

// sizeOf is the size of the archive that a response is of.
func sizeOf(response *http.Response) (int64, error) {
	size := response.ContentLength
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		r, err := parseContentRange(response.Header.Get("Content-Range"))
		if err != nil {
			return 0, err
		}
		size = r.size
	default:
		return 0, refuse(response)
	}
	if size <= 0 || size > maxSize {
		return 0, fmt.Errorf("it says that the archive has %d bytes", size)
	}
	return size, nil
}
