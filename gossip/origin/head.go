package origin

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// head is an answer without its body.
type head struct {
	status int
	header http.Header
	length int64 // -1 if it does not say
}

// head asks an origin, by a name that needs no escapes.
func (w *watch) head(ctx context.Context, a *answer, name string) (*head, error) {
	response, rtt, err := w.cfg.ask(ctx, http.MethodHead, w.base.at(name), "")
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if response != nil {
		response.Body.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("HEAD %s: %w", w.base.at(name), err)
	}
	if rtt > 0 {
		a.rtts = append(a.rtts, rtt)
	}
	return &head{response.StatusCode, response.Header, response.ContentLength}, nil
}

// size is how long an archive is.
func (h *head) size() (uint64, error) {
	const most = 16 << 40 // more than an archive has: mainnet's have 100 GiB
	encoding := h.header.Get("Content-Encoding")
	switch {
	case h.status != http.StatusOK:
		return 0, newStatusError(h.status, h.header)
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return 0, fmt.Errorf("the archive is encoded as %q, which was not asked for", short(encoding))
	case h.length <= 0:
		return 0, errors.New("it does not say how long the archive is")
	case h.length > most:
		return 0, fmt.Errorf("it says that the archive has %d bytes", h.length)
	}
	return uint64(h.length), nil
}

// digestIn is the SHA-256 of a Repr-Digest (RFC 9530 §3), zero if there is none.
func digestIn(header http.Header) (sum [32]byte) {
	for _, line := range header.Values("Repr-Digest") {
		for member := range strings.SplitSeq(line, ",") {
			text, ok := strings.CutPrefix(strings.TrimSpace(member), "sha-256=:")
			text, closed := strings.CutSuffix(text, ":")
			if !ok || !closed {
				continue
			}
			if b, err := base64.StdEncoding.Strict().DecodeString(text); err == nil && len(b) == len(sum) {
				return [32]byte(b)
			}
		}
	}
	return sum
}
