package fetch

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
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
