package middleware

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"solsnap/snapshot"
)

// maxRanges bounds the parts of a multi-range response. A request for more gets
// the whole file, as RFC 9110 §14.2 allows.
const maxRanges = 16

// archive serves an archive by its exact name.
func (s *snapshots) archive(w http.ResponseWriter, r *http.Request, path string) {
	name, err := snapshot.ParseName(path[1:])
	if err != nil {
		notFound(w) // Agave looks for such a file and does not find it
		return
	}
	f, err := s.Archives.Open(name)
	if err != nil {
		s.openFailed(w, r, err)
		return
	}
	defer f.Close()

	a := f.Archive()
	h := w.Header()
	h["Content-Type"] = contentType(name.Format)
	h["Cache-Control"] = cacheArchive
	if s.Digest != nil {
		if sum, ok := s.Digest(a); ok {
			h["Repr-Digest"] = []string{"sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"}
		}
	}
	s.send(s.Transfers.newTransfer(w, r, path[1:], name.Kind.String(), f), f.File, a.Size, a.ModTime)
}

var (
	cacheArchive = []string{"public, max-age=3600, immutable, no-transform"}
	cacheGenesis = []string{"public, max-age=300, no-transform"}
	typeZstd     = []string{"application/zstd"}
	typeLZ4      = []string{"application/x-lz4"}
	typeBzip2    = []string{"application/x-bzip2"}
)

func contentType(f snapshot.Format) []string {
	if f == snapshot.FormatLZ4 {
		return typeLZ4
	}
	return typeZstd
}

// genesis serves the genesis archive.
func (s *snapshots) genesis(w http.ResponseWriter, r *http.Request, _ string) {
	f, err := s.Genesis()
	if err != nil {
		s.openFailed(w, r, err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		s.openFailed(w, r, err)
		return
	}
	h := w.Header()
	h["Content-Type"] = typeBzip2
	h["Cache-Control"] = cacheGenesis
	s.send(s.Transfers.newTransfer(w, r, "genesis.tar.bz2", kindGenesis, steady{}), f, info.Size(), info.ModTime())
}

// send is the common end of both.
func (s *snapshots) send(t *transfer, f *os.File, size int64, modified time.Time) {
	defer t.end()
	h := t.Header()
	h["Content-Disposition"] = []string{`attachment; filename="` + t.name + `"`}
	h["Etag"] = []string{ETag(size, modified)}
	h["Vary"] = varyOrigin // by CORS, whether or not there is an Origin now
	tidyRange(t.request)
	http.ServeContent(t, t.request, "", modified, &content{file: f, size: size})
}

// openFailed answers like Agave: 404 when there is no such file, else 500, both
// empty. The cause is for the log.
func (s *snapshots) openFailed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		notFound(w)
		return
	}
	s.Logger.Error("file cannot be opened", "request", RequestID(r.Header), "path", RawPath(r), "err", err)
	w.Header()["Content-Type"] = nil
	bareText(w, http.StatusInternalServerError, "")
}

// ETag names a file's bytes by size in bytes and modification time in
// nanoseconds: strong, and the same after a restart. The snapshot hash would not
// do, because two nodes pack the same state into different bytes.
func ETag(size int64, modified time.Time) string {
	return `"` + strconv.FormatInt(size, 16) + "-" + strconv.FormatInt(modified.UnixNano(), 16) + `"`
}

// tidyRange makes of a Range header what http.ServeContent reads as RFC 9110 §14
// means it, or drops it where a server ignores it: with HEAD, in another unit,
// malformed, or in very many parts.
func tidyRange(r *http.Request) {
	ranges, ok := r.Header["Range"]
	if !ok {
		return
	}
	tidy := ""
	if r.Method != http.MethodHead && len(ranges) == 1 {
		tidy = tidyRanges(ranges[0])
	}
	if tidy == "" {
		delete(r.Header, "Range")
		return
	}
	r.Header["Range"] = []string{tidy}
}

const rangeUnit = "bytes="

// tidyRanges is "" for what is to be ignored.
func tidyRanges(header string) string {
	if len(header) < len(rangeUnit) || !strings.EqualFold(header[:len(rangeUnit)], rangeUnit) {
		return ""
	}
	var specs []string
	for spec := range strings.SplitSeq(header[len(rangeUnit):], ",") {
		spec = strings.Trim(spec, " \t")
		if spec == "" {
			continue // RFC 9110 §5.6.1: empty elements of a list mean nothing
		}
		tidy, ok := tidyRangeSpec(spec)
		if !ok || len(specs) == maxRanges {
			return ""
		}
		specs = append(specs, tidy)
	}
	if len(specs) == 0 {
		return ""
	}
	return rangeUnit + strings.Join(specs, ",")
}

// tidyRangeSpec accepts FIRST-LAST, FIRST- and -SUFFIX. No file has positions
// above 2^63, so a larger number is as good as that one. A suffix of nothing, which
// net/http would answer with an impossible Content-Range, is a range that no file
// can satisfy.
func tidyRangeSpec(spec string) (string, bool) {
	first, last, ok := strings.Cut(spec, "-")
	from, fromOK := position(first)
	to, toOK := position(last)
	beyond := strconv.FormatInt(math.MaxInt64, 10) + "-"
	switch {
	case !ok || !fromOK || !toOK || first == "" && last == "":
		return "", false
	case first == "" && to == 0:
		return beyond, true
	case first == "":
		return "-" + strconv.FormatInt(to, 10), true
	case last == "":
		return strconv.FormatInt(from, 10) + "-", true
	}
	return strconv.FormatInt(from, 10) + "-" + strconv.FormatInt(to, 10), from <= to
}

// position reads digits, or nothing, as a number up to 2^63-1.
func position(digits string) (int64, bool) {
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if digits != "" && err != nil {
		n = math.MaxInt64
	}
	return n, true
}
