package fetch

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/time/rate"
)

// BenchmarkFast downloads from one origin as fast as can be, beside io.Copy of
// net/http into a file. Neither syncs.
func BenchmarkFast(b *testing.B) {
	const size = 512 * mib
	dir := b.TempDir()
	path := filepath.Join(dir, "origin")
	if err := os.WriteFile(path, chacha(size, 1), 0o644); err != nil {
		b.Fatal(err)
	}
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/"+testName.String() {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `"benchmark"`)
		http.ServeFile(w, r, path)
	}))
	defer ts.Close()
	b.Run("fetch", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			c := config(dir, ts.URL)
			d, err := New(c)
			if err != nil {
				b.Fatal(err)
			}
			p, err := d.Run(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			p.Discard()
		}
	})
	b.Run("copy", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			copyOnce(b, ts.URL+"/"+testName.String(), filepath.Join(dir, "copy"))
		}
	})
}

// copyOnce is the least that a download can do.
func copyOnce(b *testing.B, url, path string) {
	b.Helper()
	response, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(path)
	defer file.Close()
	if _, err := io.Copy(file, response.Body); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkJoined downloads from three origins of different speeds, with equal
// digests. Its metric is the time taken over the least possible: that of all
// origins sending all the time.
func BenchmarkJoined(b *testing.B) {
	content := random(16*pieceSize, 1)
	for name, rates := range map[string][]int{
		"50,50,50": {50e6, 50e6, 50e6},
		"80,50,10": {80e6, 50e6, 10e6},
		"80,50,0":  {80e6, 50e6, 1e5},
	} {
		b.Run(name, func(b *testing.B) {
			var sources []string
			sum := 0
			for _, r := range rates {
				sources, sum = append(sources, (&metered{content, r}).start(b)), sum+r
			}
			for b.Loop() {
				d, err := New(config(tempDir(b), sources...))
				if err != nil {
					b.Fatal(err)
				}
				p, err := d.Run(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				p.Discard()
			}
			least := float64(len(content)) / float64(sum)
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/least, "x-floor")
		})
	}
}

// metered is an origin with digests that sends so many bytes per second in all.
type metered struct {
	content []byte
	rate    int
}

func (m *metered) start(b *testing.B) string {
	limiter := rate.NewLimiter(rate.Limit(m.rate), 2*mib)
	s := &server{content: m.content, manifest: true, description: describe(m.content)}
	s.answer = func(w http.ResponseWriter, r *http.Request) bool {
		s.serve(&limitedWriter{w, r, limiter}, r)
		return true
	}
	return s.start(b)
}

type limitedWriter struct {
	http.ResponseWriter
	request *http.Request
	limiter *rate.Limiter
}

func (l *limitedWriter) Write(b []byte) (int, error) {
	if err := l.limiter.WaitN(l.request.Context(), len(b)); err != nil {
		return 0, err
	}
	return l.ResponseWriter.Write(b)
}
