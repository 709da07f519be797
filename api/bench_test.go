package api

import (
	"net/http"
	"testing"

	"solsnap/snapshot"
)

// quiet is a ResponseWriter that keeps nothing.
type quiet struct{ header http.Header }

func (w quiet) Header() http.Header         { return w.header }
func (w quiet) WriteHeader(int)             {}
func (w quiet) Write(p []byte) (int, error) { return len(p), nil }

func bench(b *testing.B, s *Server, path string, header http.Header) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header = header
	w := quiet{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		s.router.ServeHTTP(w, r)
	}
}

// BenchmarkListSnapshots lists what Agave retains: 2 full and 4 incremental.
func BenchmarkListSnapshots(b *testing.B) {
	s := newServer(b, func(c *Config) {
		c.Archives = &shelf{archives: []snapshot.Archive{
			full(100), full(200), incremental(200, 210), incremental(200, 220), incremental(200, 230), incremental(200, 240),
		}}
	})
	bench(b, s, "/v1/snapshots", nil)
}

// BenchmarkDescribeSnapshot describes an archive of 100 GiB.
func BenchmarkDescribeSnapshot(b *testing.B) {
	const chunks = 6400
	name := full(100).Name
	s := newServer(b, func(c *Config) {
		c.Digests = digests{name: {Chunks: make([][32]byte, chunks)}}
	})
	path := "/v1/snapshots/" + name.String()
	b.Run("whole", func(b *testing.B) { bench(b, s, path, nil) })
	res, _ := get(b, s.Handler(), "GET", path)
	b.Run("not modified", func(b *testing.B) { bench(b, s, path, http.Header{"If-None-Match": res.Header["Etag"]}) })
}

func BenchmarkReadyz(b *testing.B) { bench(b, newServer(b, nil), "/readyz", nil) }
