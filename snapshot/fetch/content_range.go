package fetch

import (
	"fmt"
	"strconv"
	"strings"
)

// contentRange is a Content-Range header (RFC 9110 §14.4): bytes [lo, hi) of size.
type contentRange struct {
	lo, hi, size int64
}

// parseContentRange reads "bytes FIRST-LAST/SIZE". A size that is not told ("*")
// is refused: what has no size is not an archive.
func parseContentRange(s string) (contentRange, error) {
	rest, ok := strings.CutPrefix(s, "bytes ")
	span, size, ok2 := strings.Cut(rest, "/")
	first, last, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return contentRange{}, fmt.Errorf("content range %q is not of the form bytes FIRST-LAST/SIZE", short(s))
	}
	lo, err1 := parseCount(first)
	hi, err2 := parseCount(last)
	n, err3 := parseCount(size)
	if err1 != nil || err2 != nil || err3 != nil || lo > hi || hi >= n {
		return contentRange{}, fmt.Errorf("content range %q does not name bytes of a file", short(s))
	}
	return contentRange{lo: lo, hi: hi + 1, size: n}, nil
}

// parseCount reads digits alone: no sign, no space.
func parseCount(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}

// formatRange is the header that asks for bytes [lo, hi).
func formatRange(lo, hi int64) string { return fmt.Sprintf("bytes=%d-%d", lo, hi-1) }
