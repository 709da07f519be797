package middleware

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"solsnap/snapshot"
)

// nobody is a ResponseWriter that costs nothing.
type nobody struct{ header http.Header }

func (w nobody) Header() http.Header         { return w.header }
func (w nobody) WriteHeader(int)             {}
func (w nobody) Write(p []byte) (int, error) { return len(p), nil }

func benchmarkHandler(b *testing.B, target string) {
	pair := snapshot.Pair{Full: snapshot.Archive{Name: full}}
	handler := NewObserver(ObserveConfig{}).Middleware(Snapshots(SnapshotsConfig{
		Archives: served{pair},
		Health:   func() snapshot.Health { return snapshot.Health{State: snapshot.HealthOK} },
	})(http.NotFoundHandler()))
	w, r := nobody{http.Header{}}, httptest.NewRequest(http.MethodGet, target, nil)
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		delete(r.Header, requestIDHeader)
		handler.ServeHTTP(w, r)
	}
}

// served is an Archives with a pair and no files.
type served struct{ pair snapshot.Pair }

func (s served) Served() (snapshot.Pair, bool)              { return s.pair, true }
func (s served) Open(snapshot.Name) (*snapshot.File, error) { return nil, http.ErrMissingFile }

func BenchmarkRedirect(b *testing.B) { benchmarkHandler(b, "/snapshot.tar.bz2") }
func BenchmarkHealth(b *testing.B)   { benchmarkHandler(b, "/health") }

func benchmarkFile(b *testing.B, ranges string, size int64) {
	g := newRig(b, rigOptions{}, map[snapshot.Name][]byte{full: big})
	req, err := http.NewRequest(http.MethodGet, g.URL+"/"+full.String(), nil)
	if err != nil {
		b.Fatal(err)
	}
	if ranges != "" {
		req.Header.Set("Range", ranges)
	}
	client := g.Client()
	b.SetBytes(size)
	for b.Loop() {
		resp, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != size {
			b.Fatalf("%d bytes: %v", n, err)
		}
		resp.Body.Close()
	}
}

func BenchmarkDownload(b *testing.B)  { benchmarkFile(b, "", int64(len(big))) }
func BenchmarkProbe(b *testing.B)     { benchmarkFile(b, "bytes=0-0", 1) }
func BenchmarkRange1MiB(b *testing.B) { benchmarkFile(b, "bytes=1048576-2097151", 1<<20) }
