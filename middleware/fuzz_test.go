package middleware

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"solsnap/snapshot"
)

// FuzzRequest sends any method, target and range. Nothing panics, an archive's
// path is never another handler's, and no other path touches a file.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/snapshot.tar.bz2", "")
	f.Add("HEAD", "/"+full.String(), "bytes=0-0")
	f.Add("POST", "/"+incremental.String(), "bytes=-1,2-")
	f.Add("GET", "/snapshot-1-../../x.tar.zst", "bytes=")
	opened := ""
	cfg := SnapshotsConfig{Archives: recorder{&opened}, Health: func() snapshot.Health { return snapshot.Health{} }}
	f.Fuzz(func(t *testing.T, method, target, ranges string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return // net/http answers 400 by itself
		}
		r := &http.Request{Method: method, URL: u, Header: http.Header{"Range": {ranges}}, ProtoMajor: 1}
		opened = ""
		passed := false
		NewObserver(ObserveConfig{}).Middleware(Snapshots(cfg)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			passed = true
		}))).ServeHTTP(httptest.NewRecorder(), r)
		name, isName := strings.CutPrefix(RawPath(r), "/")
		_, err = snapshot.ParseName(name)
		if isName && err == nil && passed {
			t.Errorf("%q is an archive and was handed on", target)
		}
		if opened != "" && "/"+opened != RawPath(r) {
			t.Errorf("%q opened %q", target, opened)
		}
	})
}

// recorder is an Archives that has nothing and remembers what it was asked for.
type recorder struct{ opened *string }

func (r recorder) Served() (snapshot.Pair, bool) { return snapshot.Pair{}, false }
func (r recorder) Open(n snapshot.Name) (*snapshot.File, error) {
	*r.opened = n.String()
	return nil, http.ErrMissingFile
}

// FuzzRange sends any Range header that tidyRange lets through to
// http.ServeContent: its answer is the whole, a part that it names rightly, or a
// refusal that says how long the whole is.
func FuzzRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-0", "bytes=-7", "bytes=90-", "bytes=1-2, 5-6", "bytes=100-", "bytes=-0", "bytes=9-1", "lines=1"} {
		f.Add(seed)
	}
	body := archiveBytes(100)
	f.Fuzz(func(t *testing.T, ranges string) {
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.Header.Set("Range", ranges)
		tidyRange(r)
		w := httptest.NewRecorder()
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
		got := w.Header().Get("Content-Range")
		switch w.Code {
		case http.StatusOK:
			if !bytes.Equal(w.Body.Bytes(), body) {
				t.Errorf("%q: the whole differs", ranges)
			}
		case http.StatusPartialContent:
			var first, last int
			if n, _ := fmt.Sscanf(got, "bytes %d-%d/100", &first, &last); got != "" && (n != 2 || !bytes.Equal(w.Body.Bytes(), body[first:last+1])) {
				t.Errorf("%q: part %q has %d bytes", ranges, got, w.Body.Len())
			}
		case http.StatusRequestedRangeNotSatisfiable:
			if got != "bytes */100" {
				t.Errorf("%q: refused with %q", ranges, got)
			}
		default:
			t.Errorf("%q: %d", ranges, w.Code)
		}
	})
}
