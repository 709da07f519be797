package middleware

import (
	"encoding/base64"
	"errors"
	"io/fs"
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
	s.send(s.Transfers.newTransfer(w, r, "genesis.tar.bz2", "genesis", steady{}), f, info.Size(), info.ModTime())
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

// tidyRange drops a Range header that RFC 9110 §14.2 tells servers to ignore
// but http.ServeContent would act on: with HEAD, in another unit, malformed, or
// in very many parts.
func tidyRange(r *http.Request) {
	ranges, ok := r.Header["Range"]
	if ok && (r.Method == http.MethodHead || len(ranges) != 1 || !goodRanges(ranges[0])) {
		delete(r.Header, "Range")
	}
}

func goodRanges(header string) bool {
	set, ok := strings.CutPrefix(header, "bytes=")
	specs := strings.SplitN(set, ",", maxRanges+1)
	if !ok || len(specs) > maxRanges {
		return false
	}
	for _, spec := range specs {
		if !goodRange(strings.Trim(spec, " \t")) {
			return false
		}
	}
	return true
}

// goodRange accepts FIRST-LAST, FIRST- and -SUFFIX. Numbers above 2^63 are not
// accepted, as no file has such positions, and neither is a suffix of nothing,
// which net/http would answer with an impossible Content-Range.
func goodRange(spec string) bool {
	first, last, ok := strings.Cut(spec, "-")
	if !ok || first == "" && last == "" {
		return false
	}
	from, fromErr := strconv.ParseUint(first, 10, 63)
	to, toErr := strconv.ParseUint(last, 10, 63)
	switch {
	case first == "":
		return toErr == nil && to > 0
	case last == "":
		return fromErr == nil
	default:
		return fromErr == nil && toErr == nil && from <= to
	}
}
